/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Records of the counters: dips, power cuts, resets and damage; built for either board. */
#include <stdio.h>

#include "../core/journal.h"
#include "../core/keeper.h"
#include "../core/layout.h"
#include "../core/meter.h"
#include "../core/settings.h"
#include "bench.h"

/*
 * Short records that carry over byte and word borders are each found again after the power failed.
 */
static void dips_are_found_again(void)
{
	static const uint32_t FROM[] = { 0, 250, 65530, 0xfffffffa, 0x00ffffff };

	for (int k = 0; k < 5; k++) {
		bench_ready();
		bench_set_counters(FROM[k]);
		keeper_record();
		bench_run(400);
		for (uint32_t n = 1; n < 30; n++) {
			bench_set_counters(FROM[k] + n * 1000);
			bench_dip();
			bench_run(120);
			bench_power_on();
			CHECK(bench_counters_are(FROM[k] + n * 1000));
			bench_run(2000);
		}
	}
}

/* Wherever and however the power fails, the state before or after comes back, never another. */
static void cuts_leave_a_true_state(void)
{
	uint32_t cuts = 0;

	for (uint32_t at = 1; at < 60; at++) {
		for (int stage = BENCH_BEFORE; stage <= BENCH_WRITTEN; stage++) {
			bench_ready();
			bench_set_counters(0x1fffe);
			keeper_commit();
			bench_run(1000);
			bench_set_counters(0x1ffff);
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
			CHECK(bench_counters_are(0x1fffe) || bench_counters_are(0x1ffff));
			CHECK(settings_valid(&settings));
			bench_run(3000);
			bench_set_counters(0x20001);
			bench_dip();
			bench_run(120);
			bench_power_on();
			CHECK(bench_counters_are(0x20001));
		}
	}
	CHECK(cuts > 60);
}

/* A reset keeps what only RAM holds: remainders, and what was not recorded. */
static void resets_lose_nothing(void)
{
	uint32_t before;

	bench_ready();
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

/* Returns where the full record of this age lies; the newest has age 0. */
static int full_record(int age)
{
	return FULL_AT + (journal.full_next + FULL_SLOTS - 1 - age) % FULL_SLOTS * FULL_SIZE;
}

/* If a complete record is damaged, an older one is restored and that is counted. */
static void damaged_full_records_are_counted(void)
{
	for (int cell = 0; cell < FULL_SIZE - 1; cell++) {
		for (uint16_t newer = 1; newer <= 2; newer++) {
			bench_ready();
			for (uint32_t k = 0; k < 5; k++) {
				bench_set_counters(1000 * k);
				keeper_record();
				bench_run(1500);
			}
			for (uint16_t k = 0; k < newer; k++)
				bench_cells[full_record(k) + cell] ^= 0x40;
			bench_power_on();
			CHECK(sensor_counter[0] == 4000 - 1000u * newer);
			CHECK(more.fallbacks == 1 && more.age == newer);
			bench_run(4000);
			bench_power_on();
			CHECK(more.fallbacks == 1);
		}
	}
}

static void damaged_short_records_are_counted(void)
{
	bench_ready();
	bench_set_counters(1000);
	keeper_record();
	bench_run(1500);
	inputs.pulse[0].count++;
	bench_run(20);
	bench_dip();
	bench_run(120);
	CHECK(journal.shorts == 1);
	bench_cells[SHORT_AT + journal.short_live * SHORT_SIZE + 7] ^= 1;
	bench_power_on();
	CHECK(sensor_counter[FIRST_PULSE_PORT] == 1000 + FIRST_PULSE_PORT && more.fallbacks == 1);
}

int main(void)
{
	dips_are_found_again();
	cuts_leave_a_true_state();
	resets_lose_nothing();
	damaged_full_records_are_counted();
	damaged_short_records_are_counted();
	puts("journal: ok");
	return 0;
}
