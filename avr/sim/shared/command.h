/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Words and numbers of the control line; pure. */
#ifndef SIM_COMMAND_H
#define SIM_COMMAND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	COMMAND_LINE = 4096, /* bytes of a line, its end included */
	COMMAND_WORDS =
		1030, /* `edges K` and 1024 distances, and room to see that there are more */
};

/* Splits a line at spaces in place; the number of words, or -1 when there are too many or a byte is not printable. */
int command_split(char *line, size_t len, char *word[COMMAND_WORDS]);

/* Whole decimal number up to max; false for anything else. */
bool command_u64(const char *s, uint64_t max, uint64_t *out);

/* Decimal number from 0 to max, fractions allowed, no exponent. */
bool command_decimal(const char *s, double max, double *out);

/* Hex pairs; the number of bytes, or -1 (none, odd, not hex, more than max). */
long command_hex(const char *s, uint8_t *out, size_t max);

/* Writes 2 * len digits and a NUL. */
void command_to_hex(char *out, const uint8_t *bytes, size_t len);

#endif
