/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Strict reader of messages and writer of replies. */
#ifdef BOARD_SPI
#include "command.h"

#include <stddef.h>

#include "crc.h"
#include "flags.h"
#include "flash.h"
#include "hex.h"
#include "link.h"
#include "meter.h"
#include "settings.h"
#include "version.h"

#define FIELD(name) IN_SETTINGS, offsetof(struct settings, name)

static const struct field FIELDS[] FLASH = {
	{ 'h', FIELD(hardware), 3, false, false },
	{ 's', IN_FLASH, 0, 2, false, false },
	{ 'e', FIELD(enabled), 1, true, false },
	{ 'p', FIELD(map), PORTS, false, false },
	{ 'c', IN_COUNTERS, 0, 4, true, true },
	{ 'm', FIELD(constant[0].whole), 2, true, true },
	{ 'f', FIELD(constant[0].fraction), 2, true, true },
	{ 'w', FIELD(watchdogs), 2, false, true },
	{ 'b', FIELD(brownouts), 2, false, true },
	{ 'd', NOWHERE, 0, 0, false, false },
	{ 't', NOWHERE, 0, 0, false, false },
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

/* size bytes; the last one first if they are a number. */
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
	flags.tells = false;
	put(first);
	put(second);
}

static uint8_t reply_end(uint8_t *reply)
{
	put8(out_crc);
	*out++ = '.';
	return (uint8_t)(out - reply);
}

static void put_delta(uint8_t sensor)
{
	uint16_t milli = meter_milli(sensor);

	put8(sensor);
	put_value(&sensor_counter[sensor], 4, true);
	if (settings.hardware[2])
		put_value(&milli, 2, true);
	put_value(&sensor_extra[sensor], 4, true);
}

/* What was told but not taken is told again, with what is new since. */
static void put_deltas(void)
{
	meter_told |= meter_fresh;
	meter_fresh = 0;
	flags.tells = true;
	for (uint8_t i = 0; i < SENSORS; i++) {
		if (meter_told & bit(i))
			put_delta(i);
	}
}

/* The new values of a request. */
static const uint8_t *values(const struct request *request)
{
	return request->argument + request->field.sensor;
}

/* Where the value of a request stands in RAM. */
SHARED static uint8_t *value_place(const struct request *request)
{
	uint8_t *base = (uint8_t *)&settings + request->field.offset;

	if (request->field.place == IN_COUNTERS)
		base = (uint8_t *)sensor_counter;
	return base +
	       (request->field.number ? 4 * request->sensor : request->sensor); /* numbers lie four bytes apart */
}

static void put_values(const struct request *request)
{
	if (request->field.sensor)
		put8(request->sensor);
	if (request->field.place == IN_FLASH) {
		put8(version_major());
		put8(version_minor());
	} else if (request->letter == 'd') {
		put_deltas();
	} else {
		put_value(value_place(request), request->field.size, request->field.number);
	}
}

static void set(const struct request *request)
{
	uint32_t counter;
	uint8_t *at = (uint8_t *)&counter;
	const uint8_t *value = values(request);

	meter_account_all(); /* until now the old settings hold */
	if (request->field.place != IN_COUNTERS)
		at = value_place(request);
	if (request->field.number)
		at += request->field.size;
	for (uint8_t i = request->field.size; i > 0; i--) {
		if (request->field.number)
			*--at = *value++;
		else
			*at++ = *value++;
	}
	if (request->field.place == IN_COUNTERS)
		meter_set(request->sensor, counter);
}

/* Whether new values are in range. */
static bool acceptable(const struct request *request)
{
	const uint8_t *value = values(request);

	switch (request->letter) {
	case 'e':
		return value[0] <= 1;
	case 'f':
		return (uint16_t)((uint16_t)value[0] << 8 | value[1]) < 1000;
	case 'p':
		for (uint8_t i = 0; i < PORTS; i++) {
			if (value[i] >= SENSORS && value[i] != UNMAPPED)
				return false;
		}
		return true;
	default:
		return request->field.place < IN_FLASH;
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

/* Whether count bytes of arguments are those of the command. */
static bool readable(struct request *request, uint8_t count)
{
	uint8_t verb;

	BASE(request);
	verb = request->verb;
	if (!find_field(request->letter, &request->field))
		return false;
	request->sensor = 0;
	if (request->field.sensor) {
		request->sensor = request->argument[0];
		if (count-- == 0 || request->sensor >= SENSORS)
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

void command_taken(void)
{
	if (flags.tells)
		meter_told = 0;
	flags.tells = false;
}
#endif
