/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The board's beat: one interrupt a tick samples a clamp, ages the pulse inputs and drives the clock. */
#ifndef HW_TICK_H
#define HW_TICK_H

#include <stdint.h>

/* Starts timer, ADC and edge interrupts. */
void tick_init(void);

/* Ticks since reset, low byte; wraps. Any context. */
extern volatile uint8_t tick_count;

/* Low half of the clock in ms since reset. Main loop. */
uint16_t tick_ms(void);

#endif
