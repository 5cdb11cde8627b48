/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Child processes, in each of which the power fails in its own way. */
#ifndef SIM_CUT_CHILD_H
#define SIM_CUT_CHILD_H

#include <stdbool.h>

/* From now on each EEPROM operation forks while cut.armed is set. */
void cut_attach(void);

/*
 * Returns true in the child. Returns false in the parent after the child has ended; ends the
 * program if the child failed.
 */
bool cut_fork(void);

/* Lets the supply fall and notes when. */
void cut_dip(void);

/* Returns true if the save that the dip began writes a full record. */
bool cut_save_is_full(void);

/* Counts the save that the dip began. */
void cut_note_save(void);

/*
 * Starts the board again after a power cut and compares. Ends the process if the state is untrue.
 */
void cut_boot_and_compare(bool save_complete);

#endif
