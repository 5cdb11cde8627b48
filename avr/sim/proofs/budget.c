/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Measures the firmware against its budgets. Ends with 1 if one is exceeded. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../shared/command.h"
#include "rig.h"
#include "stress.h"

/* docs/design/firmware.md explains the budgets. */
static const double FLASH_BYTES_MAX = 14336; /* 14 KB */
static const double RAM_SHARE_MAX = 0.85;
static const double OFF_US_MAX = 110;
static const double SAVE_MS_MAX = 30, SAVE_FULL_MS_MAX = 55;
static const double ENERGY_PPM_MAX = 20;
static const double HOLD_MAX_MS = 140; /* the capacitors' 146 ms (inferred) */
static const double HOLD_STEP_MS = 0.2;

enum {
	STRESS_S = 60,
	WATCHDOG_MS = 200, /* until its interrupt, with the reset 125 ms after it */
	ENERGY_S = 300,
	COUNTER_S = 60,
	FULL_OPS = 20,
	FEW_LOADS = 4,
	RAM_BYTES = 1024,
	RAM_START = 0x100,
	LOW_MV = 4000,
	GOOD_MV = 5000
};

static struct rig rig;
static int failed;

static void show(const char *name, double value, double limit, const char *unit)
{
	bool good = value <= limit;

	printf("budget: %-28s %9.2f of %7.2f %-6s %s\n", name, value, limit, unit,
	       good ? "ok" : "OVER");
	failed += !good;
}

static double static_ram(void)
{
	const struct symbol *end = symbols_find(&rig.board->symbols, "_end");

	if (!end) {
		fprintf(stderr, "budget: no _end in the .elf\n");
		exit(2);
	}
	return end->addr - RAM_START;
}

/* The firmware states each interrupt's budget beside its code: CYCLES_MAX() in hw/vectors.h. */
static double cycles_max(int vector)
{
	char name[40];
	uint16_t cycles;

	snprintf(name, sizeof(name), "cycles_max__vector_%d", vector);
	if (symbols_constant(&rig.board->symbols, name, &cycles))
		return cycles;
	printf("budget: the firmware states no CYCLES_MAX(%s_vect)\n", probe_name(vector));
	return 0;
}

/* What the random load leaves out: the master sends to the UART, and the main loop hangs. */
static void send_and_hang(void)
{
	static const uint8_t MESSAGE[] = { 'u', '4', '1', '4', '2', 0 };
	uint8_t in[sizeof(MESSAGE)];

	rig_transfer(&rig, MESSAGE, in, sizeof(MESSAGE), 250);
	input_pulses(rig.board, 0, 1, 20000000, 10000000);
	rig_run_ms(&rig, 100);
	if (!board_hang(rig.board)) {
		fprintf(stderr, "budget: the board cannot be hung\n");
		exit(2);
	}
	rig_run_ms(&rig, WATCHDOG_MS);
}

static void show_interrupts(const struct probe *p)
{
	for (int i = 1; i < PROBE_VECTORS; i++) {
		char name[40];

		if (!p->runs[i])
			continue;
		snprintf(name, sizeof(name), "isr %s", probe_name(i));
		show(name, (double)p->longest[i], cycles_max(i), "cycles");
	}
	show("interrupts off", (double)p->longest_off / rig.board->crystal_hz * 1e6, OFF_US_MAX,
	     "us");
	printf("budget: interrupts were off longest from 0x%" PRIx32 "\n", p->longest_off_pc);
}

static void measure_cpu(void)
{
	struct stress stress = { .random = 7 };
	const struct probe *p = &rig.board->probe;
	uint64_t start = rig.board->avr->cycle;

	probe_clear(rig.board);
	stress_run(&stress, &rig, STRESS_S);
	printf("budget: load: %" PRIu64 " dialogues, %" PRIu64 " answered, %" PRIu64
	       " dips; asleep %.0f %%\n",
	       stress.asked, stress.answered, stress.dips,
	       100.0 * (double)p->slept_cycles / (double)(rig.board->avr->cycle - start));
	send_and_hang();
	show_interrupts(p);
	double stack = rig.board->avr->ramend - p->lowest_sp;

	printf("budget: RAM: %.0f static, %.0f stack\n", static_ram(), stack);
	show("static RAM and stack", static_ram() + stack, RAM_SHARE_MAX * RAM_BYTES, "bytes");
}

/*
 * Returns the sum of a port's ADC codes in the board's RAM, which is exact; counters are whole Wh.
 */
