/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Prints the .eep of a new board: its default settings as Intel hex. For the UART board: the sensors' ids as arguments. */
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

#ifdef BOARD_UART
static int read_ids(int count, char **texts)
{
	if (count > SENSORS)
		return -1;
	for (int i = 0; i < count; i++) {
		if (strlen(texts[i]) != 32 || strspn(texts[i], "0123456789abcdef") != 32)
			return -1;
		for (int k = 0; k < 16; k++)
			sscanf(texts[i] + 2 * k, "%2hhx", &settings.id[i][k]);
	}
	return 0;
}
#else
static int read_ids(int count, char **texts)
{
	(void)texts;
	return count ? -1 : 0;
}
#endif

int main(int argc, char **argv)
{
	const uint8_t *at = (const uint8_t *)&settings;

	settings_default();
	if (read_ids(argc - 1, argv + 1)) {
		fprintf(stderr, "usage: make_eep [32 hex digits for each sensor of the UART board]\n");
		return 2;
	}
	settings.crc = settings_crc(&settings);
	for (uint16_t i = 0; i < SETTINGS_SIZE; i = (uint16_t)(i + 16)) {
		uint16_t rest = (uint16_t)(SETTINGS_SIZE - i);

		put_record((uint16_t)(SETTINGS_AT + i), at + i, (uint8_t)(rest > 16 ? 16 : rest));
	}
	puts(":00000001FF");
	return 0;
}
