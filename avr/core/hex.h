/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Hexadecimal digits of the frames. */
#ifndef CORE_HEX_H
#define CORE_HEX_H

#include <stdint.h>

#define HEX_BAD 0xff

/* Value of one digit of either case, or HEX_BAD. */
static inline uint8_t hex_value(uint8_t digit)
{
	digit = (uint8_t)(digit - '0');
	if (digit < 10)
		return digit;
	digit = (uint8_t)((digit | 0x20) - ('a' - '0'));
	if (digit < 6)
		return (uint8_t)(digit + 10);
	return HEX_BAD;
}

/* Lower-case digit of the low four bits. */
static inline uint8_t hex_digit(uint8_t value)
{
	value &= 0x0f;
	return (uint8_t)(value < 10 ? value + '0' : value + ('a' - 10));
}

#endif
