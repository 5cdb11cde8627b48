/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Hexadecimal digits of the frames. */
#ifndef CORE_HEX_H
#define CORE_HEX_H

#include <stdint.h>

#define HEX_BAD 0xff

/* Returns the value of a lower-case digit, or HEX_BAD. */
uint8_t hex_value(uint8_t digit);

/* Returns the lower-case digit for the low four bits. */
uint8_t hex_digit(uint8_t value);

#endif
