/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Makes random and damaged messages for the board. Does no input or output. */
#ifndef SIM_MUTATE_H
#define SIM_MUTATE_H

#include <stddef.h>
#include <stdint.h>

enum { MUTATE_MAX = 256 };

struct mutate {
	uint32_t random;
};

uint32_t mutate_random(struct mutate *m);

/* Writes a sound message, damaged messages or noise. Returns its length, at most MUTATE_MAX. */
size_t mutate_bytes(struct mutate *m, uint8_t out[MUTATE_MAX]);

#endif
