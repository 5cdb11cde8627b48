/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One pass of the main loop: a bounded piece of work for inputs, journal and settings. */
#ifndef CORE_PASS_H
#define CORE_PASS_H

#include <stdbool.h>
#include <stdint.h>

/* The ticks between two passes: 2 ms with SPI. The processor sleeps in between. */
#define PASS_TICKS 4

/*
 * Does what is due at the tick now, when PASS_TICKS or more ticks have passed since meter_ticks.
 * low says whether the supply is low. Returns true once a second, when the powers are new.
 */
bool pass_run(uint16_t now, uint8_t ticks, bool low);

/* Switches the LED. hw/main.c provides it on the board, host/bench.c in the tests. */
void pass_led(uint8_t lit);

#endif
