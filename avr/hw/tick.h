/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The board's beat: one interrupt a tick samples a clamp and ages the pulse inputs. */
#ifndef HW_TICK_H
#define HW_TICK_H

#include <stdint.h>

/* Starts timer, ADC and edge interrupts. */
void tick_init(void);

/* Ticks since reset, low half; wraps. Main loop. */
uint16_t tick_now(void);

#endif
