/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The watchdog, first an interrupt that saves, then a reset. */
#ifndef HW_WATCHDOG_H
#define HW_WATCHDOG_H

#include <stdint.h>

/* MCUSR of the last reset. */
extern uint8_t reset_reason;

/* At start, with interrupts off: the change is timed. */
void watchdog_init(void);

/* The main loop lives. */
void watchdog_kick(void);

#endif
