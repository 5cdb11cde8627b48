/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Writes one line at a time. A line that has to wait for its turn reports the counter as it is
 * then.
 */
#ifdef BOARD_UART
#include "line.h"

#include <string.h>

#include "hex.h"
#include "meter.h"
#include "settings.h"

#define DIGITS 10

struct line_news line_news;

static char *out;

static void put_text(const char *text)
{
	while (*text)
		*out++ = *text++;
}

static void put_id(uint8_t sensor)
{
	for (uint8_t i = 0; i < sizeof(settings.id[0]); i++) {
		*out++ = (char)hex_digit(settings.id[sensor][i] >> 4);
		*out++ = (char)hex_digit(settings.id[sensor][i]);
	}
}

static void put_number(uint32_t value)
{
	*out++ = ':';
	for (uint8_t i = DIGITS; i-- > 0; value /= 10)
		out[i] = (char)('0' + value % 10);
	out += DIGITS;
}

static void put_power(uint8_t sensor)
{
	line_news.power = (uint8_t)(line_news.power & ~bit(sensor));
	put_text("pwr ");
	put_id(sensor);
	put_number(sensor_extra[sensor]);
}

static void put_pulse(uint8_t sensor)
{
	line_news.sent[sensor] = sensor_counter[sensor];
	put_text("pls ");
	put_id(sensor);
	put_number(sensor_counter[sensor]);
	if (sensor >= ANALOGS)
		put_number(sensor_extra[sensor]);
}

/* Sensors take turns, so that a busy one does not silence the others. */
static bool put_sensor(void)
{
	static uint8_t sensor;

	for (uint8_t i = 0; i < SENSORS; i++) {
		sensor = (uint8_t)(sensor + 1 < SENSORS ? sensor + 1 : 0);
		if (line_news.power & bit(sensor))
			put_power(sensor);
		else if (line_news.sent[sensor] != sensor_counter[sensor])
			put_pulse(sensor);
		else
			continue;
		return true;
	}
	return false;
}

static bool put_message(void)
{
	if (line_news.watchdog) {
		line_news.watchdog = false;
		put_text("msg WDT");
	} else if (line_news.brownout) {
		line_news.brownout = false;
		put_text("msg BROWN-OUT");
	} else {
		return false;
	}
	return true;
}

void line_begin(void)
{
	memcpy(line_news.sent, sensor_counter, sizeof(line_news.sent));
}

uint8_t line_next(char *line)
{
	out = line;
	if (!put_message() && !put_sensor())
		return 0;
	*out++ = '\n';
	return (uint8_t)(out - line);
}
#endif
