/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Sends random and damaged transfers to the firmware. Only the sound messages in them may change
 * the settings, and the next complete command must be answered.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "mutate.h"
#include "oracle.h"
#include "rig.h"

enum {
	EXAMPLES = 10,
	SETTINGS_BYTES = 48,
	MORE_BYTES = 30,
	BOTH_BYTES = SETTINGS_BYTES + MORE_BYTES,
	GAP_US = 250,
	GAP_MORE_US = 500,
	PAUSE_MS = 30
};

struct counts {
	uint64_t cases, bytes, sets, wrong_crc, unexplained, silent;
};

static struct rig rig;
static struct counts counts;
static struct {
	int watchdogs, brownouts, constant[ORACLE_SENSORS], fraction[ORACLE_SENSORS], map, enabled,
		hardware, exact[ORACLE_EXACTS], hold[ORACLE_HOLDS], form;
} place;

static uint16_t u16(const uint8_t *p)
{
	return (uint16_t)(p[0] | p[1] << 8);
}

static void read_symbol(const char *name, uint8_t *raw, uint16_t size)
{
	const struct symbol *at = symbols_find(&rig.board->symbols, name);

	if (!at || at->size != size || !board_read_ram(rig.board, at->addr, raw, size)) {
		fprintf(stderr, "fuzz-spi: no %s of %d bytes in RAM\n", name, size);
		exit(2);
	}
}

/* Reads settings and more, one after the other. */
static void read_settings(uint8_t raw[BOTH_BYTES])
{
	read_symbol("settings", raw, SETTINGS_BYTES);
	read_symbol("more", raw + SETTINGS_BYTES, MORE_BYTES);
}

/* Finds the one place in the settings that holds a value set by these commands. */
static int learn(const char *commands, const uint8_t *pattern, int len)
{
	uint8_t raw[BOTH_BYTES];
	char one[32];
	int found = -1, places = 0;

	for (int used; sscanf(commands, "%31s%n", one, &used) == 1; commands += used) {
		if (!rig_set(&rig, one, 20)) {
			fprintf(stderr, "fuzz-spi: the board refuses %s\n", one);
			exit(2);
		}
	}
	read_settings(raw);
	for (int i = 0; i + len <= BOTH_BYTES; i++) {
		if (memcmp(raw + i, pattern, (size_t)len) == 0) {
			found = i;
			places++;
		}
	}
	if (places != 1) {
		fprintf(stderr, "fuzz-spi: %s stands in %d places\n", one, places);
		exit(2);
	}
	return found;
}

static int learn_u16(const char *format, int sensor, uint16_t value)
{
	uint8_t pattern[2] = { (uint8_t)value, (uint8_t)(value >> 8) };
	char command[32];

	snprintf(command, sizeof(command), format, sensor, value);
	return learn(command, pattern, 2);
}

/* Finds the layout of core/settings.h from outside. */
static void learn_places(void)
{
	for (int i = 0; i < ORACLE_SENSORS; i++) {
		place.constant[i] = learn_u16("sm%02x%04x", i, (uint16_t)(0xA1B0 + i));
		place.fraction[i] = learn_u16("sf%02x%04x", i, (uint16_t)(0x0321 + i));
	}
	place.watchdogs = learn("swc1d2", (const uint8_t *)"\xd2\xc1", 2);
	place.brownouts = learn("sbe3f4", (const uint8_t *)"\xf4\xe3", 2);
	place.map = learn("sp050403020100", (const uint8_t *)"\5\4\3\2\1", 6);
	place.enabled = learn("se0001 se0100 se0201 se0301 se0400 se0501",
			      (const uint8_t *)"\1\0\1\1\0\1", 6);
	for (int i = 0; i < ORACLE_EXACTS; i++) {
		char command[32];
		uint8_t pattern[4] = { (uint8_t)(0xC0 + i), 0x17, (uint8_t)(0xB0 + i), 0x13 };

		snprintf(command, sizeof(command), "sn%02x13%02x17%02x", ORACLE_ANALOGS + i,
			 0xB0 + i, 0xC0 + i);
		place.exact[i] = learn(command, pattern, 4);
	}
	for (int k = 0; k < ORACLE_HOLDS; k++)
		place.hold[k] = learn_u16("so%02x%04x", ORACLE_ANALOGS + k, (uint16_t)(0x1A1A + k));
	place.form = learn("sa16", (const uint8_t *)"\x16\x12",
			   2); /* the image's form stands behind it */
	place.hardware = learn("sh000201", (const uint8_t *)"\0\2\1", 3);
}

