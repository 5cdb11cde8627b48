/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Arithmetic, debouncing, restarts and takeover of the core; built for either board. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../core/energy.h"
#include "../core/journal.h"
#include "../core/keeper.h"
#include "../core/layout.h"
#include "../core/meter.h"
#include "../core/settings.h"
#include "bench.h"

/* Sums of samples come out to the pWh, whatever their pieces. */
static void energy_is_exact(void)
{
	struct remainder rest = { 0 };
	unsigned long long exact = 0, wh = 0;

	srand(1);
	for (int i = 0; i < 200000; i++) {
		uint16_t sum = (uint16_t)((unsigned)rand() % (ENERGY_SUM_MAX + 1));

		exact += sum * 51635999ull;
		wh += energy_add_samples(&rest, sum, 51635, 999);
	}
	CHECK(wh * 1000000000000ull + rest.nano * 1000ull + rest.pico == exact);
}

/* unit / pulses Wh a pulse: whole Wh and the part come out exact, whatever the pieces, and a record brings the part back. */
static void pulses_are_exact(void)
{
	static const uint16_t UNIT[] = { 5, 5, 5, 8, 16, 1000, 1, 1, 125, 65535, 4001 };
	static const uint16_t PULSES_[] = { 16, 32, 64, 3, 3, 12799, 1, 16, 12, 65535, 64000 };

	srand(2);
	for (size_t k = 0; k < sizeof(UNIT) / sizeof(UNIT[0]); k++) {
		struct step step = { UNIT[k] / PULSES_[k], UNIT[k] % PULSES_[k], PULSES_[k] };
		struct remainder rest = { 0 };
		uint64_t wh = 0, count = 0, base_wh = 0;
		uint16_t base_part = 0;

		for (int i = 0; i < 20000; i++) {
			uint8_t pulses = (uint8_t)(1 + rand() % (i % 2 ? 3 : 255));

			wh += energy_add_pulses(&rest, pulses, &step);
			count += pulses;
			CHECK(rest.part < step.per &&
			      wh * PULSES_[k] + rest.part == count * UNIT[k]);
			if (wh - base_wh > 65535 || i % 20 == 0) {
				base_wh = wh;
				base_part = rest.part;
			}
			CHECK(energy_part_ahead((uint16_t)(wh - base_wh), base_part,
						energy_pieces(rest.part, &step),
						&step) == rest.part);
		}
	}
}

/* Nothing that a damaged record may say gives a part that is a whole. */
static void parts_are_below_one(void)
{
	srand(3);
	for (int i = 0; i < 200000; i++) {
		struct step step = { (uint16_t)(rand() % 3), 0, (uint16_t)(1 + rand() % 65535) };

		step.part = (uint16_t)(rand() % step.per);
		CHECK(energy_part_ahead((uint16_t)rand(), (uint16_t)rand(), (uint8_t)(rand() % 16),
					&step) < step.per);
	}
}

/* Power of clamps of 50 to 500 A within 0.5 W + 0.05 %, from nothing to full scale. */
static void power_is_near(void)
{
	static const double CONSTANTS[] = { 5163.5, 10327.0, 25817.5, 51635.0 };

	for (int k = 0; k < 4; k++) {
		for (uint32_t sum = 0; sum <= 1023u * 667; sum += 97) {
			uint16_t whole = (uint16_t)CONSTANTS[k];
			double exact = sum / 667.0 * CONSTANTS[k] * TICKS_PER_S / ANALOGS * 3600e-9;
			struct constant constant = { whole,
						     (uint16_t)((CONSTANTS[k] - whole) * 1000) };
			uint32_t parts = energy_power(sum, 667, &constant);
			double error = (parts + POWER_WATT / 2) / POWER_WATT - exact;

			CHECK(error < 0.53 + exact * 0.0005 && error > -0.53 - exact * 0.0005);
		}
	}
}

