/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The EEPROM: write times, split programming, the ready interrupt, and the effects of power cuts.
 */
#ifndef SIM_EEPROM_MODEL_H
#define SIM_EEPROM_MODEL_H

#include <avr_eeprom.h>
#include <stdbool.h>
#include <stdint.h>

enum {
	EEPROM_BYTES = 512,
	EEPROM_BOTH_NS = 3403320,  /* erase and write: 12546 cycles at 3.6864 MHz */
	EEPROM_SPLIT_NS = 1803386, /* erase only or write only: 6648 cycles */
};

enum eeprom_mode { EEPROM_ERASE_WRITE = 0, EEPROM_ERASE = 1, EEPROM_WRITE = 2 };

enum cut_stage { CUT_NONE, CUT_BEFORE, CUT_ERASED, CUT_WRITTEN, CUT_HALF, CUT_MIDDLE };

struct board;

struct eeprom_model {
	avr_eeprom_t *io;
	uint8_t *cells; /* EEPROM_BYTES, owned by the caller (may be a mapped file) */
	bool busy;
	bool half_time; /* the next event is the first of the operation's two */
	enum eeprom_mode mode;
	uint16_t addr;
	uint8_t value;
	uint64_t started_ns, ends_ns;
	uint64_t master_until; /* cycle up to which EEMPE is set */
	uint64_t ops, erased, written;
	uint32_t wear[EEPROM_BYTES]; /* erasures of each cell */
	uint64_t cut_op; /* the operation at which the power fails, counted from 1; 0: none */
	enum cut_stage cut_stage;
	uint8_t cut_value;
	/* Called when an operation begins, before anything has changed; may be NULL. */
	void (*on_start)(struct board *b, void *param);
	void *on_start_param;
};

void eeprom_attach(struct board *b, uint8_t *cells);
void eeprom_reset(struct board *b);
void eeprom_event(struct board *b);

/* Raises or clears the ready interrupt, which is a level. */
void eeprom_refresh(struct board *b);

/* Leaves the operation under way half done, because the power fails. */
void eeprom_cut(struct board *b);

/* Cuts the power at the nth operation from now (n ≥ 1). */
void eeprom_cut_at(struct board *b, uint64_t n, enum cut_stage stage, uint8_t value);

#endif
