/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Measures the firmware from outside: the lengths of interrupts, time with interrupts off, the
 * stack.
 */
#ifndef SIM_PROBE_H
#define SIM_PROBE_H

#include <stdbool.h>
#include <stdint.h>

enum {
	PROBE_VECTORS = 26, /* of the ATmega168 */
	PROBE_NESTING = 8,  /* deeper nesting, a fault of the firmware, counts as one level */
	ENTRY_CYCLES = 4,   /* the entry of an interrupt, for which simavr counts none */
};

struct probe {
	uint64_t longest
		[PROBE_VECTORS]; /* from entry to the end of reti, without nested interrupts */
	uint64_t runs[PROBE_VECTORS];
	uint64_t busy_cycles; /* in all interrupts */
	uint64_t slept_cycles;
	uint64_t longest_off;    /* cycles with interrupts off, interrupt routines included */
	uint32_t longest_off_pc; /* where they were switched off */
	uint16_t lowest_sp;
	/* The rest is for probe.c alone. */
	struct {
		uint8_t vector;
		uint64_t entered;
		uint64_t nested; /* cycles of inner interrupts */
	} running[PROBE_NESTING];
	int depth;
	uint64_t off_since;
	uint32_t off_pc;
	bool off;
	bool seen_on; /* interrupts have been on since the reset; start-up is not measured */
};

struct board;

void probe_attach(struct board *b);

/* Clears all measurements. */
void probe_clear(struct board *b);

/* Notes that the CPU was reset or lost power. */
void probe_restart(struct board *b);

/*
 * Called after each instruction. nesting is the number of interrupts that were running before it.
 */
void probe_step(struct board *b, int nesting);

/* Called when an interrupt was entered and its entry's cycles are counted. */
void probe_entered(struct board *b, int vector);

/* Returns a vector's name in avr-libc, without "_vect". */
const char *probe_name(int vector);

#endif
