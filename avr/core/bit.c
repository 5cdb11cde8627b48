/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Single bits by number. */
#include "shape.h"

#ifndef __AVR__
#include "flags.h"

volatile struct flags flags;
#endif

uint8_t bit(uint8_t number)
{
	uint8_t value = 1;

	while (number--)
		value = (uint8_t)(value + value);
	return value;
}