/* An input under test: edges at given times, judged at each tick that is its own. */
struct bench_input {
	struct pulse pulse;
	uint64_t now_ns, beat_ns;
	uint8_t level;
};

#ifdef BOARD_SPI
enum { UNIT_NS = 2170, BEAT_NS = 1000000, SHORTEST = 0 };
#else
enum {
	UNIT_NS = 8000,
	BEAT_NS = 1600000,
	SHORTEST = 1
}; /* its edges are masked when they are 0.22 ms apart */
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

/* The pin changes after so long. */
static void edge_after_us(struct bench_input *input, double us)
{
	pass_us(input, us);
	input->level ^= 1;
	pulse_edge(&input->pulse, input->level, (uint16_t)(input->now_ns / UNIT_NS), 0);
}

/* Levels of 0.9 H count for nothing, those of 1.1 H each once, from 0.2 to 100 ms. */
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

/* A contact that bounces for some ms counts once and is no noise; the former hold counts the bounces. */
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

/* The mains' 50 Hz: no pulse, and each low is told, long before the noise ends. */
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

/* Edges at each distance for 5 ms: shorter than H counts for nothing, then one pulse of 1.2 H counts once. */
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

static void set_all(uint32_t value)
{
	for (uint8_t i = 0; i < SENSORS; i++)
		meter_set(i, value + i, 0);
}

static bool all_are(uint32_t value)
{
	for (uint8_t i = 0; i < SENSORS; i++) {
		if (sensor_counter[i] != value + i)
			return false;
	}
	return true;
}

static void ready(void)
{
	bench_blank();
	bench_power_on();
	bench_run(4000);
}

/* A full record, then short ones over byte and word borders, each found again after the power failed. */
static void dips_are_found_again(void)
{
	static const uint32_t FROM[] = { 0, 250, 65530, 0xfffffffa, 0x00ffffff };

	for (int k = 0; k < 5; k++) {
		ready();
		set_all(FROM[k]);
		keeper_record();
		bench_run(400);
		for (uint32_t n = 1; n < 30; n++) {
			set_all(FROM[k] + n * 1000);
			bench_dip();
			bench_run(120);
			bench_power_on();
			CHECK(all_are(FROM[k] + n * 1000));
			bench_run(2000);
		}
	}
}

/* The power fails at each operation in each way: what comes back is the state before or after, never another. */
static void cuts_leave_a_true_state(void)
{
	uint32_t cuts = 0;

	for (uint32_t at = 1; at < 60; at++) {
		for (int stage = BENCH_BEFORE; stage <= BENCH_WRITTEN; stage++) {
			ready();
			set_all(0x1fffe);
			keeper_commit();
			bench_run(1000);
			set_all(0x1ffff);
			bench_cut_at = bench_ops + at;
			bench_cut_stage = (enum bench_stage)stage;
			bench_cut_value = (uint8_t)(at * 37 + 11);
			if (at & 1) {
				bench_dip();
				bench_run(200);
				bench_low = false;
			}
			keeper_commit();
			bench_run(1000);
			cuts += bench_dead;
			bench_cut_at = 0;
			bench_power_on();
			CHECK(all_are(0x1fffe) || all_are(0x1ffff));
			CHECK(settings_valid(&settings));
			bench_run(3000);
			set_all(0x20001);
			bench_dip();
			bench_run(120);
			bench_power_on();
			CHECK(all_are(0x20001));
		}
	}
	CHECK(cuts > 60);
}

/* A reset keeps what power-on forgets: remainders, and what was not recorded. */
static void resets_lose_nothing(void)
{
	uint32_t before;

	ready();
	inputs.sum[0] += 1000000;
	inputs.pulse[0].count += 100;
	bench_reset();
	bench_run(1000);
	before = sensor_counter[0];
	CHECK(before > 0 && sensor_counter[FIRST_PULSE_PORT] == 100);
	bench_reset();
	bench_run(1000);
	CHECK(sensor_counter[0] == before && sensor_counter[FIRST_PULSE_PORT] == 100);
}

