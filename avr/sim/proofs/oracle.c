/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Reads control messages without using the firmware's code. */
#include "oracle.h"

#include <stdlib.h>
#include <string.h>

#include "../shared/command.h"
#include "../shared/crc8.h"

enum { MESSAGE_MAX = 32 };

static const struct {
	char letter;
	size_t digits;
} FORMS[] = { { 'h', 6 }, { 's', 4 }, { 'e', 4 }, { 'p', 12 }, { 'c', 10 }, { 'm', 6 },
	      { 'f', 6 }, { 'w', 4 }, { 'b', 4 }, { 'a', 2 },  { 'n', 10 }, { 'o', 6 } };

static bool is_hex(const char *s, size_t n)
{
	return strspn(s, "0123456789abcdefABCDEF") >= n;
}

/* Reads a message such as "sm0312340f", CRC included. */
static bool has_form(const char *text, size_t len)
{
	if (text[0] != 's' || len < 4)
		return false;
	for (size_t i = 0; i < sizeof(FORMS) / sizeof(FORMS[0]); i++) {
		if (FORMS[i].letter == text[1] && len == 2 + FORMS[i].digits + 2)
			return is_hex(text + 2, len - 2);
	}
	return false;
}

static void end_message(struct oracle *o, char *text, size_t len)
{
	uint8_t crc;

	text[len] = '\0';
	if (!has_form(text, len))
		return;
	command_hex(text + len - 2, &crc, 1);
	text[len - 2] = '\0';
	if (crc8((uint8_t *)text, len - 2) != crc)
		o->wrong++;
	else if (o->sets < ORACLE_SETS)
		strcpy(o->set[o->sets++], text);
	else
		o->many = true;
}

void oracle_scan(struct oracle *o, const uint8_t *bytes, size_t len)
{
	char text[MESSAGE_MAX + 1];
	size_t n = 0;
	bool inside = false;

	memset(o, 0, sizeof(*o));
	for (size_t i = 0; i < len; i++) {
		if (bytes[i] == 'l') {
			inside = true;
			n = 0;
		} else if (inside && bytes[i] == '.') {
			end_message(o, text, n);
			inside = false;
		} else if (inside && n < MESSAGE_MAX) {
			text[n++] = (char)bytes[i];
		} else {
			inside = false;
		}
	}
}

static uint32_t number(const char *s, size_t digits)
{
	char part[9] = { 0 };

	memcpy(part, s, digits);
	return (uint32_t)strtoul(part, NULL, 16);
}

/* Sets the energy of a pulse; a constant replaces an exact value. */
static void apply_exact(struct oracle_state *s, uint32_t i, uint16_t unit, uint16_t pulses)
{
	if (i < ORACLE_ANALOGS || i >= ORACLE_ANALOGS + ORACLE_EXACTS)
		return;
	s->unit[i - ORACLE_ANALOGS] = unit;
	s->pulses[i - ORACLE_ANALOGS] = pulses;
}

static void apply_to_sensor(struct oracle_state *s, char letter, uint32_t i, const char *value)
{
	if (i >= ORACLE_SENSORS)
		return;
	if (letter == 'e')
		s->enabled[i] = (uint8_t)number(value, 2);
	else if (letter == 'c')
		s->counter[i] = number(value, 8);
	else if (letter == 'm')
		s->constant[i] = (uint16_t)number(value, 4);
	else if (letter == 'f')
		s->fraction[i] = (uint16_t)number(value, 4);
	if (letter == 'm' || letter == 'f')
		apply_exact(s, i, 0, 0);
	if (letter == 'n')
		apply_exact(s, i, (uint16_t)number(value, 4), (uint16_t)number(value + 4, 4));
}

static void apply(struct oracle_state *s, const char *set)
{
	const char *args = set + 2;

	switch (set[1]) {
	case 'h':
		for (int i = 0; i < 3; i++)
			s->hardware[i] = (uint8_t)number(args + 2 * i, 2);
		break;
	case 'p':
		for (int i = 0; i < ORACLE_SENSORS; i++)
			s->map[i] = (uint8_t)number(args + 2 * i, 2);
		break;
	case 'w':
		s->watchdogs = (uint16_t)number(args, 4);
		break;
	case 'a':
		s->form = (uint8_t)number(args, 2);
		break;
	case 'o': {
		uint32_t k = number(args, 2) - ORACLE_ANALOGS;

		if (k < ORACLE_HOLDS)
			s->hold[k] = (uint16_t)number(args + 2, 4);
		break;
	}
	case 'b':
		s->brownouts = (uint16_t)number(args, 4);
		break;
	default:
		apply_to_sensor(s, set[1], number(args, 2), args + 2);
	}
}

bool oracle_explains(const struct oracle *o, const struct oracle_state *before,
		     const struct oracle_state *after)
{
	if (o->many)
		return true;
	for (unsigned subset = 0; subset < 1u << o->sets; subset++) {
		struct oracle_state s = *before;

		for (int i = 0; i < o->sets; i++) {
			if (subset >> i & 1)
				apply(&s, o->set[i]);
		}
		if (memcmp(&s, after, sizeof(s)) == 0)
			return true;
	}
	return false;
}