static uint32_t sum_of(int k)
{
	const struct symbol *s = symbols_find(&rig.board->symbols, "inputs");
	uint8_t raw[4];

	if (!s || !board_read_ram(rig.board, (uint16_t)(s->addr + 4 * k), raw, sizeof(raw))) {
		fprintf(stderr, "budget: no inputs in RAM\n");
		exit(2);
	}
	return (uint32_t)raw[0] | (uint32_t)raw[1] << 8 | (uint32_t)raw[2] << 16 |
	       (uint32_t)raw[3] << 24;
}

static void set_clamp(int ampere)
{
	char text[32];
	double constant = 0.449 * 230 * ampere;

	for (int k = 0; k < CLAMPS; k++) {
		clamps_set(rig.board, k, 230, ampere);
		snprintf(text, sizeof(text), "sm%02x%04x", k, (unsigned)constant);
		rig_command(&rig, text);
		snprintf(text, sizeof(text), "sf%02x%04x", k,
			 (unsigned)lround(fmod(constant, 1) * 1000) % 1000);
		rig_command(&rig, text);
	}
}

static void measure_energy(int ampere, int seconds)
{
	static const double LOAD[CLAMPS] = { 12000, 4321, 250 }; /* W of a 50 A clamp */
	double before[CLAMPS], worst = 0, worst_wh = 0;
	uint32_t sum[CLAMPS], start[RIG_SENSORS], end[RIG_SENSORS];
	char name[40];

	set_clamp(ampere);
	for (int k = 0; k < CLAMPS; k++)
		clamps_hold(rig.board, k, LOAD[k] * ampere / 50);
	rig_run_ms(&rig, 1000);
	rig_settled(&rig, start);
	for (int k = 0; k < CLAMPS; k++) {
		before[k] = clamps_energy_wh(rig.board, k);
		sum[k] = sum_of(k);
	}
	rig_run_ms(&rig, seconds * 1000.0);
	for (int k = 0; k < CLAMPS; k++) {
		double wh = clamps_energy_wh(rig.board, k) - before[k];
		double got = (double)(uint32_t)(sum_of(k) - sum[k]) * 0.449 * 230 * ampere / 1e9;

		worst = fmax(worst, fabs(got / wh - 1) * 1e6);
	}
	rig_settled(&rig, end);
	for (int k = 0; k < CLAMPS; k++) {
		double wh = clamps_energy_wh(rig.board, k) - before[k];

		worst_wh = fmax(worst_wh, fabs((double)(end[k] - start[k]) - wh));
	}
	/* One sample is 5 ppm of 300 s; of a shorter time it is too much. */
	if (seconds == ENERGY_S)
		show("energy", worst, ENERGY_PPM_MAX, "ppm");
	snprintf(name, sizeof(name), "counter, %d A clamp", ampere);
	/* Whole Wh at both ends, and up to 60 ms of samples that are not accounted yet. */
	show(name, worst_wh, 2 + 12000.0 * ampere / 50 / 3600 * 0.12, "Wh");
}

/* Returns a sensor's power in the next delta, or -1 if it has none. */
static double reported_power(int sensor)
{
	char reply[RIG_REPLY];
	uint8_t raw[RIG_REPLY];

	if (!rig_ask(&rig, "gd", 20, reply))
		return -1;
	long n = command_hex(reply + 2, raw, sizeof(raw));
	int entries = strlen(reply) > 2 && n % 11 == 0 ? 11 : 9;

	for (long i = 0; i + entries <= n; i += entries) {
		const uint8_t *x = raw + i + entries - 4;

		if (raw[i] == sensor)
			return (double)((uint32_t)x[0] << 24 | (uint32_t)x[1] << 16 |
					(uint32_t)x[2] << 8 | x[3]);
	}
	return -1;
}

static void measure_power(int ampere)
{
	static const double LOAD[] = { 0, 6, 12000, 1000, 1, 12.4, 50, 123, 500, 2345, 6000, 9000 };
	size_t loads = ampere == 50 ? sizeof(LOAD) / sizeof(LOAD[0]) : FEW_LOADS;
	double worst = 0; /* the largest share of the allowed error */
	char name[40];

	set_clamp(ampere);
	for (size_t i = 0; i < loads; i++) {
		double watt = LOAD[i] * ampere / 50, allowed = 0.5 * ampere / 50 + watt * 0.0005;

		clamps_hold(rig.board, 0, watt);
		rig_run_ms(&rig, 2500);
		reported_power(0);
		rig_run_ms(&rig, 1100);
		double got = reported_power(0);

		worst = fmax(worst, got < 0 ? 1e6 : fabs(got - watt) / allowed);
	}
	snprintf(name, sizeof(name), "power, %d A clamp", ampere);
	show(name, 100 * worst, 100, "%");
}

