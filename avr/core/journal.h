/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The counters' journal in EEPROM: full records, and short ones that hold what the newest full one lacks. Slots are
 * erased ahead of time, so that saving is writing alone. What pulses left below one Wh stands apart, in the tail of a full
 * record and in the byte of pieces of a short one. Layout and reasons: docs/firmware.md.
 */
#ifndef CORE_JOURNAL_H
#define CORE_JOURNAL_H

#include <stdbool.h>
#include <stdint.h>

#include "layout.h"
#include "shape.h"

#define JOURNAL_NO_SLOT 0xff
#define JOURNAL_SHORTS_MAX \
	14 /* short records on one full one: their number has four bits of the tag */

#define JOURNAL_DISTANT_BIT 15 /* 32768 Wh: half of what short records can express */

enum journal_phase {
	JOURNAL_FREE,    /* no record under way */
	JOURNAL_ASKED,   /* journal_step() is to take the counters */
	JOURNAL_TAKEN,   /* they are in the buffer */
	JOURNAL_WRITING, /* journal_step() writes it */
	JOURNAL_WRITTEN, /* it waits for journal_book() */
};

/*
 * journal_begin() and journal_step() run with interrupts off or in an interrupt and write phase, bare, at, end, place,
 * next, left, brief, urgent, crc, slot, buffer, mends, full_ready, full_next, short_ready. The main loop writes all else, and what is named
 * here only while the phase is not JOURNAL_WRITING or with interrupts off.
 */
struct journal {
	volatile uint8_t phase;
	bool brief;   /* the record under way is a short one */
	bool bare;    /* or a full one without a tail, on which no short one may be put */
	uint8_t slot; /* where it goes */
	uint8_t at;   /* index of its next byte in buffer[] */
	uint8_t body; /* index at which its CRC begins */
	uint8_t end;  /* index behind the segment being written: the record, or its tail */
	uint8_t next; /* index of the segment after it */
	uint8_t left; /* bytes still to be written; the tail of a background record is written first, else it is last */
	uint16_t place; /* address of its next byte */
	uint16_t crc;
	bool mends;        /* it ends broken */
	bool urgent;       /* the supply failed */
	volatile bool far; /* no short record can express the counters */
	volatile bool
		distant; /* a counter is 2^JOURNAL_DISTANT_BIT Wh ahead of the newest full record */
	bool displaced;  /* a full record in the background gave way; cleared by the main loop */
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
	uint8_t after[FULL_SLOTS]; /* the slot behind each that is in use */
	uint8_t first;     /* slots before it are not used yet: a historic image lies there */
	uint8_t tries;     /* erasures of the slot being erased */
	uint8_t swept;     /* of them, seen erased: from the last one on */
	uint16_t sweeping; /* where they begin; 0: none */
	bool historic; /* an EEPROM of older firmware is not yet taken over: leave what it may use alone */
	bool littered; /* short slots may hold what is no record: not to be believed, and full ones have no tails */
	uint8_t newer;         /* damaged records that were newer than the one taken at start */
	uint8_t pieces;        /* of the pulse inputs' sensors as they are, four bits each */
	uint16_t part[PULSES]; /* their parts of a Wh */
	uint16_t base_part[PULSES]; /* the same in the newest full record */
	uint8_t buffer[FULL_SIZE + TAIL_SIZE];
	uint32_t base[SENSORS]; /* counters of the newest full record */
};

extern struct journal journal;

/*
 * Not pulses alone have moved what pulses count since the newest full record: no short one can tell the part of a Wh. It
 * outlives a reset, as the counters do. Main loop writes.
 */
extern volatile bool journal_broken;

/*
 * Finds the newest state; true, the counters and the pulse inputs' parts of a Wh when there is one. At start, with the
 * settings known; in_ram: the counters outlived a reset.
 */
bool journal_restore(uint32_t *counter, uint16_t *part, bool in_ram);

/* Before that: a historic image lies, or was not erased to its end, where short records and the first full ones will be. */
void journal_respect_image(void);

/* The image's settings are stored as ours: erases it, a byte a call; true when that is done. Main loop, with no record under way. */
bool journal_clear_image(void);

/* Nothing of older firmware is needed any more: all slots are free now. Main loop. */
void journal_release(void);

/* Tells of a counter's new value before it takes effect, with interrupts off. */
void journal_note(uint8_t sensor, uint32_t counter);

/* Tells of what pulses left of a Wh at an input's sensor, with interrupts off. */
void journal_note_part(uint8_t input, uint16_t part, uint8_t pieces);

/* The same of all counters as they are. Main loop, with no record to begin. */
void journal_note_all(void);

/* Something else than pulses is about to move counters, or what a pulse is: the next record is a full one. Main loop. */
void journal_break(void);

/* Erases all tails and pieces, a byte a call; true when that is done. Main loop, with no record under way. */
bool journal_clear_tails(void);

/*
 * Asks for a record of sensor_counter, short if it may be; they are taken when the EEPROM is ready for the first byte.
 * With interrupts off. False when no slot is ready, or a record is under way that does not give way.
 */
bool journal_begin(bool may_be_short);

/* The supply failed: a full record under way leaves its tail to the end. With interrupts off. */
void journal_hurry(void);

/* Writes the next byte; false when the record is finished. EEPROM-ready interrupt. */
bool journal_step(void);

/*
 * Looks after a finished record; true when there was one. *sound tells whether it reads back right. weak: the supply is low, which
 * proves no cell to be worn out. Main loop.
 */
bool journal_book(bool *sound, bool weak);

/* Erases ahead, one byte a call; a slot that cannot be erased is left out for good. Main loop. */
void journal_tidy(bool weak);

#endif
