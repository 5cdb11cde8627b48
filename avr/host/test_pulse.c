/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Debouncing; built for either board. */
#include <stdio.h>

#include "../core/pulse.h"
#include "bench.h"

/* A pulse input with edges at given times and a beat at each second tick. */
struct bench_input {
	struct pulse pulse;
	uint64_t now_ns, beat_ns;
	uint8_t level;
};

#ifdef BOARD_SPI
enum { UNIT_NS = 2170, BEAT_NS = 1000000, SHORTEST = 0 };
#else
/* Edges 0.22 ms apart are masked, so the shortest hold is left out. */
enum { UNIT_NS = 8000, BEAT_NS = 1600000, SHORTEST = 1 };
#endif

static struct bench_input quiet(uint16_t hold)
{
	struct bench_input input = { .level = 1 };

	input.pulse.level = input.pulse.old_level = input.pulse.raw = 1;
	input.pulse.settled = true;
	input.pulse.hold = PULSE_UNITS(hold);
	return input;
}

static void pass_us(struct bench_input *input, double us)
{
	uint64_t to = input->now_ns + (uint64_t)(us * 1000);

	for (; input->beat_ns <= to; input->beat_ns += BEAT_NS)
		pulse_beat(&input->pulse, input->level, (uint16_t)(input->beat_ns / UNIT_NS), 0,
			   false);
	input->now_ns = to;
}

/* Waits, then changes the pin's level. */
static void edge_after_us(struct bench_input *input, double us)
{
	pass_us(input, us);
	input->level ^= 1;
	pulse_edge(&input->pulse, input->level, (uint16_t)(input->now_ns / UNIT_NS), 0);
}

/* A level of 0.9 holds does not count, one of 1.1 holds counts once; for holds of 0.2 to 100 ms. */
static void holds_are_exact(void)
{
	static const uint16_t HOLDS[] = { 20, 40, 100, 156, 500, 2000, 10000 };

	for (size_t k = SHORTEST; k < sizeof(HOLDS) / sizeof(HOLDS[0]); k++) {
		for (int tenths = 9; tenths <= 11; tenths += 2) {
			struct bench_input input = quiet(HOLDS[k]);

			for (int i = 0; i < 100; i++)
				edge_after_us(&input, HOLDS[k] * tenths);
			pass_us(&input, 300000);
			CHECK(input.pulse.count == (tenths == 9 ? 0 : 50));
			CHECK(input.pulse.lows == (tenths == 9 ? 50 : 0));
		}
	}
}

/*
 * A contact that bounces for some ms counts once and is no noise. The former hold would count its
 * bounces.
 */
static void bounces_count_once(void)
{
	static const double BOUNCE_US[] = { 1500, 2000, 3000, 1800, 2500, 1500 };
	struct bench_input input = quiet(HOLD_USUAL);

	for (int i = 0; i < 20; i++) {
		edge_after_us(&input, 300000);
		for (int b = 0; b < 6; b++)
			edge_after_us(&input, BOUNCE_US[b]);
		edge_after_us(&input, 200000);
		for (int b = 0; b < 6; b++)
			edge_after_us(&input, BOUNCE_US[b]);
	}
	pass_us(&input, 300000);
	CHECK(input.pulse.count == 20 && input.pulse.lows == 0);
	CHECK(input.pulse.former >= 100);
}

/* The mains' 50 Hz makes no pulse, and its lows are counted long before it ends. */
static void mains_is_noise(void)
{
	struct bench_input input = quiet(HOLD_USUAL);

	for (int i = 0; i < 500; i++) {
		edge_after_us(&input, 10000);
		CHECK(input.pulse.lows + PULSE_BOUNCES_MAX >= i / 2);
	}
	pass_us(&input, 100000);
	CHECK(input.pulse.count == 0 && input.pulse.lows == 250 && input.pulse.former == 250);
}

/*
 * A burst of edges closer than the hold does not count; a pulse of 1.2 holds after it counts once.
 */
static void bursts_count_for_nothing(void)
{
	for (int gap_us = 50; gap_us <= 900; gap_us += 10) {
		struct bench_input input = quiet(100);
		int edges = 5000 / gap_us / 2 * 2;

		for (int i = 0; i < edges; i++)
			edge_after_us(&input, gap_us);
		edge_after_us(&input, 100000);
		CHECK(input.pulse.count == 0);
		edge_after_us(&input, 1200);
		pass_us(&input, 5000);
		CHECK(input.pulse.count == 1);
	}
}

int main(void)
{
	holds_are_exact();
	bounces_count_once();
	mains_is_noise();
	bursts_count_for_nothing();
	puts("pulse: ok");
	return 0;
}
