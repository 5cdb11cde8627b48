/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the power-cut proof counts and which states may come back after a cut. */
#ifndef SIM_POWER_CUT_H
#define SIM_POWER_CUT_H

#include <stdbool.h>
#include <stdint.h>

#include "rig.h"

enum {
	HISTORY = 4096,     /* states of one epoch; it has some hundred */
	SETTINGS_TEXT = 64, /* port map, constant and fraction as the board tells them */
};

/* Shared by all processes of the proof. */
struct tally {
	uint64_t cuts, torn, dead, settings_torn, dips;
	uint32_t lost_wh_max;     /* the save was complete when the power went */
	uint32_t fallback_wh_max; /* the save was cut short: the record before it counts */
	uint64_t save_ns_max, save_full_ns_max;
	uint64_t saves, full_saves;
};

/* The states that truly were, since the last record that is complete for sure. */
struct history {
	uint32_t state[HISTORY][RIG_SENSORS];
	int count;
	char settings[2][SETTINGS_TEXT]; /* before and, while they are being written, after */
};

void history_clear(struct history *h, const uint32_t now[RIG_SENSORS]);

/* Adds a state when it is new. */
void history_add(struct history *h, const uint32_t now[RIG_SENSORS]);

/* The index of a state, or -1. */
int history_find(const struct history *h, const uint32_t state[RIG_SENSORS]);

#endif
