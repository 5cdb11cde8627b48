/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Timer 1 runs freely in units of 8 cycles; its compare A is the tick, its value the time of the edges. */
#include "tick.h"

#include <avr/interrupt.h>

#include "../core/guard.h"
#include "../core/meter.h"
#include "board.h"

volatile uint8_t tick_count;

/* Written by the tick interrupt, read by the edge interrupts; they never nest. */
static volatile uint16_t clock_ms;

static inline void clock_advance(void)
{
	static uint8_t part;

	tick_count++;
	part = (uint8_t)(part + MS_STEP);
	if (part >= MS_WHOLE) {
		part = (uint8_t)(part - MS_WHOLE);
		clock_ms++;
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

/* Takes the conversion that the last tick started and starts the next clamp's. */
static inline void sample(void)
{
	static uint8_t channel;
	uint32_t *sum = &inputs.sum[channel];

	BASE(sum);
	*sum += ADC;
	inputs.count[channel]++;
	if (++channel >= ANALOGS)
		channel = 0;
	ADMUX = ADC_SOURCE | channel;
	ADCSRA |= _BV(ADSC);
}

/* Every TICK_UNITS × 8 cycles. Worst case: docs/firmware.md, measured by the budget. */
ISR(TIMER1_COMPA_vect)
{
	uint16_t now = TCNT1;
	uint16_t now_ms;
	uint8_t pins = PIND >> PD2;
	struct pulse *input = inputs.pulse;

	sample();
	schedule();
	clock_advance();
	now_ms = clock_ms;
	BASE(input);
	for (uint8_t k = PULSES; k > 0; k--) {
		pulse_tick(input, pins & 1, now, PULSE_HOLD, now_ms);
		pins >>= 1;
		input++;
	}
	EIMSK = _BV(INT0) | _BV(INT1);
}

static inline bool edge(struct pulse *input, uint8_t level)
{
	BASE(input);
	return pulse_edge(input, level, TCNT1, PULSE_HOLD, clock_ms);
}

/* At each edge of the first pulse input, at most PULSE_EDGES_A_TICK times a tick. */
ISR(INT0_vect)
{
	if (edge(&inputs.pulse[0], PIND & _BV(PIND2) ? 1 : 0))
		EIMSK &= (uint8_t)~_BV(INT0);
}

/* The same for the second. */
ISR(INT1_vect)
{
	if (edge(&inputs.pulse[1], PIND & _BV(PIND3) ? 1 : 0))
		EIMSK &= (uint8_t)~_BV(INT1);
}

uint16_t tick_ms(void)
{
	uint8_t guard = guard_enter();
	uint16_t now = clock_ms;

	guard_leave(guard);
	return now;
}

void tick_init(void)
{
	PORTD |= _BV(PD2) | _BV(PD3);
	ADMUX = ADC_SOURCE;
	ADCSRA = _BV(ADEN) | _BV(ADSC) | ADC_PRESCALER; /* the first conversion also starts the reference */
	EICRA = _BV(ISC10) | _BV(ISC00);                /* any edge */
	TCCR1B = _BV(CS11) | _BV(ICES1);                /* /8; capture at the comparator's rising edge */
	OCR1A = TICK_UNITS;
	TIMSK1 = _BV(OCIE1A);
	for (uint8_t k = 0; k < PULSES; k++) {
		struct pulse *input = &inputs.pulse[k];

		BASE(input);
		input->settled = false;
		input->edges = PULSE_EDGES_A_TICK; /* look at the pin afresh at the first tick */
	}
}
