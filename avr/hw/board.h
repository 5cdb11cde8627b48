/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The pins, clocks and dividers of the two boards. No other file maps pins. */
#ifndef HW_BOARD_H
#define HW_BOARD_H

#include <avr/io.h>

#include "../core/shape.h"

#ifdef BOARD_SPI
#define CLOCK_HZ 3686400ul
#define LED_BIT PB0
#define LED_LIT 0 /* active low */
#define RS485_BIT PD5
/* A tick has 230.4 timer units of 8 cycles on average, so 5 ticks have 1152 units. */
#define TICK_UNITS 230
#define TICK_PHASES 5
#define TICK_LONG 2 /* of these five ticks are one unit longer */
/* 1/32: 115.2 kHz; a conversion takes 113 µs of a tick's 500. */
#define ADC_PRESCALER _BV(ADPS2) | _BV(ADPS0)
#else
#define CLOCK_HZ 1000000ul
#define LED_BIT PB5
#define LED_LIT 1
#define TICK_UNITS 100
#define TICK_PHASES 1
#define TICK_LONG 0
/* 1/8: 125 kHz; a conversion takes 104 µs of a tick's 800. */
#define ADC_PRESCALER _BV(ADPS1) | _BV(ADPS0)
#endif

#define ADC_START (_BV(ADEN) | _BV(ADSC) | ADC_PRESCALER)
/* The internal 1.1 V reference; the channel goes into the low bits. */
#define ADC_SOURCE (_BV(REFS1) | _BV(REFS0))

/* Generation 1 divides its 8 MHz by 8 here, whatever its fuses say. */
static inline void clock_init(void)
{
#ifdef BOARD_UART
	CLKPR = _BV(CLKPCE);
	CLKPR = _BV(CLKPS1) | _BV(CLKPS0);
#endif
}

static inline void led_set(uint8_t lit)
{
	if (lit == LED_LIT)
		PORTB |= _BV(LED_BIT);
	else
		PORTB &= (uint8_t)~_BV(LED_BIT);
}

#endif
