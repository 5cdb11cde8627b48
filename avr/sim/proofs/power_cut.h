/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the power-cut proof counts and which states may come back after a cut. */
#ifndef SIM_POWER_CUT_H
#define SIM_POWER_CUT_H

#include <stdbool.h>
#include <stdint.h>

#include "rig.h"

enum {
	HOLD_SHORT_MS = 30, /* what a save with a short record may take, */
	HOLD_MS =
		55, /* and one with a full record; the capacitors hold longer (inferred: 146 ms) */
	BOOT_MS = 250,
	DARK_MS = 50,
	LOW_MV = 4000,
	GOOD_MV = 5000,
	HISTORY = 4096,     /* states of one epoch; it has some hundred */
	SETTINGS_TEXT = 96, /* port map, constants, hold and form as the board tells them */
};

/* Shared by all processes of the proof. */
struct tally {
	uint64_t cuts, torn, dead, settings_torn, dips;
	uint32_t lost_wh_max;     /* the power went when the save's time was over */
	uint32_t fallback_wh_max; /* it went before: the record before that save counts */
	uint64_t save_ns_max, save_full_ns_max;
	uint64_t saves, full_saves;
};

/* The states that truly were, since the last record that is complete for sure. */
struct history {
	uint32_t state[HISTORY][RIG_SENSORS];
	int count;
	char settings[2][SETTINGS_TEXT]; /* before and, while they are being written, after */
};

/* The proof's state; a child has its own copy, but for the tally. */
struct cut {
	struct rig rig;
	struct history history;
	struct tally *tally;
	int epoch;
	bool noting;      /* the states that come by are true ones */
	bool sabotage;    /* damages what the EEPROM holds: the proof must notice */
	bool armed;       /* fork at operations */
	bool saving_only; /* the supply is already low: no dips of its own */
	uint64_t dip_ns;  /* when the supply fell, 0: it has not */
};

extern struct cut cut;

/* From now on operations fork while cut.armed stands. */
void cut_attach(void);

/* The child gets true; its parent waits for it, gets false, and ends the program when the child failed. */
bool cut_fork(void);

/* From the state of now on. */
void cut_start_over(void);

/* The supply falls. */
void cut_dip(void);

/* The save that the fall of the supply began writes a full record. */
bool cut_save_is_full(void);

/* Counts the save that the fall of the supply began. */
void cut_note_save(void);

/* Starts the board again after a power cut; what came back must be true. Ends a child when it is not. */
void cut_boot_and_compare(bool save_complete);

/* One dip at so many instants of the main loop's round, the supply recovers; a power cut in each of the dips after it. */
void cut_sweep(int instants);

/* Pulses, commands and dips at random; a power cut in each dip. */
void cut_life(int dips);

/* Port map, constants, hold and form as the board tells them; false when it does not. */
bool cut_ask_settings(char out[SETTINGS_TEXT]);

void history_clear(struct history *h, const uint32_t now[RIG_SENSORS]);

/* Adds a state when it is new. */
void history_add(struct history *h, const uint32_t now[RIG_SENSORS]);

/* The index of a state, or -1. */
int history_find(const struct history *h, const uint32_t state[RIG_SENSORS]);

#endif
