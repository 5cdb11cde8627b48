/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Strict reader of messages and writer of replies. */
#include "command.h"

#include "crc.h"
#include "hex.h"
#include "link.h"
#include "meter.h"
#include "settings.h"
#include "version.h"

#define NAME(a, b) ((uint16_t)((uint16_t)(a) << 8 | (b)))
#define ARGUMENTS_MAX PORTS
#define UNKNOWN 0xff

/* Sensors that the reply being sent tells about; bits move to here from meter_fresh. Main loop only. */
static uint8_t told;
static bool tells;

static uint8_t *out;
static uint8_t out_crc;

static void put(uint8_t character)
{
	*out++ = character;
	out_crc = crc8_update(out_crc, character);
}

static void put8(uint8_t value)
{
	put(hex_digit((uint8_t)(value >> 4)));
	put(hex_digit(value));
}

static void put16(uint16_t value)
{
	put8((uint8_t)(value >> 8));
	put8((uint8_t)value);
}

static void put32(uint32_t value)
{
	put16((uint16_t)(value >> 16));
	put16((uint16_t)value);
}

static void reply_begin(uint8_t *reply, uint8_t first, uint8_t second)
{
	out = reply;
	out_crc = 0;
	tells = false;
	put(first);
	put(second);
}

static uint8_t reply_end(uint8_t *reply)
{
	put8(out_crc);
	*out++ = '.';
	return (uint8_t)(out - reply);
}

/* Argument bytes of a command, or UNKNOWN. */
static uint8_t arguments(uint16_t name)
{
	switch (name) {
	case NAME('g', 'h'):
	case NAME('g', 's'):
	case NAME('g', 'p'):
	case NAME('g', 'w'):
	case NAME('g', 'b'):
	case NAME('g', 'd'):
	case NAME('c', 't'):
		return 0;
	case NAME('g', 'e'):
	case NAME('g', 'c'):
	case NAME('g', 'm'):
	case NAME('g', 'f'):
		return 1;
	case NAME('s', 'e'):
	case NAME('s', 'w'):
	case NAME('s', 'b'):
		return 2;
	case NAME('s', 'h'):
	case NAME('s', 'm'):
	case NAME('s', 'f'):
		return 3;
	case NAME('s', 'c'):
		return 5;
	case NAME('s', 'p'):
		return PORTS;
	default:
		return UNKNOWN;
	}
}

/* True when the byte value of two digits could be read. */
static bool pair(const uint8_t *digits, uint8_t *value)
{
	uint8_t high = hex_value(digits[0]);
	uint8_t low = hex_value(digits[1]);

	*value = (uint8_t)(high << 4 | low);
	return high != HEX_BAD && low != HEX_BAD;
}

static void put_delta(uint8_t sensor)
{
	put8(sensor);
	put32(sensor_counter[sensor]);
	if (settings.hw_minor)
		put16(meter_milli(sensor));
	put32(sensor_extra[sensor]);
}

/* What was told but not taken is told again, with what is new since. */
static void put_deltas(void)
{
	told |= meter_fresh;
	meter_fresh = 0;
	tells = true;
	for (uint8_t i = 0; i < SENSORS; i++) {
		if ((told >> i) & 1)
			put_delta(i);
	}
}

static void put_map(void)
{
	for (uint8_t i = 0; i < PORTS; i++)
		put8(settings.map[i]);
}

static void set_enabled(uint8_t sensor, bool enabled)
{
	uint8_t bit = (uint8_t)(1u << sensor);

	if (enabled)
		settings.enabled = (uint8_t)(settings.enabled | bit);
	else
		settings.enabled = (uint8_t)(settings.enabled & ~bit);
}

/* Whether the values are in range; the numbers of arguments are right already. */
static bool acceptable(uint8_t letter, uint16_t name, const uint8_t *value)
{
	switch (letter) {
	case 'e':
	case 'c':
	case 'm':
	case 'f':
		if (value[0] >= SENSORS)
			return false;
		break;
	default:
		break;
	}
	if (name == NAME('s', 'e'))
		return value[1] <= 1;
	if (name == NAME('s', 'f'))
		return (uint16_t)(value[1] << 8 | value[2]) < 1000;
	if (name == NAME('s', 'p')) {
		for (uint8_t i = 0; i < PORTS; i++) {
			if (value[i] >= SENSORS && value[i] != UNMAPPED)
				return false;
		}
	}
	return true;
}

