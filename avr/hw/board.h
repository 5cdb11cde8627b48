/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Pins, clock and dividers of the two boards: the only pin map. */
#ifndef HW_BOARD_H
#define HW_BOARD_H

#include <avr/io.h>

#include "../core/shape.h"

#ifdef BOARD_SPI
#define CLOCK_HZ 3686400ul
#define LED_BIT PB0
#define LED_LIT 0 /* active low */
#define RS485_BIT PD5
/* Timer units of 8 cycles a tick: 230.4 on average, so that 5 ticks are 1152 units. */
#define TICK_UNITS 230
#define TICK_PHASES 5
#define TICK_LONG 2 /* so many of these five are one unit longer */
#define ADC_PRESCALER \
	_BV(ADPS2) | _BV(ADPS0) /* /32: 115.2 kHz, a conversion is 113 µs of a tick's 500 */
#else
#define CLOCK_HZ 1000000ul
#define LED_BIT PB5
#define LED_LIT 1
#define TICK_UNITS 100
#define TICK_PHASES 1
#define TICK_LONG 0
#define ADC_PRESCALER \
	_BV(ADPS1) | _BV(ADPS0) /* /8: 125 kHz, a conversion is 104 µs of a tick's 800 */
#endif

#define ADC_START (_BV(ADEN) | _BV(ADSC) | ADC_PRESCALER)
#define ADC_SOURCE \
	(_BV(REFS1) | _BV(REFS0)) /* the internal 1.1 V; the channel is in the low bits */

/* Generation 1 divides its 8 MHz by 8, whatever the fuses say. */
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
