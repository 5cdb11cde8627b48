/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Single bits by number, and the host's stand-in for the registers of flags.h. */
#include "shape.h"

#ifndef __AVR__
#include "flags.h"

volatile struct flags flags;
volatile uint8_t meter_fresh;
volatile uint8_t meter_sent;
#endif

uint8_t bit(uint8_t number)
{
	uint8_t value = 1;

	while (number--)
		value = (uint8_t)(value + value);
	return value;
}
