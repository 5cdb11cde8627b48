/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "probe.h"

#include <string.h>

#include "board.h"

static const char *const NAMES[PROBE_VECTORS] = {
	"RESET",        "INT0",         "INT1",         "PCINT0",       "PCINT1",
	"PCINT2",       "WDT",          "TIMER2_COMPA", "TIMER2_COMPB", "TIMER2_OVF",
	"TIMER1_CAPT",  "TIMER1_COMPA", "TIMER1_COMPB", "TIMER1_OVF",   "TIMER0_COMPA",
	"TIMER0_COMPB", "TIMER0_OVF",   "SPI_STC",      "USART_RX",     "USART_UDRE",
	"USART_TX",     "ADC",          "EE_READY",     "ANALOG_COMP",  "TWI",
	"SPM_READY",
};

const char *probe_name(int vector)
{
	return vector >= 0 && vector < PROBE_VECTORS ? NAMES[vector] : "?";
}

void probe_attach(struct board *b)
{
	probe_clear(b);
}

void probe_clear(struct board *b)
{
	struct probe *p = &b->probe;

	memset(p->longest, 0, sizeof(p->longest));
	memset(p->runs, 0, sizeof(p->runs));
	p->busy_cycles = 0;
	p->slept_cycles = 0;
	p->longest_off = 0;
	p->longest_off_pc = 0;
	p->lowest_sp = b->avr->ramend;
}

void probe_restart(struct board *b)
{
	b->probe.depth = 0;
	b->probe.off = false;
	b->probe.seen_on = false;
}

void probe_entered(struct board *b, int vector)
{
	struct probe *p = &b->probe;

	if (!p->off) {
		p->off = true;
		p->off_since = b->avr->cycle - ENTRY_CYCLES;
		p->off_pc = b->avr->pc;
	}
	if (p->depth == PROBE_NESTING)
		return;
	p->running[p->depth].vector = (uint8_t)vector;
	p->running[p->depth].entered = b->avr->cycle - ENTRY_CYCLES;
	p->running[p->depth].nested = 0;
	p->depth++;
}

static void left(struct board *b)
{
	struct probe *p = &b->probe;

	if (p->depth == 0)
		return;
	p->depth--;
	uint64_t whole = b->avr->cycle - p->running[p->depth].entered;
	uint64_t own = whole - p->running[p->depth].nested;
	int vector = p->running[p->depth].vector;

	p->runs[vector]++;
	p->busy_cycles += own;
	if (own > p->longest[vector])
		p->longest[vector] = own;
	if (p->depth)
		p->running[p->depth - 1].nested += whole;
}

void probe_step(struct board *b, int nesting)
{
	struct probe *p = &b->probe;
	const avr_t *avr = b->avr;
	uint16_t sp = (uint16_t)(avr->data[R_SPL] | avr->data[R_SPH] << 8);

	if (sp < p->lowest_sp && sp > avr->ioend)
		p->lowest_sp = sp;
	if (avr->interrupts.running_ptr < nesting)
		left(b);
	if (!avr->sreg[S_I]) {
		if (!p->off) {
			p->off = true;
			p->off_since = avr->cycle;
			p->off_pc = avr->pc;
		}
		return;
	}
	if (p->off && p->seen_on && avr->cycle - p->off_since > p->longest_off) {
		p->longest_off = avr->cycle - p->off_since;
		p->longest_off_pc = p->off_pc;
	}
	p->off = false;
	p->seen_on = true;
}
