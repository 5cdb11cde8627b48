/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Measures the firmware from outside: interrupt lengths, interrupts off, stack. */
#ifndef SIM_PROBE_H
#define SIM_PROBE_H

#include <stdbool.h>
#include <stdint.h>

enum {
	PROBE_VECTORS = 26, /* of the ATmega168 */
	PROBE_NESTING =
		8, /* deeper nesting is a fault of the firmware and is counted as one level */
	ENTRY_CYCLES = 4, /* an interrupt's entry, which simavr does for nothing */
};

struct probe {
	uint64_t longest[PROBE_VECTORS]; /* entry to the end of reti, without what interrupted it */
	uint64_t runs[PROBE_VECTORS];
	uint64_t busy_cycles; /* in all interrupts together */
	uint64_t slept_cycles;
	uint64_t longest_off;    /* interrupts off, interrupt routines included */
	uint32_t longest_off_pc; /* where they were switched off */
	uint16_t lowest_sp;
	/* internal */
	struct {
		uint8_t vector;
		uint64_t entered;
		uint64_t nested; /* cycles of inner interrupts */
	} running[PROBE_NESTING];
	int depth;
	uint64_t off_since;
	uint32_t off_pc;
	bool off;
	bool seen_on; /* interrupts have been on since the reset: start-up is not measured */
};

struct board;

void probe_attach(struct board *b);

/* Forgets what was measured. */
void probe_clear(struct board *b);

/* The CPU was reset or lost power. */
void probe_restart(struct board *b);

/* After each instruction; nesting: interrupts that were running before it. */
void probe_step(struct board *b, int nesting);

/* An interrupt was entered; the entry's cycles are already counted. */
void probe_entered(struct board *b, int vector);

/* Name of a vector, as avr-libc has it without "_vect". */
const char *probe_name(int vector);

#endif
