/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "hex.h"

uint8_t hex_value(uint8_t digit)
{
	digit = (uint8_t)(digit - '0');
	if (digit < 10)
		return digit;
	digit = (uint8_t)(digit - ('a' - '0'));
	if (digit < 6)
		return (uint8_t)(digit + 10);
	return HEX_BAD;
}

uint8_t hex_digit(uint8_t value)
{
	value &= 0x0f;
	if (value >= 10)
		value = (uint8_t)(value + 'a' - '0' - 10);
	return (uint8_t)(value + '0');
}
