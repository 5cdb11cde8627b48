/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The command line of fluksosim. */
#ifndef SIM_OPTIONS_H
#define SIM_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "../models/board.h"

enum { OPTION_URLS = 8 }; /* sockets of one kind */

struct options {
	enum board_kind kind;
	const char *hex, *elf, *trace, *eeprom, *pty_link;
	const char *listen[OPTION_URLS], *control[OPTION_URLS];
	int listens, controls;
	double speed;
	bool wall_given;
	double wall_s;
	bool catch_up, die_with_parent;
	double clamp[CLAMPS][2]; /* volt, ampere */
	int clamps;
	uint32_t seed;
};

/*
 * Reads argv. Returns 0, or -1 with one line in err. --help prints the usage and ends the program.
 */
int options_parse(struct options *o, int argc, char **argv, char *err, size_t err_len);

/* Reads `max`, 0 or a number. Returns false for anything else. */
bool options_speed(const char *s, double *out);

#endif
