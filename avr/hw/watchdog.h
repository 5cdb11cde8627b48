/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The watchdog: first an interrupt that saves, then a reset. */
#ifndef HW_WATCHDOG_H
#define HW_WATCHDOG_H

#include <stdint.h>

/* MCUSR of the last reset. */
extern uint8_t reset_reason;

/* Arms the watchdog. Its registers take only timed changes. */
void watchdog_init(void);

/* Restarts the watchdog. Called in each pass of the main loop. */
void watchdog_kick(void);

#endif
