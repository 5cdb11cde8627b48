/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The journal keeps the counters in EEPROM. A full record holds all of them; a short record holds
 * their low halves and relies on the newest full record. Slots are erased ahead of time, so that a
 * save only has to write. The part of a Wh that pulses have left is stored apart: in the tail of a
 * full record, or in the pieces byte of a short one. Layout and reasons: docs/design/firmware.md.
 */
#ifndef CORE_JOURNAL_H
#define CORE_JOURNAL_H

#include <stdbool.h>
#include <stdint.h>

#include "layout.h"
#include "shape.h"

#define JOURNAL_NO_SLOT 0xff
#define JOURNAL_SHORTS_MAX 14  /* short records on one full record: four bits of the tag */
#define JOURNAL_DISTANT_BIT 15 /* 32768 Wh: half of what short records can express */

enum journal_phase {
	JOURNAL_FREE,    /* no record is under way */
	JOURNAL_ASKED,   /* journal_step() copies the counters to the buffer next */
	JOURNAL_TAKEN,   /* they are in the buffer; the record gets its slot next */
	JOURNAL_WRITING, /* journal_step() writes the buffer, a byte a call */
	JOURNAL_WRITTEN, /* journal_check() checks the record next */
};

/*
 * journal_begin(), journal_hurry() and journal_step() run in an interrupt or with interrupts off.
 * They write phase, bare, at, end, place, next, left, brief, urgent, crc, slot, buffer, mends,
 * full_ready, full_next and short_ready. The main loop writes everything else; it writes the fields
 * named here only with interrupts off or while the phase is not JOURNAL_WRITING.
 */
struct journal {
	volatile uint8_t phase;
	bool brief;     /* the record under way is a short one */
	bool bare;      /* it is a full one without a tail, which no short record may rely on */
	uint8_t slot;   /* its slot */
	uint8_t at;     /* index in buffer[] of its next byte */
	uint8_t body;   /* index at which the segment's CRC begins */
	uint8_t end;    /* index behind the segment being written: the record or its tail */
	uint8_t next;   /* index of the segment after it */
	uint8_t left;   /* bytes still to be written */
	uint16_t place; /* EEPROM address of its next byte */
	uint16_t crc;
	bool mends;            /* this record will clear journal_broken */
	bool urgent;           /* the supply failed, so the tail is written last instead of first */
	volatile bool far;     /* a counter is too far from base[] for a short record */
	volatile bool distant; /* a counter is 2^JOURNAL_DISTANT_BIT Wh from base[] */
	bool displaced;        /* a save took the place of a full record; the main loop clears it */
	uint8_t full_ready;    /* erased slots from full_next on, 0 … JOURNAL_AHEAD */
	volatile bool short_ready; /* the slot short_next is erased */
	uint16_t sequence;         /* number of the newest full record */
	uint16_t attempt;          /* number last given to a full record, finished or not */
	uint8_t short_seed;        /* where the CRC-8 of the short records on it starts */
	uint8_t shorts;            /* short records written on it */
	uint8_t short_next;        /* slot of the next short record */
	uint8_t short_live;        /* slot of the newest short record, or JOURNAL_NO_SLOT */
	uint8_t short_clean;       /* a bit for each short slot that is erased */
	uint8_t full_next;         /* slot of the next full record */
	uint8_t after[FULL_SLOTS]; /* the slot that follows each slot in use */
	uint8_t first;     /* slots before it are not in use yet: a historic image lies there */
	uint8_t tries;     /* how often the slot being erased was erased */
	uint8_t swept;     /* its cells that were seen erased, counted from the last one */
	uint16_t sweeping; /* where its cells begin; 0 if none is being erased */
	bool historic;     /* older firmware left this EEPROM: spare the cells that it may use */
	bool littered;     /* short slots may hold other data; full records get no tails yet */
	uint8_t newer;     /* damaged records newer than the one that was restored */
	uint8_t pieces;    /* pieces of the pulse inputs' sensors, four bits each */
	uint16_t part[PULSES];      /* their parts of a Wh */
	uint16_t base_part[PULSES]; /* the parts in the newest full record */
	uint8_t buffer[FULL_SIZE + TAIL_SIZE];
	uint32_t base[SENSORS]; /* the counters in the newest full record */
};

extern struct journal journal;

/*
 * True when something other than pulses has moved a pulse counter since the newest full record. A
 * short record cannot express the part of a Wh then. Like the counters, this outlives a reset.
 * Written by the main loop.
 */
extern volatile bool journal_broken;

/*
 * Finds the newest state. Returns true with the counters and the pulse inputs' parts of a Wh, or
 * false if there is none. Called at start, when the settings are known. in_ram says that the
 * counters outlived a reset.
 */
bool journal_restore(uint32_t *counter, uint16_t *part, bool in_ram);

/*
 * Called before journal_restore() when a historic image, or a rest of it, lies in the slots of
 * short records and of the first full ones.
 */
void journal_respect_image(void);

/*
 * Erases the historic image, a byte a call, once its settings are stored in our layout. Returns
 * true when it is gone. Main loop, with no record under way.
 */
bool journal_clear_image(void);

/* Frees all slots: nothing that older firmware left is needed any more. Main loop. */
void journal_release(void);

/* Notes how far a counter's new value is ahead, before it takes effect. With interrupts off. */
void journal_note(uint8_t sensor, uint32_t counter);

/* Notes the part of a Wh that pulses have left at an input's sensor. With interrupts off. */
void journal_note_part(uint8_t input, uint16_t part, uint8_t pieces);

/* Calls journal_note() for all counters. Main loop, while no record can begin. */
void journal_note_all(void);

/*
 * Makes the next record a full one, before something other than pulses moves a counter or a pulse's
 * energy changes. Main loop.
 */
void journal_break(void);

/*
 * Erases all tails and pieces, a byte a call. Returns true when all are erased. Main loop, with no
 * record under way.
 */
bool journal_clear_tails(void);

/*
 * Asks for a record of sensor_counter, a short one if allowed and possible. The counters are read
 * when the EEPROM is ready for the first byte. Returns false when no slot is erased, or when the
 * record under way must be finished. With interrupts off.
 */
bool journal_begin(bool may_be_short);

/*
 * The supply failed: a full record under way writes its counters first and its tail last. With
 * interrupts off.
 */
void journal_hurry(void);

/* Writes the next byte. Returns false when the record is finished. EEPROM-ready interrupt. */
bool journal_step(void);

/*
 * Checks a finished record. Returns true when there was one; *sound says whether it reads back
 * right. weak says that the supply is low; a cell that fails then does not count as worn out. Main
 * loop.
 */
bool journal_check(bool *sound, bool weak);

/*
 * Erases the next slots ahead, one byte a call. A slot that cannot be erased is never used again.
 * Main loop.
 */
void journal_tidy(bool weak);

#endif
