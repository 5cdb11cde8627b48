/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Reads messages strictly and writes replies. */
#ifdef BOARD_SPI
#include "command.h"

#include <stddef.h>
#include <string.h>

#include "crc.h"
#include "flags.h"
#include "flash.h"
#include "hex.h"
#include "journal.h"
#include "link.h"
#include "meter.h"
#include "settings.h"
#include "version.h"

#define SETTING(name) IN_SETTINGS, offsetof(struct settings, name)
#define MORE(name) IN_MORE, offsetof(struct more, name)

/* letter, place, offset, size, first, indexes, step, number */
static const struct field FIELDS[] FLASH = {
	{ 'h', SETTING(hardware), 3, 0, 0, 0, false },
	{ 's', NOWHERE, 0, 2, 0, 0, 0, false },
	{ 'e', SETTING(enabled), 1, 0, SENSORS, 1, false },
	{ 'p', SETTING(map), PORTS, 0, 0, 0, false },
	{ 'c', IN_COUNTERS, 0, 4, 0, SENSORS, 4, true },
	{ 'm', SETTING(constant[0].whole), 2, 0, SENSORS, 4, true },
	{ 'f', SETTING(constant[0].fraction), 2, 0, SENSORS, 4, true },
	{ 'w', SETTING(watchdogs), 2, 0, 0, 0, true },
	{ 'b', SETTING(brownouts), 2, 0, 0, 0, true },
	{ 'a', MORE(form), 1, 0, 0, 0, false },
	{ 'n', MORE(exact), 4, FIRST_EXACT, EXACTS, 4, true },
	{ 'o', MORE(hold), 2, FIRST_PULSE_PORT, PULSES, 2, true },
	{ 'x', NOWHERE, 0, 0, FIRST_PULSE_PORT, PULSES, 0, false },
	{ 'v', NOWHERE, 0, 0, 0, 0, 0, false },
	{ 'd', NOWHERE, 0, 0, 0, 0, 0, false },
	{ 't', NOWHERE, 0, 0, 0, 0, 0, false },
};

static uint8_t *out;
static uint8_t out_crc;

SHARED static void put(uint8_t character)
{
	*out++ = character;
	out_crc = crc8_update(out_crc, character);
}

SHARED static void put8(uint8_t value)
{
	put(hex_digit((uint8_t)(value >> 4)));
	put(hex_digit(value));
}

/* Puts size bytes, the last one first if they are a number. */
static void put_value(const void *value, uint8_t size, bool number)
{
	const uint8_t *at = value;

	if (number)
		at += size;
	while (size--)
		put8(number ? *--at : *at++);
}

SHARED static void reply_begin(uint8_t *reply, uint8_t first, uint8_t second)
{
	out = reply;
	out_crc = 0;
	flags.sends_delta = false;
	put(first);
	put(second);
}

static uint8_t reply_end(uint8_t *reply)
{
	put8(out_crc);
	*out++ = '.';
	return (uint8_t)(out - reply);
}

SHARED static void put16(uint16_t value)
{
	put_value(&value, 2, true);
}

static void put_delta(uint8_t sensor)
{
	put8(sensor);
	put_value(&sensor_counter[sensor], 4, true);
	if (more.form == FORM_LONG)
		put16(meter_milli(sensor));
	put_value(&sensor_extra[sensor], 4, true);
}

/* Sends again what was sent but not read to its end, with what has changed since. */
static void put_deltas(void)
{
	meter_sent |= meter_fresh;
	meter_fresh = 0;
	flags.sends_delta = true;
	for (uint8_t i = 0; i < SENSORS; i++) {
		if (meter_sent & bit(i))
			put_delta(i);
	}
}

static void put_input(uint8_t input)
{
	struct meter_pulses pulses;

	meter_pulses(input, &pulses);
	put16(settings_hold(input));
	put16(pulses.count);
	put16(pulses.former);
	put16(pulses.lows);
}

static void put_damage(void)
{
	put16(more.fallbacks);
	put8(more.age);
	put8(more.worn_full);
	put8(more.worn_short);
	put8(more.trial);
}

/* Returns the new values of a request, behind its index if it has one. */
static const uint8_t *values(const struct request *request)
{
	return request->argument + (request->field.indexes ? 1 : 0);
}

/* Returns where the value of a request lies in RAM. */
SHARED static uint8_t *value_place(const struct request *request)
{
	uint8_t *base = (uint8_t *)&settings;

	if (request->field.place == IN_COUNTERS)
		base = (uint8_t *)sensor_counter;
	else if (request->field.place == IN_MORE)
		base = (uint8_t *)&more;
	return base + request->field.offset +
	       request->field.step * (request->index - request->field.first);
}

static void put_values(const struct request *request)
{
	if (request->field.indexes)
		put8(request->index);
	switch (request->letter) {
	case 's':
		put8(version_major());
		put8(version_minor());
		break;
	case 'd':
		put_deltas();
		break;
	case 'x':
		put_input((uint8_t)(request->index - FIRST_PULSE_PORT));
		break;
	case 'v':
		put_damage();
		break;
	default:
		put_value(value_place(request), request->field.size, request->field.number);
	}
}

