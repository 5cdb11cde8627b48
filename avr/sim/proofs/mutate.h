/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Random and damaged messages for the board; pure. */
#ifndef SIM_MUTATE_H
#define SIM_MUTATE_H

#include <stddef.h>
#include <stdint.h>

enum { MUTATE_MAX = 256 };

struct mutate {
	uint32_t random;
};

uint32_t mutate_random(struct mutate *m);

/* Writes a sound message, damaged messages or noise, never more than MUTATE_MAX bytes; returns how many. */
size_t mutate_bytes(struct mutate *m, uint8_t out[MUTATE_MAX]);

#endif
