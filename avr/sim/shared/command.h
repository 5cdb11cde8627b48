/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Words and numbers of a text line. Does no input or output. */
#ifndef SIM_COMMAND_H
#define SIM_COMMAND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	COMMAND_LINE = 4096,  /* bytes of a line, its end included */
	COMMAND_WORDS = 1030, /* `edges K` with 1024 distances, and room to notice more */
};

/*
 * Splits a line at spaces, in place. Returns the number of words, or -1 if they are too many or a
 * byte is not printable.
 */
int command_split(char *line, size_t len, char *word[COMMAND_WORDS]);

/* Reads a whole decimal number up to max. Returns false for anything else. */
bool command_u64(const char *s, uint64_t max, uint64_t *out);

/*
 * Reads a decimal number from 0 to max, fractions allowed, without exponent. Returns false for
 * anything else.
 */
bool command_decimal(const char *s, double max, double *out);

/*
 * Reads hex pairs. Returns the number of bytes, or -1 if there are none, an odd digit, another
 * character or more than max.
 */
long command_hex(const char *s, uint8_t *out, size_t max);

/* Writes 2 × len digits and a NUL. */
void command_to_hex(char *out, const uint8_t *bytes, size_t len);

#endif
