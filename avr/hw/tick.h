/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The tick interrupt samples one clamp and checks one pulse input each time. */
#ifndef HW_TICK_H
#define HW_TICK_H

#include <stdint.h>

/* Starts timer, ADC and edge interrupts. */
void tick_init(void);

/* Returns the ticks since the reset, modulo 65536. Main loop. */
uint16_t tick_now(void);

#endif
