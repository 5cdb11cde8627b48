/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The power-cut proof's state: one board, its history, and the counts of all processes. */
#ifndef SIM_CUT_STATE_H
#define SIM_CUT_STATE_H

#include <stdbool.h>
#include <stdint.h>

#include "cut_history.h"
#include "rig.h"

enum {
	HOLD_SHORT_MS = 30, /* the time that a save with a short record may take */
	HOLD_MS = 55,       /* with a full record; the capacitors hold 146 ms (inferred) */
	BOOT_MS = 250,
	DARK_MS = 50,
	LOW_MV = 4000,
	GOOD_MV = 5000,
};

/* Shared by all processes of the proof. */
struct tally {
	uint64_t cuts, torn, dead, settings_torn, dips;
	uint32_t lost_wh_max;     /* lost although the save had all its time */
	uint32_t fallback_wh_max; /* lost when the power went earlier: the record before counts */
	uint64_t save_ns_max, save_full_ns_max;
	uint64_t saves, full_saves;
};

/* Each child has its own copy of everything but the tally. */
struct cut {
	struct rig rig;
	struct history history;
	struct tally *tally;
	int epoch;
	bool noting;      /* states are added to the history as they pass */
	bool sabotage;    /* damages the EEPROM, which the proof must notice */
	bool armed;       /* EEPROM operations fork */
	bool saving_only; /* the supply is already low, so children make no first dip */
	uint64_t dip_ns;  /* when the supply fell; 0 while it is good */
};

extern struct cut cut;

/* Begins a new history with the present counters. Ends the program if they do not settle. */
void cut_start_over(void);

/* Writes the board's settings as it reports them. Returns false if it does not answer. */
bool cut_ask_settings(char out[SETTINGS_TEXT]);

#endif
