/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Registers that simavr gets wrong and no model owns: clock prescaler, enables, flags; and output
 * pins.
 */
#include "board.h"

enum { REG_CLKPR = 0x61, CLKPCE = 0x80, CLOCK_MASTER_CYCLES = 4 };

static void clkpr_write(struct avr_t *avr, avr_io_addr_t addr, uint8_t v, void *param)
{
	struct board *b = param;

	if (v & CLKPCE) {
		if ((v & ~CLKPCE) == 0)
			b->clock_change_until = avr->cycle + CLOCK_MASTER_CYCLES;
		return;
	}
	if (avr->cycle > b->clock_change_until || (v & 0x0F) > 8)
		return;
	b->clock_change_until = 0;
	avr->data[addr] = v & 0x0F;
	board_set_clock(b, b->crystal_hz >> (v & 0x0F));
}

/* Raises interrupts whose flags are already set when they are enabled, which simavr does not. */
static void enable_write(struct avr_t *avr, avr_io_addr_t addr, uint8_t v, void *param)
{
	(void)param;
	avr->data[addr] = v;
	for (int i = 0; i < avr->interrupts.vector_count; i++) {
		avr_int_vector_t *vec = avr->interrupts.vector[i];

		if (vec->enable.reg == addr && vec->raised.reg &&
		    avr_regbit_get(avr, vec->enable) && avr_regbit_get(avr, vec->raised) &&
		    !vec->pending)
			avr_raise_interrupt(avr, vec);
	}
}

/* Clears flags by writing ones, which simavr lacks for these registers. */
static void flags_write(struct avr_t *avr, avr_io_addr_t addr, uint8_t v, void *param)
{
	(void)param;
	for (int i = 0; i < avr->interrupts.vector_count; i++) {
		avr_int_vector_t *vec = avr->interrupts.vector[i];

		if (vec->raised.reg == addr && (v >> vec->raised.bit & 1))
			avr_clear_interrupt(avr, vec);
	}
}

void registers_attach(struct board *b)
{
	static const uint16_t ENABLES[] = { 0x3D /* EIMSK */, 0x68 /* PCICR */, 0x6E, 0x6F,
					    0x70 /* TIMSK0-2 */ };
	static const uint16_t FLAGS[] = { 0x3B /* PCIFR */, 0x3C /* EIFR */ };

	for (size_t i = 0; i < sizeof(ENABLES) / sizeof(ENABLES[0]); i++)
		board_on_write(b, ENABLES[i], enable_write);
	for (size_t i = 0; i < sizeof(FLAGS) / sizeof(FLAGS[0]); i++)
		board_on_write(b, FLAGS[i], flags_write);
	board_on_write(b, REG_CLKPR, clkpr_write);
}

static bool output_high(const struct board *b, uint16_t ddr, int bit)
{
	return (b->avr->data[ddr] >> bit & 1) && (b->avr->data[ddr + 1] >> bit & 1);
}

bool board_led(const struct board *b)
{
	const uint16_t DDRB = 0x24;

	if (!b->powered)
		return false;
	if (b->kind == BOARD_UART)
		return output_high(b, DDRB, 5);
	return (b->avr->data[DDRB] & 1) && !(b->avr->data[DDRB + 1] & 1);
}

bool board_rs485(const struct board *b)
{
	return b->powered && output_high(b, 0x2A /* DDRD */, 5);
}
