/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Timer 1 runs freely in units of 8 cycles; its compare A is the tick, its value the time of the edges. */
#include "tick.h"

#include <avr/interrupt.h>

#include "../core/meter.h"
#include "board.h"

volatile uint8_t tick_count;
volatile uint8_t tick_seconds;

/* Written by the tick interrupt, read by the edge interrupts; they never nest. */
static uint32_t clock_ms;

/* Which clamp is being converted. Tick interrupt only. */
static uint8_t channel;

static inline void clock_advance(void)
{
	static uint8_t ms_part;
	static uint16_t second_part;

	tick_count++;
	ms_part = (uint8_t)(ms_part + MS_STEP);
	if (ms_part >= MS_WHOLE) {
		ms_part = (uint8_t)(ms_part - MS_WHOLE);
		clock_ms++;
	}
	if (++second_part >= TICKS_PER_S) {
		second_part = 0;
		tick_seconds++;
	}
}

/* The next tick, so that TICK_PHASES ticks are exact. */
static inline void schedule(void)
{
	static uint8_t phase;
	uint16_t units = TICK_UNITS;

	if (TICK_LONG) {
		phase = (uint8_t)(phase + TICK_LONG);
		if (phase >= TICK_PHASES) {
			phase = (uint8_t)(phase - TICK_PHASES);
			units++;
		}
	}
	OCR1A = (uint16_t)(OCR1A + units);
}

static inline void sample(void)
{
	analog[channel].sum += ADC;
	analog[channel].count++;
	if (++channel >= ANALOGS)
		channel = 0;
	ADMUX = ADC_SOURCE | channel;
	ADCSRA |= _BV(ADSC);
}

/* Every TICK_UNITS × 8 cycles. Worst case: docs/firmware.md, measured by the budget. */
ISR(TIMER1_COMPA_vect)
{
	uint16_t now = TCNT1;

	schedule();
	sample();
	clock_advance();
	pulse_tick(&pulse[0], PIND & _BV(PIND2), now, PULSE_HOLD, clock_ms);
	pulse_tick(&pulse[1], PIND & _BV(PIND3), now, PULSE_HOLD, clock_ms);
	EIMSK = _BV(INT0) | _BV(INT1);
}

/* At each edge of the first pulse input, at most PULSE_EDGES_A_TICK times a tick. */
ISR(INT0_vect)
{
	uint16_t now = TCNT1;

	if (pulse_edge(&pulse[0], PIND & _BV(PIND2), now, PULSE_HOLD, clock_ms))
		EIMSK &= (uint8_t)~_BV(INT0);
}

/* The same for the second. */
ISR(INT1_vect)
{
	uint16_t now = TCNT1;

	if (pulse_edge(&pulse[1], PIND & _BV(PIND3), now, PULSE_HOLD, clock_ms))
		EIMSK &= (uint8_t)~_BV(INT1);
}

void tick_init(void)
{
	PORTD |= _BV(PD2) | _BV(PD3);
	ADMUX = ADC_SOURCE;
	ADCSRA = _BV(ADEN) | _BV(ADSC) | ADC_PRESCALER; /* the first conversion also starts the reference */
	EICRA = _BV(ISC10) | _BV(ISC00);                /* any edge */
	TCCR1B = _BV(CS11) | _BV(ICES1);                /* /8; capture at the comparator's rising edge */
	OCR1A = TCNT1 + TICK_UNITS;
	TIMSK1 = _BV(OCIE1A);
	for (uint8_t k = 0; k < PULSES; k++) {
		pulse[k].level = pulse[k].raw = true; /* a pin held low at reset is a pulse, once it has stood */
		pulse[k].settled = false;
		pulse[k].edges = PULSE_EDGES_A_TICK;  /* look at the pin afresh at the first tick */
	}
}
