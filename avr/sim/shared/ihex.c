/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Data and end records, and the extended addresses that tools write for address 0. */
#include "ihex.h"

#include <stdio.h>
#include <string.h>

enum {
	RECORD_MAX = 255 + 5,
	DATA = 0,
	END = 1,
	EXT_SEGMENT = 2,
	START_SEGMENT = 3,
	EXT_LINEAR = 4,
	START_LINEAR = 5
};

static int nibble(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return -1;
}

/*
 * Reads a record after its colon and verifies its checksum. Returns its number of bytes, or -1 if
 * it is none.
 */
static int record_bytes(const char *line, size_t len, uint8_t out[RECORD_MAX])
{
	uint8_t sum = 0;

	if (len < 11 || line[0] != ':' || len % 2 == 0 || (len - 1) / 2 > RECORD_MAX)
		return -1;
	int n = (int)((len - 1) / 2);

	for (int i = 0; i < n; i++) {
		int hi = nibble(line[1 + 2 * i]), lo = nibble(line[2 + 2 * i]);

		if (hi < 0 || lo < 0)
			return -1;
		out[i] = (uint8_t)(hi << 4 | lo);
		sum = (uint8_t)(sum + out[i]);
	}
	return sum == 0 && out[0] == n - 5 ? n : -1;
}

static long fail(char *err, size_t err_len, int line, const char *what)
{
	snprintf(err, err_len, "line %d: %s", line, what);
	return -1;
}

static size_t base_of(const uint8_t *rec)
{
	size_t v = (size_t)(rec[4] << 8 | rec[5]);

	return rec[3] == EXT_SEGMENT ? v << 4 : v << 16;
}

long ihex_parse(const char *text, size_t len, uint8_t *image, size_t size, char *err,
		size_t err_len)
{
	size_t base = 0, top = 0, pos = 0;

	for (int line = 1; pos < len; line++) {
		const char *eol = memchr(text + pos, '\n', len - pos);
		size_t next = eol ? (size_t)(eol - text) + 1 : len;
		size_t n = next - pos - (eol ? 1 : 0);
		uint8_t rec[RECORD_MAX];

		if (n && text[pos + n - 1] == '\r')
			n--;
		if (n == 0) {
			pos = next;
			continue;
		}
		if (record_bytes(text + pos, n, rec) < 0)
			return fail(err, err_len, line, "not an Intel hex record");
		pos = next;
		size_t at = base + (size_t)(rec[1] << 8 | rec[2]);

		if (rec[3] == END)
			return (long)top;
		if (rec[3] == EXT_SEGMENT || rec[3] == EXT_LINEAR) {
			if (rec[0] != 2)
				return fail(err, err_len, line, "bad address record");
			base = base_of(rec);
		} else if (rec[3] == DATA) {
			if (at + rec[0] > size)
				return fail(err, err_len, line, "address beyond the memory");
			memcpy(image + at, rec + 4, rec[0]);
			if (rec[0] && at + rec[0] > top)
				top = at + rec[0];
		} else if (rec[3] != START_SEGMENT && rec[3] != START_LINEAR) {
			return fail(err, err_len, line, "unknown record type");
		}
	}
	return fail(err, err_len, 0, "no end record");
}
