/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Decides when the counters and settings are written to the EEPROM, so that nothing is lost and nothing wears out. */
#ifndef CORE_KEEPER_H
#define CORE_KEEPER_H

#include <stdbool.h>
#include <stdint.h>

#include "store.h"

#define KEEPER_RECORD_MIN 60u /* a full record an hour: 8760 a year over 11 slots are 800 a cell */
#define KEEPER_FAR_MIN 10u    /* but at most every 10 minutes when a counter is far ahead of it */
#define KEEPER_SAVES 60u      /* dips that are saved in a row */
#define KEEPER_SAVE_MIN 5u /* one comes back each 5 minutes: 105,000 a year over 6 slots at most */
#define KEEPER_STAYS_LOW 200u /* ticks after which a low supply is no failure but a weak supply */
#define KEEPER_SHORTS 12u     /* short records after which a full one is due */

/*
 * Saves that a dip may still begin at once. A hang that resets the board for ever must not wear the EEPROM out, so they
 * outlive a reset, and each hang takes one. Interrupts take, the main loop gives with interrupts off.
 */
extern uint8_t keeper_saves;

/* At start, when the counters are known. Power-on forgets how many saves were spent. */
void keeper_boot(bool power_on);

/* The supply fell under the threshold. Interrupt. */
void keeper_dip(void);

/* The main loop hangs. Interrupt. */
void keeper_hang(void);

/*
 * True when a counter may be set: an erased slot is there for its record, and the supply does not fail just now, when a
 * save may have taken the counters already. Main loop.
 */
bool keeper_takes(void);

/* A counter was set: a full record is due as soon as may be, another save if the supply fell just then. Main loop. */
void keeper_record(void);

/* The settings were changed, not for good yet. Main loop. */
void keeper_changed(void);

/* Writes settings and counters for good; keeper_committed() tells how it goes. Main loop. */
void keeper_commit(void);
enum store_result keeper_committed(void);

/* All the time: low is the state of the supply, ticks those since the last call. Main loop. */
void keeper_run(bool low, uint8_t ticks);

/* Once a second. Main loop. */
void keeper_second(void);

#endif
