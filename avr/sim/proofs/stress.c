/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "stress.h"

#include <stdio.h>

#include "../shared/random.h"

enum { LOW_MV = 4000, GOOD_MV = 5000, UART_BURST = 16 };

static uint32_t rnd(struct stress *s)
{
	return xorshift32(&s->random);
}

static void bounce(struct stress *s, struct rig *rig, int k)
{
	if (input_room(rig->board, k) < 40)
		return;
	for (int i = 0; i < 16; i++)
		input_edge(rig->board, k, (uint64_t)(rnd(s) % 200 + 2) * 1000);
}

static void load_inputs(struct stress *s, struct rig *rig)
{
	for (int k = 0; k < INPUTS; k++) {
		if (rig->board->inputs.input[k].count == 0)
			input_pulses(rig->board, k, 100, 10000000 + rnd(s) % 1000000, 5000000);
		if (rnd(s) % 8 == 0)
			bounce(s, rig, k);
	}
	for (int k = 0; k < CLAMPS; k++)
		clamps_hold(rig->board, k, rnd(s) % 12600);
}

static void load_uart(struct stress *s, struct rig *rig)
{
	uint8_t bytes[UART_BURST];

	for (int i = 0; i < UART_BURST; i++)
		bytes[i] = (uint8_t)rnd(s);
	uart_send(rig->board, bytes, rnd(s) % UART_BURST);
}

static void converse(struct stress *s, struct rig *rig)
{
	static const char *const ASK[] = {
		"gd", "gd", "gd",   "gc00", "gp",   "gm05", "gb",   "gw",
		"gh", "gs", "ge01", "gf02", "gx03", "gn04", "go03", "gv"
	};
	char reply[RIG_REPLY], text[32];
	const char *command = ASK[rnd(s) % (sizeof(ASK) / sizeof(ASK[0]))];
	double wait_ms = 20;

	switch (rnd(s) % 26) {
	case 0:
		command = "ct";
		wait_ms = 500;
		break;
	case 1:
		snprintf(text, sizeof(text), "sc%02x%08x", (unsigned)rnd(s) % 6, (unsigned)rnd(s));
		command = text;
		break;
	case 2:
		snprintf(text, sizeof(text), "sf%02x%04x", (unsigned)rnd(s) % 6,
			 (unsigned)rnd(s) % 1000);
		command = text;
		break;
	case 3:
		snprintf(text, sizeof(text), "sn%02x0005%04x", (unsigned)rnd(s) % 3 + 3,
			 (unsigned)rnd(s) % 80 + 1);
		command = text;
		break;
	case 4:
		snprintf(text, sizeof(text), "so%02x%04x", (unsigned)rnd(s) % 2 + 3,
			 (unsigned)rnd(s) % 200 + 20);
		command = text;
		break;
	}
	s->asked++;
	s->answered += rig_ask(rig, command, wait_ms, reply);
}

static void dip(struct stress *s, struct rig *rig)
{
	comparator_supply(rig->board, LOW_MV);
	rig_run_ms(rig, rnd(s) % 60 + 1);
	comparator_supply(rig->board, GOOD_MV);
	s->dips++;
}

void stress_run(struct stress *s, struct rig *rig, int seconds)
{
	uint64_t end = rig->board->now_ns + (uint64_t)seconds * 1000 * NS_PER_MS;

	if (!s->random)
		s->random = 1;
	while (rig->board->now_ns < end) {
		load_inputs(s, rig);
		load_uart(s, rig);
		converse(s, rig);
		if (rnd(s) % 40 == 0)
			dip(s, rig);
		rig_run_ns(rig, rnd(s) % 3000000);
	}
}