/* Stores the new bytes of a request, in the order of the AVR. */
static void store(const struct request *request, uint8_t *at)
{
	const uint8_t *value = values(request);

	if (request->field.number)
		at += request->field.size;
	for (uint8_t i = request->field.size; i > 0; i--) {
		if (request->field.number)
			*--at = *value++;
		else
			*at++ = *value++;
	}
}

/*
 * Changes the energy of a pulse and converts the part of a Wh. A constant replaces an exact value.
 */
static void set_step(const struct request *request)
{
	uint8_t sensor = request->index;
	struct step before;

	settings_step(sensor, &before);
	if (sensor >= FIRST_EXACT)
		memset(&more.exact[sensor - FIRST_EXACT], 0, sizeof(more.exact[0]));
	store(request, value_place(request));
	meter_rescale(sensor, before.per);
}

static void set(const struct request *request)
{
	uint32_t counter;

	meter_account_all(); /* the old settings hold for all that came until now */
	switch (request->letter) {
	case 'c':
		journal_break();
		store(request, (uint8_t *)&counter);
		meter_set(request->index, counter, 0);
		return;
	case 'm':
	case 'f':
	case 'n':
		journal_break();
		set_step(request);
		break;
	case 'p':
		journal_break();
		/* fallthrough */
	default:
		store(request, value_place(request));
	}
	meter_follow_settings();
}

/* Reads a number of two bytes in the order of the wire. */
static uint16_t word(const uint8_t *value)
{
	return (uint16_t)((uint16_t)value[0] << 8 | value[1]);
}

/*
 * Returns true if both are 0, or if a pulse of unit / pulses Wh is not too small: at most 16 make
 * one Wh.
 */
static bool exact_fits(uint16_t unit, uint16_t pulses)
{
	if (!unit || !pulses)
		return unit == pulses;
	return pulses <= (uint32_t)unit * (ENERGY_PIECES_MAX + 1);
}

static bool hold_fits(uint16_t hold)
{
	return !hold || (hold >= HOLD_MIN && hold <= HOLD_MAX);
}

/* Returns true when the new values are in range. */
static bool acceptable(const struct request *request)
{
	const uint8_t *value = values(request);

	switch (request->letter) {
	case 'e':
		return value[0] <= 1;
	case 'f':
		return word(value) < 1000;
	case 'a':
		return value[0] == FORM_SHORT || value[0] == FORM_LONG;
	case 'n':
		return exact_fits(word(value), word(value + 2));
	case 'o':
		return hold_fits(word(value));
	case 'p':
		for (uint8_t i = 0; i < PORTS; i++) {
			if (value[i] >= SENSORS && value[i] != UNMAPPED)
				return false;
		}
		return true;
	default:
		return request->field.place < NOWHERE;
	}
}

static bool find_field(uint8_t letter, struct field *field)
{
	for (uint8_t i = 0; i < sizeof(FIELDS) / sizeof(FIELDS[0]); i++) {
		flash_copy(field, &FIELDS[i], sizeof(*field));
		if (field->letter == letter)
			return true;
	}
	return false;
}

/* Returns true when count bytes of arguments fit the command. */
static bool readable(struct request *request, uint8_t count)
{
	uint8_t verb;

	BASE(request);
	verb = request->verb;
	if (!find_field(request->letter, &request->field))
		return false;
	request->index = request->field.first;
	if (request->field.indexes) {
		request->index = request->argument[0];
		if (count-- == 0 ||
		    (uint8_t)(request->index - request->field.first) >= request->field.indexes)
			return false;
	}
	if (verb == 's')
		return count == request->field.size && acceptable(request);
	return count == 0 && verb == (request->letter == 't' ? 'c' : 'g');
}

SHARED uint8_t command_read(struct request *request, const uint8_t *text, uint8_t length)
{
	uint8_t *byte = request->argument;
	uint8_t crc = 0;
	uint8_t high, low;
	bool bad = false;

	BASE(request);
	if (length & 1 || length < 4 || length > LINK_MESSAGE_MAX)
		return 'y';
	request->verb = text[0];
	request->letter = text[1];
	for (;;) {
		crc = crc8_update(crc8_update(crc, text[0]), text[1]);
		text += 2;
		length = (uint8_t)(length - 2);
		if (length == 2)
			break;
		high = hex_value(text[0]);
		low = hex_value(text[1]);
		if (high == HEX_BAD || low == HEX_BAD)
			bad = true;
		*byte++ = (uint8_t)(high << 4 | low);
	}
	if (text[0] != hex_digit((uint8_t)(crc >> 4)) || text[1] != hex_digit(crc))
		return 'z';
	return !bad && readable(request, (uint8_t)(byte - request->argument)) ? 0 : 'y';
}

uint8_t command_refuse(uint8_t letter, uint8_t *reply)
{
	reply_begin(reply, 'z', letter);
	return reply_end(reply);
}

SHARED uint8_t command_run(const struct request *request, uint8_t *reply)
{
	BASE(request);
	if (request->verb == 's')
		set(request);
	reply_begin(reply, request->verb, request->letter);
	put_values(request);
	return reply_end(reply);
}

void command_delivered(void)
{
	if (flags.sends_delta)
		meter_sent = 0;
	flags.sends_delta = false;
}
#endif
