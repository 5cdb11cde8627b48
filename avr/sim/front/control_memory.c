/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Control commands for the board's RAM and EEPROM. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../shared/command.h"
#include "control.h"

enum {
	SYMBOL_MAX = 1024, /* all of the RAM */
	COUNTERS = 6,
};

/*
 * Reads a name that is an address in hex with 0x, for firmware without symbols. Returns NULL if it
 * is none.
 */
static const struct symbol *place(const char *name)
{
	static struct symbol at;
	char *end;
	unsigned long addr;

	if (strncmp(name, "0x", 2) != 0)
		return NULL;
	addr = strtoul(name + 2, &end, 16);
	if (*end || addr > UINT16_MAX)
		return NULL;
	at.addr = (uint16_t)addr;
	at.size = SYMBOL_MAX;
	return &at;
}

/* Reads a symbol's RAM. Returns false after it has answered with an error. */
static bool read_symbol(struct call *call, const char *name, uint8_t *out, size_t len)
{
	const struct symbol *s = symbols_find(&call->sim->board->symbols, name);

	if (!s)
		s = place(name);
	if (!s)
		reply(call, "err no symbol %.64s", name);
	else if (!call->sim->board->powered)
		reply(call, "err no power");
	else if (len > s->size || !board_read_ram(call->sim->board, s->addr, out, len))
		reply(call, "err the symbol is shorter");
	else
		return true;
	return false;
}

static uint32_t u32(const uint8_t *p)
{
	return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

/* The UART board has four sensors. */
static void do_counters(struct call *call)
{
	const struct symbol *at = symbols_find(&call->sim->board->symbols, "sensor_counter");
	size_t count = at && at->size < 4 * COUNTERS ? at->size / 4u : COUNTERS, len = 2;
	uint8_t r[4 * COUNTERS];
	char text[16 * COUNTERS] = "ok";

	if (!read_symbol(call, "sensor_counter", r, 4 * count))
		return;
	for (size_t i = 0; i < count; i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len, " %" PRIu32,
					u32(r + 4 * i));
	reply(call, "%s", text);
}

static void do_symbol(struct call *call)
{
	uint8_t ram[SYMBOL_MAX];
	uint64_t len;

	if (!command_u64(call->arg[1], SYMBOL_MAX, &len) || len == 0)
		reply(call, "err bad length");
	else if (read_symbol(call, call->arg[0], ram, (size_t)len))
		reply_hex(call, ram, (size_t)len);
}

static void do_eeprom(struct call *call)
{
	struct board *b = call->sim->board;
	uint8_t image[EEPROM_BYTES];

	if (call->args) {
		if (command_hex(call->arg[0], image, sizeof(image)) != EEPROM_BYTES) {
			reply(call, "err expected 512 bytes of hex");
			return;
		}
		if (b->powered && b->started) {
			reply(call, "err the board has power");
			return;
		}
		memcpy(b->eeprom.cells, image, sizeof(image));
	}
	reply_hex(call, b->eeprom.cells, EEPROM_BYTES);
}

static void do_eeprom_ops(struct call *call)
{
	const struct eeprom_model *e = &call->sim->board->eeprom;

	reply(call, "ok %" PRIu64 " %" PRIu64 " %" PRIu64, e->ops, e->erased, e->written);
}

static void do_eeprom_wear(struct call *call)
{
	const struct eeprom_model *e = &call->sim->board->eeprom;
	int worst = 0;

	for (int i = 1; i < EEPROM_BYTES; i++) {
		if (e->wear[i] > e->wear[worst])
			worst = i;
	}
	reply(call, "ok %" PRIu32 " %d", e->wear[worst], worst);
}

const struct command MEMORY_COMMANDS[] = {
	{ "counters", 0, 0, do_counters },       { "symbol", 2, 2, do_symbol },
	{ "eeprom", 0, 1, do_eeprom },           { "eeprom-ops", 0, 0, do_eeprom_ops },
	{ "eeprom-wear", 0, 0, do_eeprom_wear }, { 0 },
};
