/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The commands of the SPI bus: from a message to its reply (docs/protocols.md §1). */
#ifndef CORE_COMMAND_H
#define CORE_COMMAND_H

#include <stdbool.h>
#include <stdint.h>

#include "shape.h"

/* Where the values of a command are. */
enum place {
	IN_SETTINGS,
	IN_MORE,
	IN_COUNTERS,
	NOWHERE, /* read-only, with values of their own */
};

/* One letter of the commands `g?` and `s?`. */
struct field {
	uint8_t letter;
	uint8_t place;
	uint8_t offset; /* there */
	uint8_t size;   /* bytes of a value */
	uint8_t first; /* the first of the sensors or ports that have one each; the argument begins with its number */
	uint8_t indexes; /* how many they are; 0: there is one value */
	uint8_t step;    /* bytes from one to the next */
	bool number;     /* stored low byte first; else bytes in the order of the wire */
};

/* A message that could be read. Arguments are in the order of the wire. */
struct request {
	struct field field;
	uint8_t verb; /* `g`, `s` or `c` */
	uint8_t letter;
	uint8_t index; /* of sensor or port, 0 for commands without one */
	uint8_t argument[PORTS];
};

/*
 * Reads the length characters between `l` and `.`, CRC included; another length than a message can have says that it was
 * damaged. Returns 0, or the second letter of the refusal: `y` or `z`. Changes nothing but *request.
 */
uint8_t command_read(struct request *request, const uint8_t *text, uint8_t length);

/* Executes a request (of `ct` only the reply is made) and writes the reply; returns its length. */
uint8_t command_run(const struct request *request, uint8_t *reply);

/* Writes a refusal with that second letter; returns its length. */
uint8_t command_refuse(uint8_t letter, uint8_t *reply);

/* The last reply was clocked out completely: what it told need not be told again. */
void command_taken(void);

#endif
