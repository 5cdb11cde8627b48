/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The main loop's pass: each input has its turn, the LED follows the counters, a second is a
 * second.
 */
#include <stdio.h>

#include "../core/meter.h"
#include "../core/pass.h"
#include "bench.h"

enum {
	ROUND = COUNTED_PORTS * PASS_TICKS, /* ticks in which each input has its turn */
};

/* A failing supply misses at most what came since an input's last turn. */
static void each_input_has_its_turn_in_a_round(void)
{
	bench_ready();
	for (int i = 0; i < 100; i++) {
		uint32_t before[PULSES];

		for (int k = 0; k < PULSES; k++) {
			before[k] = sensor_counter[FIRST_PULSE_PORT + k];
			inputs.pulse[k].count++;
		}
		bench_run(ROUND);
		for (int k = 0; k < PULSES; k++)
			CHECK(sensor_counter[FIRST_PULSE_PORT + k] == before[k] + 1);
	}
}

static int ticks_lit(int rounds)
{
	int lit = 0;

	for (int i = 0; i < rounds * ROUND; i++) {
		bench_run(1);
		lit += bench_led;
	}
	return lit;
}

static void the_led_shows_that_a_counter_moved(void)
{
	bench_ready();
	CHECK(ticks_lit(6) == 0);
	inputs.pulse[0].count++;
	CHECK(ticks_lit(6) == 2 * ROUND);
	CHECK(!bench_led);
}

/* A save needs the charge that the LED would take. */
static void the_led_stays_dark_while_the_supply_is_low(void)
{
	bench_ready();
	bench_dip();
	inputs.pulse[0].count++;
	CHECK(ticks_lit(6) == 0);
}

static void a_second_has_as_many_ticks_as_stated(void)
{
	uint32_t before;

	bench_ready();
	before = bench_seconds;
	bench_run(60 * TICKS_PER_S);
	CHECK(bench_seconds - before == 60);
}

int main(void)
{
	each_input_has_its_turn_in_a_round();
	the_led_shows_that_a_counter_moved();
	the_led_stays_dark_while_the_supply_is_low();
	a_second_has_as_many_ticks_as_stated();
	puts("pass: ok");
	return 0;
}
