/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "mutate.h"

#include <stdio.h>
#include <string.h>

#include "../shared/crc8.h"
#include "../shared/random.h"

uint32_t mutate_random(struct mutate *m)
{
	if (!m->random)
		m->random = 1;
	return xorshift32(&m->random);
}

static unsigned below(struct mutate *m, unsigned n)
{
	return mutate_random(m) % n;
}

/* Writes a command with a right CRC, `l` and `.` included. */
static size_t compose(struct mutate *m, char *out)
{
	static const struct {
		const char *letters;
		int digits;
	} COMMANDS[] = {
		{ "gh", 0 }, { "gs", 0 }, { "ge", 2 },  { "gp", 0 },  { "gc", 2 }, { "gm", 2 },
		{ "gf", 2 }, { "gw", 0 }, { "gb", 0 },  { "gd", 0 },  { "ct", 0 }, { "sh", 6 },
		{ "ss", 4 }, { "se", 4 }, { "sp", 12 }, { "sc", 10 }, { "sm", 6 }, { "sf", 6 },
		{ "sw", 4 }, { "sb", 4 }, { "zz", 2 },  { "ga", 0 },  { "gn", 2 }, { "go", 2 },
		{ "gx", 2 }, { "gv", 0 }, { "sa", 2 },  { "sn", 10 }, { "so", 6 },
	};
	unsigned which = below(m, sizeof(COMMANDS) / sizeof(COMMANDS[0]));
	size_t n = (size_t)sprintf(out, "l%s", COMMANDS[which].letters);

	for (int i = 0; i < COMMANDS[which].digits; i += 2)
		n += (size_t)sprintf(out + n, "%02x",
				     i == 0 && below(m, 4) ? below(m, 7) : below(m, 256));
	n += (size_t)sprintf(out + n, "%02x.", crc8((uint8_t *)out + 1, n - 1));
	return n;
}

static size_t insert(uint8_t *out, size_t n, size_t at, uint8_t v)
{
	memmove(out + at + 1, out + at, n - at);
	out[at] = v;
	return n + 1;
}

static size_t damage(struct mutate *m, uint8_t *out, size_t n)
{
	static const char LIKELY[] = "lu.0123456789abcdefgscpm\0\0";
	if (n < 2)
		return n;
	size_t at = below(m, (unsigned)n);

	switch (below(m, 6)) {
	case 0:
		out[at] ^= (uint8_t)(1u << below(m, 8));
		return n;
	case 1:
		out[at] = (uint8_t)LIKELY[below(m, sizeof(LIKELY))];
		return n;
	case 2:
		return insert(out, n, at, (uint8_t)LIKELY[below(m, sizeof(LIKELY))]);
	case 3:
		memmove(out + at, out + at + 1, n - at - 1);
		return n - 1;
	case 4:
		return at ? at : 1; /* the master stopped */
	default:
		return insert(out, n, at, out[at]);
	}
}

static size_t noise(struct mutate *m, uint8_t *out)
{
	size_t n = 1 + below(m, 100);

	for (size_t i = 0; i < n; i++)
		out[i] = (uint8_t)mutate_random(m);
	return n;
}

size_t mutate_bytes(struct mutate *m, uint8_t out[MUTATE_MAX])
{
	unsigned messages = 1 + below(m, 3);
	size_t n = 0;

	if (below(m, 16) == 0)
		return noise(m, out);
	for (unsigned i = 0; i < messages; i++) {
		n += compose(m, (char *)out + n);
		for (unsigned k = below(m, 4); k > 0; k--)
			n = damage(m, out, n);
		for (unsigned k = below(m, 4); k > 0; k--)
			out[n++] = 0;
	}
	return n;
}
