/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Control commands for the board: inputs, supply, bus, measurements. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bus.h"
#include "../shared/command.h"
#include "control.h"

static const double WATT_MAX = 1e6;
static const uint64_t PULSE_US = 100000, WIDTH_US = 30000;

enum {
	SUPPLY_MAX_MV = 20000,
	PULSES_MAX = 1000000000,
	PERIOD_MAX_US = 1000000000,
};

static bool index_of(struct call *call, uint64_t count, int *k)
{
	uint64_t n;

	if (!command_u64(call->arg[0], count - 1, &n)) {
		reply(call, "err bad index");
		return false;
	}
	*k = (int)n;
	return true;
}

static void do_clamp(struct call *call)
{
	int k;
	double watt;

	if (!index_of(call, CLAMPS, &k))
		return;
	if (strcmp(call->arg[1], "trace") == 0) {
		clamps_release(call->sim->board, k);
	} else if (command_decimal(call->arg[1], WATT_MAX, &watt)) {
		clamps_hold(call->sim->board, k, watt);
	} else {
		reply(call, "err bad power");
		return;
	}
	reply(call, "ok");
}

static void do_energy(struct call *call)
{
	struct board *b = call->sim->board;

	reply(call, "ok %.9f %.9f %.9f", clamps_energy_wh(b, 0), clamps_energy_wh(b, 1),
	      clamps_energy_wh(b, 2));
}

static void do_pulse(struct call *call)
{
	int k;
	uint64_t n, period = PULSE_US, width = WIDTH_US;

	if (!index_of(call, INPUTS, &k))
		return;
	bool good = command_u64(call->arg[1], PULSES_MAX, &n) && n > 0;

	if (good && call->args > 2) {
		good = command_u64(call->arg[2], PERIOD_MAX_US, &period) && period > 1;
		width = period * WIDTH_US / PULSE_US;
	}
	if (good && call->args > 3)
		good = command_u64(call->arg[3], PERIOD_MAX_US, &width);
	if (!good || width == 0 || width >= period) {
		reply(call, "err bad pulse");
	} else if (!input_room(call->sim->board, k)) {
		reply(call, "err queue full");
	} else {
		input_pulses(call->sim->board, k, n, period * 1000, width * 1000);
		reply(call, "ok");
	}
}

static void do_edges(struct call *call)
{
	int k;
	double us;

	if (!index_of(call, INPUTS, &k))
		return;
	for (int i = 1; i < call->args; i++) {
		if (!command_decimal(call->arg[i], PERIOD_MAX_US, &us)) {
			reply(call, "err bad distance");
			return;
		}
	}
	if (input_room(call->sim->board, k) < (size_t)call->args - 1) {
		reply(call, "err queue full");
		return;
	}
	for (int i = 1; i < call->args; i++) {
		command_decimal(call->arg[i], PERIOD_MAX_US, &us);
		input_edge(call->sim->board, k, (uint64_t)(us * 1000));
	}
	reply(call, "ok");
}

static void do_level(struct call *call)
{
	int k;
	uint64_t level;

	if (!index_of(call, INPUTS, &k))
		return;
	if (!command_u64(call->arg[1], 1, &level)) {
		reply(call, "err bad level");
		return;
	}
	input_level(call->sim->board, k, level != 0);
	reply(call, "ok");
}

static void do_supply(struct call *call)
{
	uint64_t mv;

	if (!command_u64(call->arg[0], SUPPLY_MAX_MV, &mv)) {
		reply(call, "err bad voltage");
		return;
	}
	comparator_supply(call->sim->board, (uint32_t)mv);
	reply(call, "ok");
}

static void do_cut(struct call *call)
{
	board_cut(call->sim->board);
	reply(call, "ok");
}

static void do_power(struct call *call)
{
	board_power(call->sim->board);
	reply(call, "ok");
}

static bool stage_of(const char *s, enum cut_stage *stage, uint8_t *value)
{
	*stage = CUT_NONE;
	if (strcmp(s, "before") == 0)
		*stage = CUT_BEFORE;
	else if (strcmp(s, "erased") == 0)
		*stage = CUT_ERASED;
	else if (strcmp(s, "written") == 0)
		*stage = CUT_WRITTEN;
	else if (strcmp(s, "middle") == 0)
		*stage = CUT_MIDDLE;
	else if (strncmp(s, "half:", 5) == 0 && command_hex(s + 5, value, 1) == 1)
		*stage = CUT_HALF;
	return *stage != CUT_NONE;
}

