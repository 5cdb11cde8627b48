/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Runs hours of a household with pulses, polls, dips and power cuts, and compares the board's
 * counters with the exact energy and the pulses sent.
 */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../shared/random.h"
#include "rig.h"

enum {
	LOW_MV = 4000,
	GOOD_MV = 5000,
	DIP_EVERY_S = 600,
	CUT_EVERY_S = 3000,
	PULSES_AN_HOUR = 700,
	POLL_EVERY_S = 4
};

static const double LOST_A_CUT = 1.5;

struct day {
	uint32_t random;
	uint64_t dips, cuts, polls, bad_polls;
	double lost_wh_max; /* most that a sensor lost at a power cut */
};

static struct rig rig;
static struct day day = { .random = 99 };

static uint32_t rnd(void)
{
	return xorshift32(&day.random);
}

static void send_pulses(void)
{
	for (int k = 0; k < INPUTS; k++) {
		if (rnd() % 3600 >= PULSES_AN_HOUR)
			continue;
		uint64_t n = 1 + rnd() % 3;

		input_pulses(rig.board, k, n, 100 * NS_PER_MS, 30 * NS_PER_MS);
	}
}

static void poll_board(void)
{
	char reply[RIG_REPLY];

	day.polls++;
	if (!rig_ask(&rig, "gd", 20, reply) || strncmp(reply, "gd", 2))
		day.bad_polls++;
}

static void dip(void)
{
	comparator_supply(rig.board, LOW_MV);
	rig_run_ms(&rig, 1 + rnd() % 80);
	comparator_supply(rig.board, GOOD_MV);
	day.dips++;
}

/*
 * Fails like the mains: the supply falls, the capacitors hold for a while, then the power is off.
 */
static void power_failure(void)
{
	uint32_t before[RIG_SENSORS], after[RIG_SENSORS];

	rig_settled(&rig, before);
	comparator_supply(rig.board, LOW_MV);
	rig_run_ms(&rig, 60 + rnd() % 80);
	board_cut(rig.board);
	rig_run_ms(&rig, 500 + rnd() % 20000);
	comparator_supply(rig.board, GOOD_MV);
	board_power(rig.board);
	rig_run_ms(&rig, 500);
	rig_settled(&rig, after);
	for (int i = 0; i < RIG_SENSORS; i++)
		day.lost_wh_max = fmax(day.lost_wh_max, (double)before[i] - (double)after[i]);
	day.cuts++;
}

/* Returns what a port's input brought while the board had power: Wh of a clamp, or pulses. */
static double measurable(int port)
{
	if (port < CLAMPS)
		return clamps_energy_wh(rig.board, port);
	return (double)rig.board->inputs.input[port - CLAMPS].falls;
}

/* Shows progress on stderr. */
static void tell_progress(uint64_t second)
{
	uint32_t now[RIG_SENSORS];

	rig_settled(&rig, now);
	fprintf(stderr, "day: %" PRIu64 " h:", second / 3600);
	for (int k = 0; k < CLAMPS; k++)
		fprintf(stderr, " %" PRIu32 " of %.1f Wh,", now[k], measurable(k));
	fprintf(stderr,
		" %" PRIu64 " dips, %" PRIu64 " cuts, %" PRIu64 " of %" PRIu64 " polls bad\n",
		day.dips, day.cuts, day.bad_polls, day.polls);
}

static void run_second(uint64_t second)
{
	uint64_t next = rig.board->now_ns + 1000 * NS_PER_MS;

	if (second && second % 3600 == 0)
		tell_progress(second);
	send_pulses();
	if (second % POLL_EVERY_S == 0)
		poll_board();
	rig_run_ms(&rig, 400);
	if (rnd() % DIP_EVERY_S == 0)
		dip();
	if (rnd() % CUT_EVERY_S == 0)
		power_failure();
	if (rig.board->now_ns < next)
		rig_run_ns(&rig, next - rig.board->now_ns);
}

/*
 * A power cut may cost a sensor's part of a Wh, and what comes between the save and the end of the
 * supply.
 */
static int report(double hours, const double *begun, const uint32_t *start, double seconds)
{
	uint32_t end[RIG_SENSORS];
	double worst = 0, worst_ppm = 0;
	int bad = day.bad_polls || day.lost_wh_max > 0;

	rig_settled(&rig, end);
	printf("day: {\"hours\": %.1f, \"board\": [", hours);
	for (int i = 0; i < CLAMPS + INPUTS; i++)
		printf("%s%" PRIu32, i ? ", " : "", end[i] - start[i]);
	printf("], \"exact\": [");
	for (int i = 0; i < CLAMPS + INPUTS; i++) {
		double exact = measurable(i) - begun[i];
		double error = (double)(end[i] - start[i]) - exact;
		double allowed =
			(i < CLAMPS ? 1 + 20e-6 * exact : 0) + LOST_A_CUT * (double)day.cuts;

		printf("%s%.3f", i ? ", " : "", exact);
		worst = fmax(worst, fabs(error));
		worst_ppm = i < CLAMPS && exact > 1000 ? fmax(worst_ppm, fabs(error / exact) * 1e6)
						       : worst_ppm;
		bad |= fabs(error) > allowed + 0.001;
	}
	printf("], \"error_max\": %.3f, \"error_ppm_max\": %.0f, \"dips\": %" PRIu64
	       ", \"power_cuts\": %" PRIu64 ", \"lost_wh_max\": %.0f, \"polls\": %" PRIu64
	       ", \"bad_polls\": %" PRIu64 ", \"eeprom_wear_max\": %" PRIu32
	       ", \"seconds\": %.0f}\n",
	       worst, worst_ppm, day.dips, day.cuts, day.lost_wh_max, day.polls, day.bad_polls,
	       rig.board->eeprom.wear[0], seconds);
	return bad;
}

static void find_wear(void)
{
	struct eeprom_model *e = &rig.board->eeprom;

	for (int i = 1; i < EEPROM_BYTES; i++) {
		if (e->wear[i] > e->wear[0])
			e->wear[0] = e->wear[i];
	}
}

int main(int argc, char **argv)
{
	double hours = argc == 4 ? atof(argv[3]) : 0, begun[CLAMPS + INPUTS];
	time_t began = time(NULL);
	uint32_t start[RIG_SENSORS];

	if (hours <= 0) {
		fprintf(stderr, "usage: day FIRMWARE.hex TRACE.csv HOURS\n");
		return 2;
	}
	rig_init(&rig, argv[1], argv[2], 1);
	rig_set_up(&rig);
	rig_settled(&rig, start);
	for (int i = 0; i < CLAMPS + INPUTS; i++)
		begun[i] = measurable(i);
	for (uint64_t second = 0; (double)second < hours * 3600; second++)
		run_second(second);
	for (int k = 0; k < CLAMPS; k++)
		clamps_hold(rig.board, k, 0);
	rig_run_ms(&rig, 2000); /* until the last pulses are counted */
	find_wear();
	return report(hours, begun, start, difftime(time(NULL), began));
}
