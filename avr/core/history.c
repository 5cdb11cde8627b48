/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The five historic layouts of the EEPROM. */
#include "history.h"

#include "eeprom.h"
#include "settings.h"

static uint16_t read16(uint16_t at)
{
	return (uint16_t)(eeprom_read(at) | eeprom_read((uint16_t)(at + 1)) << 8);
}

static uint32_t read32(uint16_t at)
{
	return read16(at) | (uint32_t)read16((uint16_t)(at + 2)) << 16;
}

#ifdef BOARD_SPI
#define GUARD 0xbe

/* The fields' offsets of one layout; 8 bit are enough. */
struct image {
	uint8_t guard;
	uint8_t version;
	uint8_t events;
	uint8_t enabled;
	uint8_t map;
	uint8_t sensors;
};

/* Sensors have 6 bytes on hardware 2.0, 8 with their fraction later: that moves what follows them. */
static void image_declared(struct image *image)
{
	*image = (struct image){ 0x00, 0x01, 0x06, 0x0a, 0x0b, 0x11 };
}

static void image_reversed(struct image *image, uint8_t sensor_size)
{
	uint8_t end = (uint8_t)(SENSORS * sensor_size);

	*image = (struct image){ (uint8_t)(end + 16), (uint8_t)(end + 11), (uint8_t)(end + 7), (uint8_t)(end + 6), end, 0 };
}

static bool recognised(const struct image *image, bool fractions)
{
	uint8_t minor = eeprom_read((uint16_t)(image->version + 2));

	return eeprom_read(image->guard) == GUARD && read16(image->version) == 2 && minor <= 2 && (minor > 0) == fractions;
}

static bool find(struct image *image, bool fractions)
{
	image_declared(image);
	if (recognised(image, fractions))
		return true;
	image_reversed(image, fractions ? 8 : 6);
	return recognised(image, fractions);
}

static void take_sensor(uint8_t sensor, uint16_t at, bool fractions, uint32_t *counter)
{
	uint16_t fraction = fractions ? read16((uint16_t)(at + 6)) : 0;

	counter[sensor] = read32(at);
	settings.constant[sensor] = read16((uint16_t)(at + 4));
	settings.fraction[sensor] = fraction < 1000 ? fraction : 0;
}

static void take(const struct image *image, bool fractions, uint32_t *counter)
{
	settings.hw_major = 2;
	settings.hw_minor = eeprom_read((uint16_t)(image->version + 2));
	settings.watchdogs = read16(image->events);
	settings.brownouts = read16((uint16_t)(image->events + 2));
	settings.enabled = eeprom_read(image->enabled) & ((1u << SENSORS) - 1);
	for (uint8_t i = 0; i < SENSORS; i++) {
		uint8_t sensor = eeprom_read((uint16_t)(image->map + i));

		settings.map[i] = sensor < SENSORS ? sensor : UNMAPPED;
		take_sensor(i, (uint16_t)(image->sensors + i * (fractions ? 8 : 6)), fractions, counter);
	}
}

bool history_take(uint32_t *counter)
{
	struct image image;

	for (uint8_t fractions = 0; fractions < 2; fractions++) {
		if (find(&image, fractions)) {
			take(&image, fractions, counter);
			return true;
		}
	}
	return false;
}
#else
#include "hex.h"

#define SENSOR_SIZE 37 /* id char[33], value u32 */
#define ID_DIGITS 32

static bool take_id(uint16_t at, uint8_t *id)
{
	for (uint8_t i = 0; i < ID_DIGITS; i++) {
		uint8_t value = hex_value(eeprom_read((uint16_t)(at + i)));

		if (value == HEX_BAD)
			return false;
		id[i / 2] = (uint8_t)(id[i / 2] << 4 | value);
	}
	return eeprom_read((uint16_t)(at + ID_DIGITS)) == 0;
}

bool history_take(uint32_t *counter)
{
	struct settings before = settings;

	for (uint8_t i = 0; i < SENSORS; i++) {
		if (!take_id((uint16_t)(i * SENSOR_SIZE), settings.id[i])) {
			settings = before;
			return false;
		}
		counter[i] = read32((uint16_t)(i * SENSOR_SIZE + ID_DIGITS + 1));
	}
	return true;
}
#endif
