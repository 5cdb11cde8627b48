/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the board knows when it starts. */
#ifndef CORE_START_H
#define CORE_START_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Brings settings and counters back: from RAM where it survived (power_on is false then), from the journal, from a
 * historic image. watchdog tells whether the watchdog was what reset the board; sound is what meter_start() returned. The
 * inputs' interrupts may run already, the supply's may not.
 */
void start_restore(bool power_on, bool watchdog, uint8_t sound);

#endif