struct save {
	double short_ms, full_ms;
	uint64_t full_ops;
	const char *full_when;
};

/*
 * Cuts the power after this time of low supply, in a copy of this process. Returns true if the
 * counters come back.
 */
static bool counters_survive(double hold_ms, const uint32_t want[RIG_SENSORS])
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		uint32_t got[RIG_SENSORS];

		rig_run_ms(&rig, hold_ms);
		board_cut(rig.board);
		comparator_supply(rig.board, GOOD_MV);
		rig_run_ms(&rig, 100);
		board_power(rig.board);
		rig_run_ms(&rig, 300);
		rig_settled(&rig, got);
		_exit(memcmp(got, want, sizeof(got)) != 0);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
		exit(2);
	return WEXITSTATUS(status) == 0;
}

/*
 * Lets the supply fail, finds by trial how long it must hold for the save, and starts the board
 * again.
 */
static void measure_save(struct save *worst, const char *when)
{
	double too_short = 0, enough = HOLD_MAX_MS;
	uint64_t ops = rig.board->eeprom.ops;
	uint32_t want[RIG_SENSORS];

	rig_counters(&rig, want);
	comparator_supply(rig.board, LOW_MV);
	while (enough - too_short > HOLD_STEP_MS) {
		double hold = (too_short + enough) / 2;

		*(counters_survive(hold, want) ? &enough : &too_short) = hold;
	}
	rig_run_ms(&rig, enough);
	uint64_t count = rig.board->eeprom.ops - ops;

	if (count) {
		double *max = count < FULL_OPS ? &worst->short_ms : &worst->full_ms;

		if (max == &worst->full_ms && enough > *max) {
			worst->full_ops = count;
			worst->full_when = when;
		}
		*max = fmax(*max, enough);
	}
	rig_run_ms(&rig, HOLD_MAX_MS - enough);
	board_cut(rig.board);
	comparator_supply(rig.board, GOOD_MV);
	rig_run_ms(&rig, 100);
	board_power(rig.board);
	rig_run_ms(&rig, 2000);
}

static void measure_saves(void)
{
	struct save worst = { 0 };
	char text[32];

	for (int k = 0; k < CLAMPS; k++)
		clamps_hold(rig.board, k, 0);
	rig_run_ms(&rig, 500);
	for (int i = 0; i < 12; i++) {
		if (i == 0) {
			input_pulses(rig.board, 0, 3, 20000000, 10000000);
			rig_run_ms(&rig, 200);
		}
		measure_save(&worst, i ? "while `ct` is carried out" : "at rest");
		/* Only a full record can hold a counter that was just set. */
		snprintf(text, sizeof(text), "sc03%08x", (unsigned)i * 100000);
		rig_command(&rig, text);
		measure_save(&worst, "just after `sc`");
		/* While the settings are being written. */
		const uint8_t *ct = (const uint8_t *)"lct96.";
		uint8_t in[6];

		input_pulses(rig.board, 0, 3, 20000000, 10000000);
		rig_run_ms(&rig, 100);
		rig_transfer(&rig, ct, in, 6, 250);
		rig_run_ms(&rig, 1 + 11.7 * i);
	}
	show("save, short record", worst.short_ms, SAVE_MS_MAX, "ms");
	show("save, full record", worst.full_ms, SAVE_FULL_MS_MAX, "ms");
	printf("budget: the longest took %" PRIu64 " operations, %s\n", worst.full_ops,
	       worst.full_when ? worst.full_when : "never");
}

int main(int argc, char **argv)
{
	if (argc != 3) {
		fprintf(stderr, "usage: budget FIRMWARE.hex FLASH_BYTES\n");
		return 2;
	}
	rig_init(&rig, argv[1], NULL, 1);
	rig_set_up(&rig);
	show("flash", atof(argv[2]), FLASH_BYTES_MAX, "bytes");
	for (int ampere = 50; ampere <= 500; ampere += ampere == 50    ? 50
						       : ampere == 100 ? 150
								       : 250) {
		measure_energy(ampere, ampere == 50 ? ENERGY_S : COUNTER_S);
		measure_power(ampere);
	}
	set_clamp(50);
	measure_saves();
	measure_cpu();
	printf("budget: %s\n", failed ? "FAILED" : "all kept");
	return failed != 0;
}
