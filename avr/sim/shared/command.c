/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "command.h"

#include <stdlib.h>
#include <string.h>

int command_split(char *line, size_t len, char *word[COMMAND_WORDS])
{
	int n = 0;
	bool inside = false;

	for (size_t i = 0; i < len; i++) {
		if (line[i] == ' ' || line[i] == '\t' || (line[i] == '\r' && i + 1 == len)) {
			line[i] = '\0';
			inside = false;
			continue;
		}
		if (line[i] < 0x21 || line[i] > 0x7E)
			return -1;
		if (!inside) {
			if (n == COMMAND_WORDS)
				return -1;
			word[n++] = line + i;
			inside = true;
		}
	}
	line[len] = '\0';
	return n;
}

bool command_u64(const char *s, uint64_t max, uint64_t *out)
{
	uint64_t v = 0;

	if (!*s)
		return false;
	for (; *s; s++) {
		if (*s < '0' || *s > '9')
			return false;
		uint64_t digit = (uint64_t)(*s - '0');

		if (v > (UINT64_MAX - digit) / 10)
			return false;
		v = v * 10 + digit;
	}
	*out = v;
	return v <= max;
}

bool command_decimal(const char *s, double max, double *out)
{
	enum { DIGITS_MAX = 40 };
	size_t len = strlen(s);

	if (len == 0 || len > DIGITS_MAX || strspn(s, "0123456789.") != len)
		return false;
	const char *dot = strchr(s, '.');

	if (dot && (strchr(dot + 1, '.') || len == 1))
		return false;
	*out = strtod(s, NULL);
	return *out <= max;
}

static int nibble(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

long command_hex(const char *s, uint8_t *out, size_t max)
{
	size_t len = strlen(s);

	if (len == 0 || len % 2 || len / 2 > max)
		return -1;
	for (size_t i = 0; i < len / 2; i++) {
		int hi = nibble(s[2 * i]), lo = nibble(s[2 * i + 1]);

		if (hi < 0 || lo < 0)
			return -1;
		out[i] = (uint8_t)(hi << 4 | lo);
	}
	return (long)(len / 2);
}

void command_to_hex(char *out, const uint8_t *bytes, size_t len)
{
	static const char DIGITS[] = "0123456789abcdef";

	for (size_t i = 0; i < len; i++) {
		*out++ = DIGITS[bytes[i] >> 4];
		*out++ = DIGITS[bytes[i] & 15];
	}
	*out = '\0';
}
