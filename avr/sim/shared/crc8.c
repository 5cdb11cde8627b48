/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "crc8.h"

uint8_t crc8(const uint8_t *data, size_t len)
{
	uint8_t crc = 0;

	for (size_t i = 0; i < len; i++) {
		crc ^= data[i];
		for (int bit = 0; bit < 8; bit++)
			crc = (uint8_t)((crc >> 1) ^ (crc & 1 ? 0x8C : 0));
	}
	return crc;
}
