/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A load of bus, pulses, bounces, UART, settings and dips in random phases, to find the worst
 * cases.
 */
#ifndef SIM_STRESS_H
#define SIM_STRESS_H

#include <stdint.h>

#include "rig.h"

struct stress {
	uint32_t random;
	uint64_t asked, answered; /* dialogues */
	uint64_t dips;
};

/* Loads the board for so many simulated seconds. The supply is good at the end. */
void stress_run(struct stress *s, struct rig *rig, int seconds);

#endif
