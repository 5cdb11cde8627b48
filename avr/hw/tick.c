/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Timer 1 runs freely in units of 8 cycles; its compare A is the tick, its value the time of the edges. */
#include "tick.h"

#include "../core/guard.h"
#include "../core/meter.h"
#include "board.h"
#include "vectors.h"

/* Written by the tick interrupt; read by the edge interrupts, which never nest with it, and by the main loop. */
static struct beat {
	uint8_t channel; /* the clamp being converted */
	uint8_t input;   /* the pulse input whose turn it is */
	uint8_t phase;   /* of the TICK_PHASES ticks that are exact together */
	uint16_t ticks;
} beat;

/* The next tick is due. */
static inline void schedule(struct beat *now)
{
	uint16_t units = TICK_UNITS;

	now->ticks++;
	if (TICK_LONG) {
		now->phase = (uint8_t)(now->phase + TICK_LONG);
		if (now->phase >= TICK_PHASES) {
			now->phase = (uint8_t)(now->phase - TICK_PHASES);
			units++;
		}
	}
	OCR1A = (uint16_t)(OCR1A + units);
}

/* Takes the conversion that the last tick started and starts the next clamp's. */
static inline void sample(struct beat *now)
{
	uint8_t channel = now->channel;
	uint32_t *sum = &inputs.sum[channel];
	uint16_t *count = &inputs.count[channel];

	BASE(sum);
	*sum += ADC;
	BASE(count);
	++*count;
	if (++channel >= ANALOGS)
		channel = 0;
	now->channel = channel;
	ADMUX = ADC_SOURCE | channel;
	ADCSRA = ADC_START;
}

void tick_beat(void)
{
	uint16_t time = TCNT1;
	struct beat *now = &beat;

	BASE(now);
	sample(now);
	schedule(now);
	now->input ^= 1;
	if (now->input) {
		pulse_beat(&inputs.pulse[0], PIND & _BV(PIND2) ? 1 : 0, time, now->ticks);
		EIMSK |= _BV(INT0);
	} else {
		pulse_beat(&inputs.pulse[1], PIND & _BV(PIND3) ? 1 : 0, time, now->ticks);
		EIMSK |= _BV(INT1);
	}
}

SHARED static void edge(struct pulse *input, uint8_t pin, uint8_t mask)
{
	BASE(input);
	if (pulse_edge(input, PIND & pin ? 1 : 0, TCNT1, beat.ticks))
		EIMSK &= (uint8_t)~mask;
}

void tick_edge_first(void)
{
	edge(&inputs.pulse[0], _BV(PIND2), _BV(INT0));
}

void tick_edge_second(void)
{
	edge(&inputs.pulse[1], _BV(PIND3), _BV(INT1));
}

SHARED uint16_t tick_now(void)
{
	uint8_t guard = guard_enter();
	uint16_t now = beat.ticks;

	guard_leave(guard);
	return now;
}

void tick_init(void)
{
	PORTD |= _BV(PD2);
	PORTD |= _BV(PD3);
	ADMUX = ADC_SOURCE;
	ADCSRA = ADC_START;              /* the first conversion also starts the reference */
	EICRA = _BV(ISC10) | _BV(ISC00); /* any edge */
	TCCR1B = _BV(CS11) | _BV(ICES1); /* /8; capture at the comparator's rising edge */
	OCR1A = TICK_UNITS;
	TIMSK1 = _BV(OCIE1A);
	pulse_restart(&inputs.pulse[0]);
	pulse_restart(&inputs.pulse[1]);
}
