/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The five EEPROM layouts of historic firmware. */
#include "history.h"

#include "eeprom.h"
#include "flash.h"
#include "settings.h"

static void read_block(void *to, uint16_t at, uint8_t size)
{
	uint8_t *out = to;

	while (size--)
		*out++ = eeprom_read(at++);
}

#ifdef BOARD_SPI
#define GUARD 0xbe

/* Where each group of fields lies; the order within a group is always the same. */
struct image {
	uint8_t sensor_size; /* 6, or 8 with a fraction */
	uint8_t guard;
	uint8_t version; /* hardware major u16 and minor u8, software u8, u8 */
	uint8_t events;  /* watchdogs u16, brown-outs u16 */
	uint8_t enabled; /* a bit for each sensor */
	uint8_t map;
	uint8_t sensors;
};

static const struct image IMAGES[] FLASH = {
	{ 6, 0x00, 0x01, 0x06, 0x0a, 0x0b, 0x11 },
	{ 8, 0x00, 0x01, 0x06, 0x0a, 0x0b, 0x11 },
	{ 6, 0x34, 0x2f, 0x2b, 0x2a, 0x24, 0x00 },
	{ 8, 0x40, 0x3b, 0x37, 0x36, 0x30, 0x00 },
};

/*
 * Loads settings and counters. A sensor is stored as counter, constant and perhaps fraction, in the
 * format of settings.constant[].
 */
static void load_image(const struct image *image, uint32_t *counter)
{
	uint8_t at = image->sensors;
	uint8_t enabled = eeprom_read(image->enabled);
	struct constant *constant = settings.constant;

	read_block(settings.map, image->map, sizeof(settings.map));
	read_block(&settings.watchdogs, image->events, 4); /* and brownouts */
	for (uint8_t i = 0; i < SENSORS; i++) {
		constant->fraction = 0;
		read_block(counter++, at, 4);
		read_block(constant, (uint16_t)(at + 4), (uint8_t)(image->sensor_size - 4));
		if (constant->fraction >= 1000)
			constant->fraction = 0;
		constant++;
		settings.enabled[i] = enabled & 1;
		enabled >>= 1;
		if (settings.map[i] >= SENSORS)
			settings.map[i] = UNMAPPED;
		at = (uint8_t)(at + image->sensor_size);
	}
}

bool history_load(uint32_t *counter)
{
	struct image image;
	uint8_t version[3];

	for (uint8_t k = 0; k < sizeof(IMAGES) / sizeof(IMAGES[0]); k++) {
		flash_copy(&image, &IMAGES[k], sizeof(image));
		read_block(version, image.version, sizeof(version));
		if (eeprom_read(image.guard) != GUARD || version[0] != 2 || version[1] != 0 ||
		    version[2] > 2)
			continue;
		if (image.sensor_size != (version[2] ? 8 : 6))
			continue;
		settings.hardware[2] = version[2];
		load_image(&image, counter);
		return true;
	}
	return false;
}
#else
#include "hex.h"

#define SENSOR_SIZE 37 /* id char[33], value u32 */
#define ID_DIGITS 32

static bool load_id(uint16_t at, uint8_t *id)
{
	for (uint8_t i = 0; i < ID_DIGITS; i++) {
		uint8_t value = hex_value(eeprom_read((uint16_t)(at + i)));

		if (value == HEX_BAD)
			return false;
		id[i / 2] = (uint8_t)(id[i / 2] << 4 | value);
	}
	return eeprom_read((uint16_t)(at + ID_DIGITS)) == 0;
}

bool history_load(uint32_t *counter)
{
	struct settings before = settings;

	for (uint8_t i = 0; i < SENSORS; i++) {
		if (!load_id((uint16_t)(i * SENSOR_SIZE), settings.id[i])) {
			settings = before;
			return false;
		}
		read_block(&counter[i], (uint16_t)(i * SENSOR_SIZE + ID_DIGITS + 1), 4);
	}
	return true;
}
#endif
