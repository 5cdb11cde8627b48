/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The bus: the vectors of docs/design/protocols.md, damaged messages, and masters that stop in the
 * middle.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../core/crc.h"
#include "../core/link.h"
#include "../core/meter.h"
#include "../core/settings.h"
#include "bench.h"
#include "vectors.h"

#define REPLY_MAX (2 * LINK_REPLY_MAX)
#define REPLY_TICKS 20 /* 10 ms */
#define COMMIT_TICKS 800

static void vectors_hold(void)
{
	char reply[REPLY_MAX];

	for (size_t i = 0; i < sizeof(crc8_cases) / sizeof(crc8_cases[0]); i++) {
		uint8_t crc = 0;

		for (int k = 0; k < crc8_cases[i].length; k++)
			crc = crc8_update(crc, (uint8_t)crc8_cases[i].bytes[k]);
		CHECK(crc == crc8_cases[i].crc);
	}
	for (size_t i = 0; i < sizeof(dialogues) / sizeof(dialogues[0]); i++) {
		if (dialogues[i].first)
			bench_ready();
		CHECK(bench_ask(dialogues[i].send, COMMIT_TICKS, reply));
		CHECK(strcmp(reply, dialogues[i].reply) == 0);
	}
}

static void refusals_change_nothing(void)
{
	char reply[REPLY_MAX];

	bench_ready();
	for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
		struct settings before = settings;
		struct more rest = more;

		CHECK(bench_ask(refusals[i].send, REPLY_TICKS, reply));
		CHECK(strcmp(reply, refusals[i].reply) == 0);
		CHECK(memcmp(&before, &settings, sizeof(settings)) == 0 && sensor_counter[1] == 0);
		CHECK(memcmp(&rest, &more, sizeof(more)) == 0);
	}
}

/* Whatever number of bytes a master stops after, its next message is understood. */
static void masters_may_stop_anywhere(void)
{
	static const char EXCHANGE[] =
		"lgd30.u41\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0";
	char reply[REPLY_MAX];

	for (size_t n = 0; n < sizeof(EXCHANGE); n++) {
		bench_ready();
		for (size_t i = 0; i < n; i++) {
			link_byte((uint8_t)EXCHANGE[i]);
			bench_run(i > 6);
		}
		while (ring_count(&link.to_uart))
			ring_get(&link.to_uart);
		CHECK(bench_ask("lgs2e.", REPLY_TICKS, reply));
		CHECK(strcmp(reply, "gs0201") == 0);
	}
}

/* A delta is sent again until its reply was read to the end. */
static void lost_replies_lose_no_delta(void)
{
	char first[REPLY_MAX], second[REPLY_MAX];

	bench_ready();
	CHECK(bench_ask("lgd30.", REPLY_TICKS, first));
	inputs.pulse[0].count++;
	bench_run(20);
	for (const char *at = "lgd30."; *at; at++)
		link_byte((uint8_t)*at);
	link_byte(0);
	link_byte(0);
	bench_run(REPLY_TICKS);
	for (int i = 0; i < 20; i++)
		link_byte(0); /* stops before the end */
	inputs.pulse[1].count++;
	bench_run(20);
	CHECK(bench_ask("lgd30.", REPLY_TICKS, second));
	CHECK(strlen(second) == 2 + 2 * 18);
	CHECK(strncmp(second + 2, "0300000001", 10) == 0 &&
	      strncmp(second + 20, "0400000001", 10) == 0);
	CHECK(bench_ask("lgd30.", REPLY_TICKS, second));
	CHECK(strcmp(second, "gd") == 0);
}

/* The form is a setting; the hardware version does not change it. */
static void deltas_have_the_form_that_was_set(void)
{
	static const struct {
		const char *send;
		size_t digits;
	} STEPS[] = {
		{ "lga0f.", FORM_SHORT },       { "lsa16a4.", FORM_LONG },
		{ "lsh0002008a.", FORM_LONG },  { "lsa12c5.", FORM_SHORT },
		{ "lsh000201d4.", FORM_SHORT },
	};
	char reply[REPLY_MAX];

	bench_ready();
	for (size_t i = 0; i < sizeof(STEPS) / sizeof(STEPS[0]); i++) {
		CHECK(bench_ask(STEPS[i].send, REPLY_TICKS, reply));
		bench_run(TICKS_PER_S);
		CHECK(bench_ask("lgd30.", REPLY_TICKS, reply));
		CHECK(strlen(reply) == 2 + 3 * STEPS[i].digits);
	}
}

/* The board still answers after random bytes and damaged messages. */
static void noise_is_survived(void)
{
	static const char ALPHABET[] = "lllu..gscdpmfwbethz0123456789abcdef\0\0";
	char reply[REPLY_MAX];

	srand(7);
	bench_ready();
	for (int round = 0; round < 20000; round++) {
		int length = rand() % 40;

		for (int i = 0; i < length; i++)
			link_byte((uint8_t)(rand() % 8
						    ? ALPHABET[rand() % (int)(sizeof(ALPHABET) - 1)]
						    : rand()));
		bench_run(1);
		if (round % 50)
			continue;
		while (ring_count(&link.to_uart))
			ring_get(&link.to_uart);
		CHECK(bench_ask("lgs2e.", REPLY_TICKS, reply));
		CHECK(strcmp(reply, "gs0201") == 0);
	}
}

int main(void)
{
	vectors_hold();
	refusals_change_nothing();
	masters_may_stop_anywhere();
	lost_replies_lose_no_delta();
	deltas_have_the_form_that_was_set();
	noise_is_survived();
	puts("bus: ok");
	return 0;
}
