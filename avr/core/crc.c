/* SPDX-License-Identifier: GPL-3.0-or-later */
/* CRC-8 and CRC-16 without tables, which would take flash. */
#include "crc.h"

#include "shape.h"

uint8_t crc8_update(uint8_t crc, uint8_t byte)
{
	uint8_t bits = 8;

	crc ^= byte;
	do {
		uint8_t low = crc & 1;

		crc >>= 1;
		if (low)
			crc ^= 0x8c;
	} while (--bits);
	return crc;
}

/* Works on bytes, because the AVR shifts words one place at a time. */
uint16_t crc16_update(uint16_t crc, uint8_t byte)
{
	uint8_t x = (uint8_t)((uint8_t)(crc >> 8) ^ byte);
	uint8_t high, low;

	x = (uint8_t)(x ^ (x >> 4));
	high = (uint8_t)((uint8_t)crc ^ (uint8_t)(x << 4) ^ (x >> 3));
	low = (uint8_t)(x ^ (uint8_t)(x << 5));
	return (uint16_t)((uint16_t)high << 8 | low);
}

SHARED uint16_t crc16_block(uint16_t crc, const void *data, uint8_t size)
{
	const uint8_t *at = data;

	while (size--)
		crc = crc16_update(crc, *at++);
	return crc;
}
