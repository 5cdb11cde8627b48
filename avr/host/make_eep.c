/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Prints the .eep file of a new board: its default settings as Intel hex. The UART board's sensor
 * ids are arguments.
 */
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "../core/layout.h"
#include "../core/settings.h"

static void put_record(uint16_t address, const uint8_t *data, uint8_t size)
{
	uint8_t sum = (uint8_t)(size + (address >> 8) + address);

	printf(":%02X%04X00", size, address);
	for (uint8_t i = 0; i < size; i++) {
		printf("%02X", data[i]);
		sum = (uint8_t)(sum + data[i]);
	}
	printf("%02X\n", (uint8_t)-sum);
}

static void put_block(uint16_t place, const void *block, uint16_t size)
{
	for (uint16_t i = 0; i < size; i = (uint16_t)(i + 16))
		put_record((uint16_t)(place + i), (const uint8_t *)block + i,
			   (uint8_t)(size - i > 16 ? 16 : size - i));
}

#ifdef BOARD_UART
enum { HOLD_STEP_US = 10, UNIT_WH = 1000 };

static int read_id(int sensor, const char *text)
{
	if (sensor >= SENSORS || strlen(text) != 32 || strspn(text, "0123456789abcdef") != 32)
		return -1;
	for (int k = 0; k < 16; k++)
		sscanf(text + 2 * k, "%2hhx", &settings.id[sensor][k]);
	return 0;
}

/*
 * Reads "hold=20000" (µs) or "pulses=3200" (a kWh), for both inputs. Returns -1 if it is neither or
 * out of range.
 */
static int read_option(const char *text)
{
	unsigned value;
	int used = 0;

	if (sscanf(text, "hold=%6u%n", &value, &used) == 1 && !text[used] &&
	    value >= HOLD_MIN * HOLD_STEP_US && value <= HOLD_MAX * HOLD_STEP_US) {
		for (int k = 0; k < PULSES; k++)
			more.hold[k] = (uint16_t)(value / HOLD_STEP_US);
		return 0;
	}
	if (sscanf(text, "pulses=%5u%n", &value, &used) == 1 && !text[used] && value >= 1 &&
	    value <= UNIT_WH * (ENERGY_PIECES_MAX + 1)) {
		for (int k = 0; k < EXACTS; k++)
			more.exact[k] =
				(struct exact){ .pulses = (uint16_t)value, .unit = UNIT_WH };
		return 0;
	}
	return -1;
}

static int read_words(int count, char **texts)
{
	int sensor = 0;

	for (int i = 0; i < count; i++) {
		if (strchr(texts[i], '=') ? read_option(texts[i]) : read_id(sensor++, texts[i]))
			return -1;
	}
	return 0;
}
#else
static int read_words(int count, char **texts)
{
	(void)texts;
	return count ? -1 : 0;
}
#endif

int main(int argc, char **argv)
{
	settings_default();
	more_default();
	if (read_words(argc - 1, argv + 1)) {
		fprintf(stderr, "usage: make_eep [32 hex digits for each sensor of the UART board] "
				"[hold=MICROSECONDS] "
				"[pulses=NUMBER]\n");
		return 2;
	}
	settings.crc = settings_crc(&settings);
	more.of = settings.crc;
	more.crc = more_crc();
	put_block(MORE_AT, &more, MORE_SIZE);
	put_block(SETTINGS_AT, &settings, SETTINGS_SIZE);
	puts(":00000001FF");
	return 0;
}
