/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The counters' journal in EEPROM: full records, and short ones that hold what the newest full one lacks. Slots are
 * erased ahead of time, so that saving is writing alone. Layout and reasons: docs/firmware.md.
 */
#ifndef CORE_JOURNAL_H
#define CORE_JOURNAL_H

#include <stdbool.h>
#include <stdint.h>

#include "layout.h"
#include "shape.h"

#define JOURNAL_NO_SLOT 0xff
#define JOURNAL_AHEAD 2       /* a full record and, when it is displaced, another one */
#define JOURNAL_SHORTS_MAX 14 /* short records on one full one: their number has four bits of the tag */

#define JOURNAL_DISTANT_BIT 15 /* 32768 Wh: half of what short records can express */

enum journal_phase {
	JOURNAL_FREE,    /* no record under way */
	JOURNAL_ASKED,   /* journal_step() is to take the counters */
	JOURNAL_WRITING, /* journal_step() writes it */
	JOURNAL_WRITTEN, /* it waits for journal_book() */
};

/*
 * journal_begin() and journal_step() run with interrupts off or in an interrupt and write phase, at, end, place,
 * brief, crc, buffer, full_ready, full_next, short_ready. The main loop writes all else, and what is named here only while
 * the phase is not JOURNAL_WRITING or with interrupts off.
 */
struct journal {
	volatile uint8_t phase;
	bool brief;     /* the record under way is a short one */
	uint8_t at;     /* index of its next byte in buffer[] */
	uint8_t body;   /* index at which its CRC begins */
	uint16_t place; /* address of its next byte */
	uint16_t crc;
	volatile bool far;         /* no short record can express the counters */
	volatile bool distant;     /* a counter is 2^JOURNAL_DISTANT_BIT Wh ahead of the newest full record */
	bool displaced;            /* a full record in the background gave way; cleared by the main loop */
	uint8_t full_ready;        /* erased slots from full_next on, 0 … JOURNAL_AHEAD */
	volatile bool short_ready; /* the slot short_next is erased */
	uint16_t sequence;         /* of the newest full record */
	uint16_t attempt;          /* sequence last given to a full record, finished or not */
	uint8_t short_seed;        /* CRC-8 that the short records on it start from */
	uint8_t shorts;            /* short records written on it */
	uint8_t short_next;        /* slot of the next of them */
	uint8_t short_live;        /* slot of the newest of them, or JOURNAL_NO_SLOT */
	uint8_t short_clean;       /* short slots that are erased, one bit each */
	uint8_t full_next;         /* slot of the next full record */
	uint8_t tries;             /* erasures of the slot being erased */
	bool historic;             /* a historic image is not yet taken over: leave the low addresses alone */
	uint8_t buffer[FULL_SIZE];
	uint32_t base[SENSORS]; /* counters of the newest full record */
};

extern struct journal journal;

/* Finds the newest state; true and the counters when there is one. At start, before interrupts are on. */
bool journal_restore(uint32_t *counter);

/* Tells of a counter's new value before it takes effect, with interrupts off. */
void journal_note(uint8_t sensor, uint32_t counter);

/* The same of all counters as they are. Main loop, with no record to begin. */
void journal_note_all(void);

/*
 * Asks for a record of sensor_counter, short if it may be; they are taken when the EEPROM is ready for the first byte.
 * With interrupts off. False when no slot is ready, or a record is under way that does not give way.
 */
bool journal_begin(bool may_be_short);

/* Writes the next byte; false when the record is finished. EEPROM-ready interrupt. */
bool journal_step(void);

/* Looks after a finished record; true when there was one. *sound tells whether it reads back right. Main loop. */
bool journal_book(bool *sound);

/* Erases ahead, one byte a call. Main loop. */
void journal_tidy(void);

#endif
