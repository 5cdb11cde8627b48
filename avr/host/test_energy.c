/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Energy of samples and pulses, and power; built for either board. */
#include <stdio.h>
#include <stdlib.h>

#include "../core/energy.h"
#include "../core/shape.h"
#include "bench.h"

/* Energy adds up to the pWh, however the samples are split into sums. */
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

/*
 * With pulses of unit / pulses Wh, whole Wh and the part are exact, however the pulses are split;
 * and the part is found again from the counter and the pieces.
 */
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

/* Whatever a damaged record says, the part stays below one Wh. */
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

/* The power of clamps of 50 to 500 A is right within 0.5 W + 0.05 %, from 0 to full scale. */
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

int main(void)
{
	energy_is_exact();
	pulses_are_exact();
	parts_are_below_one();
	power_is_near();
	puts("energy: ok");
	return 0;
}
