/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The commands of the SPI bus: turns a message into its reply (docs/design/protocols.md §1). */
#ifndef CORE_COMMAND_H
#define CORE_COMMAND_H

#include <stdbool.h>
#include <stdint.h>

#include "shape.h"

/* Where the values of a command lie. */
enum place {
	IN_SETTINGS,
	IN_MORE,
	IN_COUNTERS,
	NOWHERE, /* computed, or no value; read-only */
};

/* What one letter of the commands `g?` and `s?` stands for. */
struct field {
	uint8_t letter;
	uint8_t place;
	uint8_t offset;  /* of the first value in that place */
	uint8_t size;    /* bytes of a value */
	uint8_t first;   /* the first sensor or port that has a value */
	uint8_t indexes; /* how many have one; their index comes first. 0: one value, no index */
	uint8_t step;    /* bytes from one value to the next */
	bool number;     /* stored low byte first; else in the order of the wire */
};

/* A message that was understood. */
struct request {
	struct field field;
	uint8_t verb; /* `g`, `s` or `c` */
	uint8_t letter;
	uint8_t index;           /* of sensor or port, 0 for commands without one */
	uint8_t argument[PORTS]; /* in the order of the wire */
};

/*
 * Reads the length characters between `l` and `.`, CRC included. A message of impossible length
 * counts as damaged. Returns 0, or the second letter of the refusal: `y` or `z`. Changes only
 * *request.
 */
uint8_t command_read(struct request *request, const uint8_t *text, uint8_t length);

/*
 * Executes a request and writes its reply; returns the reply's length. For `ct` it only writes the
 * reply.
 */
uint8_t command_run(const struct request *request, uint8_t *reply);

/* Writes a refusal with this second letter; returns its length. */
uint8_t command_refuse(uint8_t letter, uint8_t *reply);

/* Notes that the last reply was clocked out completely, so that its delta is not sent again. */
void command_delivered(void);

#endif