static void look(struct oracle_state *s)
{
	uint8_t raw[BOTH_BYTES];

	read_settings(raw);
	memset(s, 0, sizeof(*s));
	s->watchdogs = u16(raw + place.watchdogs);
	s->brownouts = u16(raw + place.brownouts);
	for (int i = 0; i < ORACLE_SENSORS; i++) {
		s->constant[i] = u16(raw + place.constant[i]);
		s->fraction[i] = u16(raw + place.fraction[i]);
	}
	for (int i = 0; i < ORACLE_EXACTS; i++) {
		s->pulses[i] = u16(raw + place.exact[i]);
		s->unit[i] = u16(raw + place.exact[i] + 2);
	}
	for (int k = 0; k < ORACLE_HOLDS; k++)
		s->hold[k] = u16(raw + place.hold[k]);
	s->form = raw[place.form];
	memcpy(s->map, raw + place.map, sizeof(s->map));
	memcpy(s->enabled, raw + place.enabled, sizeof(s->enabled));
	memcpy(s->hardware, raw + place.hardware, sizeof(s->hardware));
	rig_counters(&rig, s->counter);
}

static void example(const char *what, const uint8_t *bytes, size_t n)
{
	static int shown;

	if (shown++ >= EXAMPLES)
		return;
	fprintf(stderr, "fuzz-spi: %s after ", what);
	for (size_t i = 0; i < n; i++)
		fprintf(stderr, "%02x", bytes[i]);
	fprintf(stderr, "\n");
}

static bool answers(void)
{
	char reply[RIG_REPLY];

	return rig_ask(&rig, "gs", 20, reply) && strncmp(reply, "gs", 2) == 0;
}

static void one_case(struct mutate *m)
{
	uint8_t out[MUTATE_MAX], in[MUTATE_MAX];
	struct oracle_state before, after;
	struct oracle oracle;

	look(&before);
	size_t n = mutate_bytes(m, out);

	oracle_scan(&oracle, out, n);
	uint16_t gap_us = (uint16_t)(GAP_US + mutate_random(m) % GAP_MORE_US);
	uint64_t pause_ns = mutate_random(m) % (PAUSE_MS * NS_PER_MS);

	rig_transfer(&rig, out, in, (uint16_t)n, gap_us);
	rig_run_ns(&rig, pause_ns);
	bool good = answers();

	look(&after);
	counts.cases++;
	counts.bytes += n;
	counts.sets += (uint64_t)oracle.sets;
	counts.wrong_crc += (uint64_t)oracle.wrong;
	if (!good) {
		counts.silent++;
		fprintf(stderr, "fuzz-spi: gap %u us, pause %.3f ms, then gs: ", gap_us,
			(double)pause_ns / 1e6);
		example("no answer", out, n);
		rig_run_ms(&rig, 3000);
	}
	if (!oracle_explains(&oracle, &before, &after)) {
		counts.unexplained++;
		example("unexplained change", out, n);
	}
}

/*
 * One damaged message in 256 has a right CRC all the same, and the board rightly obeys it. The
 * number of those with a wrong CRC says how many to expect.
 */
static int report(double seconds)
{
	uint64_t resets = rig.board->resets - 1;

	printf("fuzz-spi: {\"cases\": %" PRIu64 ", \"bytes\": %" PRIu64
	       ", \"sets_with_right_crc\": %" PRIu64 ", \"sets_with_wrong_crc\": %" PRIu64
	       ", \"expected_by_chance\": %.1f, \"wrong_sets\": %" PRIu64
	       ", \"no_answer\": %" PRIu64 ", \"resets\": %" PRIu64
	       ", \"simulated_s\": %.0f, \"seconds\": %.0f}\n",
	       counts.cases, counts.bytes, counts.sets, counts.wrong_crc,
	       (double)counts.wrong_crc / 255, counts.unexplained, counts.silent, resets,
	       (double)rig.board->now_ns / 1e9, seconds);
	return counts.unexplained || counts.silent || resets;
}

int main(int argc, char **argv)
{
	double seconds = argc > 2 ? atof(argv[2]) : 0;
	struct mutate m = { .random = argc > 3 ? (uint32_t)strtoul(argv[3], NULL, 10) : 1 };
	time_t start = time(NULL);

	if (argc < 3 || argc > 4 || seconds <= 0) {
		fprintf(stderr, "usage: fuzz_spi FIRMWARE.hex SECONDS [SEED]\n");
		return 2;
	}
	rig_init(&rig, argv[1], NULL, 1);
	rig_run_ms(&rig, 3000);
	learn_places();
	while (difftime(time(NULL), start) < seconds)
		one_case(&m);
	return report(difftime(time(NULL), start));
}