static uint16_t word(const uint8_t *value)
{
	return (uint16_t)(value[0] << 8 | value[1]);
}

static void set(uint8_t letter, const uint8_t *value)
{
	meter_account_all(); /* until now the old settings hold */
	switch (letter) {
	case 'h':
		settings.hw_major = word(value);
		settings.hw_minor = value[2];
		break;
	case 'e':
		set_enabled(value[0], value[1]);
		break;
	case 'p':
		for (uint8_t i = 0; i < PORTS; i++)
			settings.map[i] = value[i];
		break;
	case 'c':
		meter_set(value[0], (uint32_t)word(value + 1) << 16 | word(value + 3));
		break;
	case 'm':
		settings.constant[value[0]] = word(value + 1);
		break;
	case 'f':
		settings.fraction[value[0]] = word(value + 1);
		break;
	case 'w':
		settings.watchdogs = word(value);
		break;
	default:
		settings.brownouts = word(value);
		break;
	}
}

static void put_values(uint8_t letter, uint8_t sensor)
{
	switch (letter) {
	case 'h':
		put16(settings.hw_major);
		put8(settings.hw_minor);
		break;
	case 's':
		put8(version_major());
		put8(version_minor());
		break;
	case 'p':
		put_map();
		break;
	case 'w':
		put16(settings.watchdogs);
		break;
	case 'b':
		put16(settings.brownouts);
		break;
	case 'd':
		put_deltas();
		break;
	case 't':
		break;
	default:
		put8(sensor);
		if (letter == 'e')
			put8(settings_enabled(sensor));
		else if (letter == 'c')
			put32(sensor_counter[sensor]);
		else if (letter == 'm')
			put16(settings.constant[sensor]);
		else
			put16(settings.fraction[sensor]);
		break;
	}
}

/* 0 when the CRC of a readable message is right, else the second letter of the refusal. */
static uint8_t refusal(const uint8_t *text, uint8_t length)
{
	uint8_t crc = 0;
	uint8_t want;

	if (length < 4 || length > LINK_MESSAGE_MAX || !pair(text + length - 2, &want))
		return 'y';
	for (uint8_t i = 0; i < length - 2; i++)
		crc = crc8_update(crc, text[i]);
	return crc == want ? 0 : 'z';
}

static uint8_t refuse(uint8_t letter, uint8_t *reply)
{
	reply_begin(reply, 'z', letter);
	return reply_end(reply);
}

/* True when text is a known command with values in range, which are then in value[]. */
static bool readable(const uint8_t *text, uint8_t length, uint8_t *value)
{
	uint16_t name = NAME(text[0], text[1]);
	uint8_t count = arguments(name);

	if (count == UNKNOWN || length != 2 * count + 4)
		return false;
	for (uint8_t i = 0; i < count; i++) {
		if (!pair(text + 2 + 2 * i, &value[i]))
			return false;
	}
	return acceptable(text[1], name, value);
}

enum command_need command_run(const uint8_t *text, uint8_t length, uint8_t *reply, uint8_t *reply_length)
{
	uint8_t value[ARGUMENTS_MAX] = { 0 };
	uint8_t letter = refusal(text, length);

	if (!letter && !readable(text, length, value))
		letter = 'y';
	if (letter) {
		*reply_length = refuse(letter, reply);
		return COMMAND_DONE;
	}
	if (text[0] == 'c')
		return COMMAND_COMMIT;
	if (text[0] == 's')
		set(text[1], value);
	reply_begin(reply, text[0], text[1]);
	put_values(text[1], value[0]);
	*reply_length = reply_end(reply);
	if (text[0] != 's')
		return COMMAND_DONE;
	return text[1] == 'c' ? COMMAND_RECORD : COMMAND_CHANGED;
}

uint8_t command_committed(bool stored, uint8_t *reply)
{
	if (!stored)
		return refuse('y', reply);
	reply_begin(reply, 'c', 't');
	return reply_end(reply);
}

void command_taken(void)
{
	if (tells)
		told = 0;
	tells = false;
}
