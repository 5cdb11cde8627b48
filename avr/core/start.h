/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Restores settings and counters when the board starts. */
#ifndef CORE_START_H
#define CORE_START_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Restores settings and counters from RAM where that survived (power_on is false then), from the
 * journal, or from a historic image. watchdog says whether the watchdog reset the board; sound is
 * what meter_start() returned. The inputs' interrupts may run already; the supply's must not.
 */
void start_restore(bool power_on, bool watchdog, uint8_t sound);

#endif
