/* SPDX-License-Identifier: GPL-3.0-or-later */
/* An operation erases in its first half and writes in its second. */
#include "eeprom_model.h"

#include <string.h>

#include "board.h"

enum {
	EERE = 0x01,
	EEPE = 0x02,
	EEMPE = 0x04,
	EERIE = 0x08,
	EEPM_SHIFT = 4,
	EEPM = 0x30,
	MASTER_CYCLES = 4,
	READ_HALT_CYCLES = 4,
	WRITE_HALT_CYCLES = 2,
};

static uint8_t *control(struct board *b)
{
	return &b->avr->data[b->eeprom.io->r_eecr];
}

static uint16_t address(const struct board *b)
{
	const avr_t *avr = b->avr;

	return (uint16_t)((avr->data[b->eeprom.io->r_eearl] | avr->data[b->eeprom.io->r_eearh]
								      << 8) %
			  EEPROM_BYTES);
}

void eeprom_refresh(struct board *b)
{
	board_line(b, &b->eeprom.io->ready, (*control(b) & EERIE) && !b->eeprom.busy && b->powered);
}

static uint64_t length_ns(enum eeprom_mode mode)
{
	return mode == EEPROM_ERASE_WRITE ? EEPROM_BOTH_NS : EEPROM_SPLIT_NS;
}

static void start(struct board *b, enum eeprom_mode mode)
{
	struct eeprom_model *e = &b->eeprom;

	e->mode = mode;
	e->addr = address(b);
	e->value = b->avr->data[e->io->r_eedr];
	if (e->on_start)
		e->on_start(b, e->on_start_param);
	e->ops++;
	if (e->cut_op == e->ops && e->cut_stage == CUT_BEFORE) {
		e->cut_op = 0;
		board_cut_later(b);
		return;
	}
	e->busy = true;
	e->half_time = true;
	e->started_ns = board_now_ns(b);
	e->ends_ns = e->started_ns + length_ns(mode);
	board_event(b, EVENT_EEPROM, e->started_ns + length_ns(mode) / 2);
	b->avr->cycle += WRITE_HALT_CYCLES;
}

static void control_write(struct avr_t *avr, avr_io_addr_t addr, uint8_t v, void *param)
{
	struct board *b = param;
	struct eeprom_model *e = &b->eeprom;
	bool armed = avr->cycle <= e->master_until;
	uint8_t mode = e->busy ? (uint8_t)(avr->data[addr] & EEPM) : (uint8_t)(v & EEPM);

	avr->data[addr] = (uint8_t)((v & EERIE) | mode | (e->busy ? EEPE : 0));
	if ((v & EEPE) && armed && !e->busy && mode != EEPM) {
		e->master_until = 0;
		start(b, (enum eeprom_mode)(mode >> EEPM_SHIFT));
		if (e->busy)
			avr->data[addr] |= EEPE;
	} else if (v & EEMPE) {
		e->master_until = avr->cycle + MASTER_CYCLES;
	}
	if ((v & EERE) && !e->busy) {
		avr->data[e->io->r_eedr] = e->cells[address(b)];
		avr->cycle += READ_HALT_CYCLES;
	}
	eeprom_refresh(b);
}

static uint8_t control_read(struct avr_t *avr, avr_io_addr_t addr, void *param)
{
	struct board *b = param;
	bool armed = avr->cycle <= b->eeprom.master_until;

	return (uint8_t)(avr->data[addr] | (armed ? EEMPE : 0));
}

static void address_write(struct avr_t *avr, avr_io_addr_t addr, uint8_t v, void *param)
{
	struct board *b = param;

	if (!b->eeprom.busy)
		avr->data[addr] = addr == b->eeprom.io->r_eearh ? v & 1 : v;
}

void eeprom_attach(struct board *b, uint8_t *cells)
{
	struct eeprom_model *e = &b->eeprom;

	e->io = (avr_eeprom_t *)board_module(b, "eeprom");
	e->cells = cells;
	board_on_write(b, e->io->r_eecr, control_write);
	board_on_read(b, e->io->r_eecr, control_read);
	board_on_write(b, e->io->r_eearl, address_write);
	board_on_write(b, e->io->r_eearh, address_write);
}

/* A reset does not stop a write under way. */
void eeprom_reset(struct board *b)
{
	b->eeprom.master_until = 0;
	if (b->eeprom.busy)
		*control(b) |= EEPE;
}

static void erase(struct eeprom_model *e)
{
	e->cells[e->addr] = 0xFF;
	e->wear[e->addr]++;
	e->erased++;
}

static void write(struct eeprom_model *e)
{
	e->cells[e->addr] &= e->value; /* programming only clears bits */
	e->written++;
}

static bool cut_now(struct board *b, bool middle)
{
	struct eeprom_model *e = &b->eeprom;

	if (e->cut_op != e->ops || (e->cut_stage == CUT_WRITTEN) == middle)
		return false;
	if (e->cut_stage == CUT_HALF)
		e->cells[e->addr] = e->cut_value;
	e->cut_op = 0;
	e->busy = false;
	board_cut_later(b);
	return true;
}

static void half_done(struct board *b)
{
	struct eeprom_model *e = &b->eeprom;

	if (e->cut_op == e->ops && e->cut_stage == CUT_MIDDLE) {
		e->cut_op = 0;
		board_cut_later(b); /* finds the operation under way */
		return;
	}
	e->half_time = false;
	if (e->mode != EEPROM_WRITE)
		erase(e);
	if (!cut_now(b, true))
		board_event(b, EVENT_EEPROM, e->ends_ns);
}

void eeprom_event(struct board *b)
{
	struct eeprom_model *e = &b->eeprom;

	if (!e->busy)
		return;
	if (e->half_time) {
		half_done(b);
		return;
	}
	if (e->mode != EEPROM_ERASE)
		write(e);
	e->busy = false;
	if (cut_now(b, false))
		return;
	*control(b) &= (uint8_t)~EEPE;
	eeprom_refresh(b);
}

/* Half an erasure has set some bits; half a write has cleared some of its zeros. */
void eeprom_cut(struct board *b)
{
	struct eeprom_model *e = &b->eeprom;
	uint8_t *cell = &e->cells[e->addr];

	board_event(b, EVENT_EEPROM, EVENT_NEVER);
	if (!e->busy)
		return;
	e->busy = false;
	if (e->half_time && e->mode != EEPROM_WRITE)
		*cell |= board_random_byte(b);
	else if (e->mode != EEPROM_ERASE)
		*cell &= (uint8_t)(e->value | board_random_byte(b));
}

void eeprom_cut_at(struct board *b, uint64_t n, enum cut_stage stage, uint8_t value)
{
	b->eeprom.cut_op = b->eeprom.ops + n;
	b->eeprom.cut_stage = stage;
	b->eeprom.cut_value = value;
}
