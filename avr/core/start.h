/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the board knows when it starts. */
#ifndef CORE_START_H
#define CORE_START_H

#include <stdbool.h>

/*
 * Brings settings and counters back: from RAM where it survived (power_on is false then), from the journal, from a
 * historic image. watchdog tells whether the watchdog was what reset the board. Interrupts are off.
 */
void start_restore(bool power_on, bool watchdog);

#endif
