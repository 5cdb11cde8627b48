/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Timer 1 runs freely in units of 8 cycles. Its compare A makes the tick; its value dates the
 * edges.
 */
#include "tick.h"

#include <stdbool.h>

#include "../core/guard.h"
#include "../core/meter.h"
#include "board.h"
#include "vectors.h"

/*
 * Written by the tick interrupt. The edge interrupts, which never nest with it, and the main loop
 * read it.
 */
static struct beat {
	uint8_t channel; /* the clamp being converted */
	uint8_t input;   /* the pulse input that is checked */
	uint8_t phase;   /* in the TICK_PHASES ticks that together have the exact length */
	uint16_t ticks;
	uint16_t due;          /* time of the next tick */
	volatile uint8_t seen; /* by the main loop: low byte of ticks when it last read them */
} beat;

/*
 * A storm of edges can delay a tick until the next one is nearly due. From this delay on it is
 * late.
 */
#define LATE_UNITS (TICK_UNITS / 2)

/*
 * The main loop is starved when it has not read the tick for 60 ms (48 ms with generation 1). It
 * never waits for a record that long, and the watchdog acts at 125 ms. An input with STORM_EDGES
 * edges between two checks is to blame.
 */
#ifdef BOARD_SPI
#define STARVED_TICKS 120
#define STORM_EDGES 4
#else
#define STARVED_TICKS 60
#define STORM_EDGES 3
#endif

/*
 * How far behind the board is. LATE: masked inputs stay masked. STARVED: inputs in a storm are
 * masked.
 */
enum { IN_TIME, LATE, STARVED };

/*
 * Sets the timer for the next tick. After a late tick it comes as soon as a conversion is done, so
 * no tick is left out.
 */
static inline void schedule(struct beat *now, uint16_t time)
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
	units = (uint16_t)(now->due + units);
	now->due = units;
	if ((int16_t)(units - time) < LATE_UNITS)
		units = (uint16_t)(time + LATE_UNITS);
	OCR1A = units;
}

/* Adds the conversion that the last tick started, and starts the next clamp's. */
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

/* Returns true when the input's edge interrupt is to be on. */
static inline bool beat_input(struct pulse *pulse, uint8_t level, uint16_t time, uint8_t pressure)
{
	if (pressure == STARVED && pulse->edges >= STORM_EDGES)
		pulse->edges = PULSE_EDGES_A_BEAT;
	return pulse_beat(pulse, level, time, beat.ticks, pressure);
}

CYCLES_MAX(TIMER1_COMPA_vect, 400);
void tick_beat(void)
{
	uint16_t time = TCNT1;
	struct beat *now = &beat;
	uint8_t pressure = IN_TIME;

	BASE(now);
	if ((uint16_t)(time - now->due) >= LATE_UNITS)
		pressure = LATE;
	sample(now);
	schedule(now, time);
	if ((uint8_t)((uint8_t)now->ticks - now->seen) >= STARVED_TICKS)
		pressure = STARVED;
	now->input ^= 1;
	if (now->input) {
		if (beat_input(&inputs.pulse[0], PIND & _BV(PIND2) ? 1 : 0, time, pressure))
			EIMSK |= _BV(INT0);
		else
			EIMSK &= (uint8_t)~_BV(INT0);
	} else {
		if (beat_input(&inputs.pulse[1], PIND & _BV(PIND3) ? 1 : 0, time, pressure))
			EIMSK |= _BV(INT1);
		else
			EIMSK &= (uint8_t)~_BV(INT1);
	}
}

SHARED static void edge(struct pulse *input, uint8_t pin, uint8_t mask)
{
	BASE(input);
	if (pulse_edge(input, PIND & pin ? 1 : 0, TCNT1, beat.ticks))
		EIMSK &= (uint8_t)~mask;
}

CYCLES_MAX(INT0_vect, 320);
void tick_edge_first(void)
{
	edge(&inputs.pulse[0], _BV(PIND2), _BV(INT0));
}

CYCLES_MAX(INT1_vect, 320);
void tick_edge_second(void)
{
	edge(&inputs.pulse[1], _BV(PIND3), _BV(INT1));
}

SHARED uint16_t tick_now(void)
{
	uint8_t guard = guard_enter();
	uint16_t now = beat.ticks;

	guard_leave(guard);
	beat.seen = (uint8_t)now;
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
	beat.due = TICK_UNITS;
	TIMSK1 = _BV(OCIE1A);
	pulse_restart(&inputs.pulse[0]);
	pulse_restart(&inputs.pulse[1]);
}
