/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The two pulse inputs: queues of pulses and edges. */
#ifndef SIM_INPUTS_H
#define SIM_INPUTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { INPUTS = 2, INPUT_QUEUE = 2048 }; /* one command queues at most 1024 steps */

/* n pulses, each low for low_ns and then high for high_ns; with n = 0, a toggle after low_ns. */
struct input_step {
	uint64_t n;
	uint64_t low_ns, high_ns;
};

struct input {
	struct input_step queue[INPUT_QUEUE];
	size_t first, count;
	bool running; /* the first step has its event */
	bool low;     /* in the low half of a pulse */
	bool level;
	uint64_t falls; /* falling edges since time 0, with power */
};

struct board;

void inputs_init(struct board *b);

/* Drives the pins again after a reset of the ports. */
void inputs_reset(struct board *b);
void inputs_event(struct board *b, int k);

size_t input_room(const struct board *b, int k);

/* Queue pulses or an edge. The caller has checked input_room(). */
void input_pulses(struct board *b, int k, uint64_t n, uint64_t period_ns, uint64_t width_ns);
void input_edge(struct board *b, int k, uint64_t after_ns);

/* Holds a level and empties the queue. */
void input_level(struct board *b, int k, bool level);

#endif
