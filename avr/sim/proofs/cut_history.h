/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The states that a board has had, any of which may come back after a power cut. */
#ifndef SIM_CUT_HISTORY_H
#define SIM_CUT_HISTORY_H

#include <stdint.h>

#include "rig.h"

enum {
	HISTORY = 4096,     /* states of one epoch, which has a few hundred */
	SETTINGS_TEXT = 96, /* port map, constants, hold and form in the board's own words */
};

/* The board's true states since the last record that is certainly complete. */
struct history {
	uint32_t state[HISTORY][RIG_SENSORS];
	int count;
	char settings[2][SETTINGS_TEXT]; /* before and, while they are being written, after */
};

/* Forgets all counter states but this one. */
void history_clear(struct history *h, const uint32_t now[RIG_SENSORS]);

/* Adds a state unless it equals the last one. Ends the program when there are too many. */
void history_add(struct history *h, const uint32_t now[RIG_SENSORS]);

/* Returns the index of the newest state equal to this one, or -1. */
int history_find(const struct history *h, const uint32_t state[RIG_SENSORS]);

#endif
