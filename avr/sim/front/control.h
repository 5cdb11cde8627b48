/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The control line: executes the commands of docs/contributing/simulator.md. */
#ifndef SIM_CONTROL_H
#define SIM_CONTROL_H

#include "sim.h"

/* Takes complete lines out of the control clients' input and answers them. */
void control_take(struct sim *sim, uint64_t real_now);

/* One parsed command of a client. Commands of one subject share a file. */
struct call {
	struct sim *sim;
	struct client *client;
	char **arg; /* without the command's name */
	int args;
	uint64_t real_now;
};

struct command {
	const char *name;
	int min_args, max_args;
	void (*run)(struct call *call);
};

void reply(struct call *call, const char *format, ...) __attribute__((format(printf, 2, 3)));
void reply_hex(struct call *call, const uint8_t *bytes, size_t len);

/* Each table ends with a NULL name. */
extern const struct command BOARD_COMMANDS[], MEMORY_COMMANDS[], TIME_COMMANDS[];

#endif
