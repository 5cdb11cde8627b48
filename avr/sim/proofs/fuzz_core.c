/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Runs libFuzzer on the core of the SPI board, built for the host under the sanitizers. Whatever
 * the bytes are, only the sound messages among them may change the settings, and the next complete
 * command must be answered.
 */
#include <stdlib.h>
#include <string.h>

#include "../../core/link.h"
#include "../../core/meter.h"
#include "../../core/settings.h"
#include "../../host/bench.h"
#include "oracle.h"

enum { BYTES_MAX = 200, REPLY_BYTES = 512, START_TICKS = 200, WAIT_TICKS = 60 };

static void look(struct oracle_state *s)
{
	memset(s, 0, sizeof(*s));
	s->watchdogs = settings.watchdogs;
	s->brownouts = settings.brownouts;
	for (uint8_t i = 0; i < ORACLE_SENSORS; i++) {
		s->constant[i] = settings_constant(i)->whole;
		s->fraction[i] = settings_constant(i)->fraction;
		s->counter[i] = sensor_counter[i];
	}
	for (uint8_t i = 0; i < ORACLE_EXACTS; i++) {
		s->unit[i] = more.exact[i].unit;
		s->pulses[i] = more.exact[i].pulses;
	}
	memcpy(s->hold, more.hold, sizeof(s->hold));
	s->form = more.form;
	memcpy(s->map, settings.map, sizeof(s->map));
	memcpy(s->enabled, settings.enabled, sizeof(s->enabled));
	memcpy(s->hardware, settings.hardware, sizeof(s->hardware));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Clocks the input's bytes over the wire; a 0x01 lets the board run for a while instead. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char reply[REPLY_BYTES];
	struct oracle_state before, after;
	struct oracle oracle;
	uint8_t sent[BYTES_MAX];
	size_t n = 0;

	if (size > BYTES_MAX)
		return -1;
	bench_blank();
	bench_power_on();
	bench_run(START_TICKS);
	look(&before);
	for (size_t i = 0; i < size; i++) {
		if (data[i] == 1) {
			bench_run(1 + i % 40);
			continue;
		}
		sent[n++] = data[i];
		link_byte(data[i]);
		if (i % 2)
			bench_run(1);
	}
	bench_run(WAIT_TICKS);
	oracle_scan(&oracle, sent, n);
	if (!bench_ask("lgs2e.", WAIT_TICKS, reply) || strncmp(reply, "gs", 2) != 0)
		abort();
	look(&after);
	if (!oracle_explains(&oracle, &before, &after))
		abort();
	return 0;
}