static void do_cut_at(struct call *call)
{
	uint64_t n;
	enum cut_stage stage;
	uint8_t value = 0;

	if (!command_u64(call->arg[0], UINT32_MAX, &n) || n == 0 ||
	    !stage_of(call->arg[1], &stage, &value)) {
		reply(call, "err bad operation or stage");
		return;
	}
	eeprom_cut_at(call->sim->board, n, stage, value);
	reply(call, "ok");
}

static void do_reset(struct call *call)
{
	board_reset(call->sim->board);
	reply(call, "ok");
}

static void do_hang(struct call *call)
{
	reply(call, board_hang(call->sim->board) ? "ok"
						 : "err no power, or no endless loop in the image");
}

static void do_spi(struct call *call)
{
	struct client *c = call->client;
	uint64_t gap = 250;
	long n = command_hex(call->arg[0], c->mosi, sizeof(c->mosi));

	if (n < 0 || (call->args > 1 && !command_u64(call->arg[1], UINT16_MAX, &gap))) {
		reply(call, "err bad bytes or gap");
		return;
	}
	c->count = (uint16_t)n;
	c->gap_us = (uint16_t)gap;
	c->by_command = true;
	bus_queue(call->sim, c);
}

static void do_uart_send(struct call *call)
{
	uint8_t bytes[COMMAND_LINE / 2];
	long n = command_hex(call->arg[0], bytes, sizeof(bytes));

	if (n < 0) {
		reply(call, "err bad bytes");
	} else if ((size_t)n > uart_send_room(call->sim->board)) {
		reply(call, "err queue full");
	} else {
		uart_send(call->sim->board, bytes, (size_t)n);
		reply(call, "ok");
	}
}

static void do_uart_sent(struct call *call)
{
	uint8_t bytes[UART_QUEUE];

	reply_hex(call, bytes, uart_ring_take(&call->sim->board->uart.sent, bytes, sizeof(bytes)));
}

static void do_pins(struct call *call)
{
	const struct board *b = call->sim->board;

	reply(call, "ok led=%d rs485=%d power=%d pulse0=%d pulse1=%d", board_led(b), board_rs485(b),
	      b->powered, b->inputs.input[0].level, b->inputs.input[1].level);
}

static void do_isr(struct call *call)
{
	struct board *b = call->sim->board;
	const struct probe *p = &b->probe;
	char text[PROBE_VECTORS * 40] = "";
	size_t len = 0;

	if (call->args) {
		if (strcmp(call->arg[0], "clear")) {
			reply(call, "err bad argument");
			return;
		}
		probe_clear(b);
		reply(call, "ok");
		return;
	}
	for (int i = 1; i < PROBE_VECTORS; i++) {
		if (p->runs[i])
			len += (size_t)snprintf(text + len, sizeof(text) - len, "%s=%" PRIu64 " ",
						probe_name(i), p->longest[i]);
	}
	reply(call,
	      "ok %soff=%" PRIu64 " off_pc=0x%" PRIx32 " stack=%d busy=%" PRIu64 " slept=%" PRIu64,
	      text, p->longest_off, p->longest_off_pc, b->avr->ramend - p->lowest_sp,
	      p->busy_cycles, p->slept_cycles);
}

static void do_stats(struct call *call)
{
	const struct board *b = call->sim->board;

	reply(call,
	      "ok power_ons=%" PRIu64 " resets=%" PRIu64 " crashes=%" PRIu64 " watchdog=%" PRIu64
	      " falls0=%" PRIu64 " falls1=%" PRIu64 " samples=%" PRIu64 ",%" PRIu64 ",%" PRIu64,
	      b->power_ons, b->resets, b->crashes, b->watchdog.fired, b->inputs.input[0].falls,
	      b->inputs.input[1].falls, b->adc.samples[0], b->adc.samples[1], b->adc.samples[2]);
}

const struct command BOARD_COMMANDS[] = {
	{ "clamp", 2, 2, do_clamp },
	{ "energy", 0, 0, do_energy },
	{ "pulse", 2, 4, do_pulse },
	{ "edges", 2, 1025, do_edges },
	{ "level", 2, 2, do_level },
	{ "supply", 1, 1, do_supply },
	{ "cut", 0, 0, do_cut },
	{ "power", 0, 0, do_power },
	{ "cut-at", 2, 2, do_cut_at },
	{ "reset", 0, 0, do_reset },
	{ "hang", 0, 0, do_hang },
	{ "spi", 1, 2, do_spi },
	{ "uart-send", 1, 1, do_uart_send },
	{ "uart-sent", 0, 0, do_uart_sent },
	{ "pins", 0, 0, do_pins },
	{ "isr", 0, 1, do_isr },
	{ "stats", 0, 0, do_stats },
	{ 0 },
};