#ifdef BOARD_SPI
static void put(uint8_t at, uint32_t value, int size)
{
	for (int i = 0; i < size; i++)
		bench_cells[at + i] = (uint8_t)(value >> 8 * i);
}

/* The four layouts of generation 2, as the historic compilers laid them. */
static void put_historic(bool fractions, bool reversed)
{
	uint8_t size = fractions ? 8 : 6, end = (uint8_t)(6 * size);
	uint8_t sensors = reversed ? 0 : 0x11, map = reversed ? end : 0x0b,
		enabled = reversed ? (uint8_t)(end + 6) : 0x0a;
	uint8_t events = reversed ? (uint8_t)(end + 7) : 6,
		version = reversed ? (uint8_t)(end + 11) : 1;

	bench_cells[reversed ? end + 16 : 0] = 0xbe;
	put(version, 2, 2);
	put((uint8_t)(version + 2), fractions, 1);
	put((uint8_t)(version + 3), 0x0001, 2);
	put(events, 7, 2);
	put((uint8_t)(events + 2), 9, 2);
	put(enabled, 0x1b, 1);
	for (uint8_t i = 0; i < 6; i++) {
		put((uint8_t)(map + i), i == 5 ? 0xff : 5u - i, 1);
		put((uint8_t)(sensors + i * size), 0x01020300u + i, 4);
		put((uint8_t)(sensors + i * size + 4), 5000u + i, 2);
		if (fractions)
			put((uint8_t)(sensors + i * size + 6), 100u + i, 2);
	}
}

static bool taken_over(bool fractions)
{
	for (uint8_t i = 0; i < SENSORS; i++) {
		if (settings.constant[i].whole != 5000 + i ||
		    settings.constant[i].fraction != (fractions ? 100 + i : 0))
			return false;
		if (settings.enabled[i] != (0x1b >> i & 1) ||
		    settings.map[i] != (i == 5 ? UNMAPPED : 5 - i))
			return false;
	}
	return all_are(0x01020300) && settings.hardware[1] == 2 &&
	       settings.hardware[2] == fractions && settings.watchdogs == 7;
}

/* Also when the power fails in the middle, at each operation. */
static void historic_images_are_taken_over(void)
{
	for (int k = 0; k < 4; k++) {
		for (uint32_t at = 0; at < 100; at++) {
			bench_blank();
			put_historic(k & 1, k & 2);
			bench_cut_at = at;
			bench_cut_stage = BENCH_HALF;
			bench_cut_value = (uint8_t)(at * 29);
			bench_power_on();
			bench_run(3000);
			bench_cut_at = 0;
			bench_power_on();
			CHECK(taken_over(k & 1));
			bench_run(8000);
			bench_power_on();
			CHECK(taken_over(k & 1));
			CHECK(!journal.historic);
		}
	}
}
#else
static void historic_images_are_taken_over(void)
{
	bench_blank();
	for (uint32_t i = 0; i < SENSORS; i++) {
		memcpy(bench_cells + 37 * i, "0123456789abcdef0123456789abcde0", 33);
		bench_cells[37 * i + 31] = (uint8_t)('0' + i);
		bench_cells[37 * i + 33] = (uint8_t)(100 + i);
		memset(bench_cells + 37 * i + 34, 0, 3);
	}
	bench_power_on();
	CHECK(all_are(100) && settings.id[2][0] == 0x01 && settings.id[2][15] == 0xe2);
	bench_run(8000);
	bench_power_on();
	CHECK(all_are(100) && settings.id[3][15] == 0xe3);
}
#endif

int main(void)
{
	energy_is_exact();
	pulses_are_exact();
	parts_are_below_one();
	power_is_near();
	holds_are_exact();
	bounces_count_once();
	mains_is_noise();
	bursts_count_for_nothing();
	dips_are_found_again();
	cuts_leave_a_true_state();
	resets_lose_nothing();
	historic_images_are_taken_over();
	puts("core: ok");
	return 0;
}
