/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Decides when counters and settings are written to the EEPROM, so that none are lost and no cell
 * wears out.
 */
#ifndef CORE_KEEPER_H
#define CORE_KEEPER_H

#include <stdbool.h>
#include <stdint.h>

#include "store.h"

#define KEEPER_RECORD_MIN 60u /* between full records: 8760 a year are 1095 for each slot */
#define KEEPER_FAR_MIN 10u    /* between full records while a counter is distant from the last */
#define KEEPER_SAVES 60u      /* dips in a row that are saved */
#define KEEPER_SAVE_MIN 5u /* after which one more is allowed: at most 105,000 a year in 6 slots */
#define KEEPER_STAYS_LOW 200u /* ticks; a supply that is low for longer is weak, not failing */
#define KEEPER_SHORTS 12u     /* short records on a full one before the next is due early */

/*
 * How many more saves dips may begin. Each hang also uses one, and the number outlives a reset, so
 * that a board which hangs for ever does not wear out its EEPROM. Interrupts count it down; the
 * main loop counts it up with interrupts off.
 */
extern uint8_t keeper_saves;

/* Called at start, when the counters are known. Power-on restores all saves. */
void keeper_boot(bool power_on);

/* Begins a save: the supply fell below the threshold. Interrupt. */
void keeper_dip(void);

/* Begins a save: the main loop hangs. Interrupt. */
void keeper_hang(void);

/*
 * Returns true when a counter may be set. A slot must be erased for its record, and the supply must
 * not be failing, because a save may have copied the counters already. Main loop.
 */
bool keeper_accepts_counter(void);

/*
 * Makes a full record due at once, after a counter was set; and another save if the supply fell
 * just then. Main loop.
 */
void keeper_record(void);

/* Notes that settings were changed, which a commit will store. Main loop. */
void keeper_changed(void);

/* Begins to store settings and counters. Main loop. */
void keeper_commit(void);

/* Returns the state of the last commit. Main loop. */
enum store_result keeper_committed(void);

/*
 * Does what is due. low says whether the supply is low; ticks have passed since the last call.
 * Called in each pass of the main loop.
 */
void keeper_run(bool low, uint8_t ticks);

/* Once a second. Main loop. */
void keeper_second(void);

#endif
