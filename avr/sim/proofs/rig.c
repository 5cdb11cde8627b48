/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../shared/command.h"
#include "../shared/crc8.h"
#include "../models/files.h"

enum {
	GAP_US = 250,
	READ_MAX = 400,
	SETTLE_SLICES = 400,
	REPLY_MS = 20,   /* the historic router waits this long for a reply */
	COMMIT_MS = 500, /* and this long for the reply to `ct` */
	START_MS = 3000,
	SETTLE_MS = 1000, /* until everything is recorded and the next slots are erased */
	HOLD_10_US = 100, /* 1 ms: the proofs send short pulses */
	FIRST_PULSE_PORT = 3
};

static uint8_t flash[FLASH_BYTES];

static void die(const char *what)
{
	fprintf(stderr, "%s\n", what);
	exit(2);
}

void rig_init(struct rig *rig, const char *hex, const char *trace, uint32_t seed)
{
	struct board_config config = { .kind = BOARD_SPI, .flash = flash, .seed = seed };
	char err[512], elf[1024];

	memset(rig, 0, sizeof(*rig));
	if (trace) {
		if (files_trace(trace, &rig->trace, err, sizeof(err)))
			die(err);
		config.trace = &rig->trace;
	}
	if (files_flash(hex, flash, &config.flash_len, err, sizeof(err)) ||
	    files_eeprom(NULL, &config.eeprom, err, sizeof(err)))
		die(err);
	rig->board = board_new(&config);
	if (!rig->board)
		die("this simavr has no ATmega168");
	if (!files_elf_name(hex, elf, sizeof(elf)) ||
	    symbols_load(&rig->board->symbols, elf, err, sizeof(err)))
		die("the image's .elf cannot be read");
	const struct symbol *s = symbols_find(&rig->board->symbols, "sensor_counter");

	if (!s)
		die("the firmware has no sensor_counter");
	rig->counters_at = s->addr;
}

void rig_run_ns(struct rig *rig, uint64_t ns)
{
	uint64_t to = rig->board->now_ns + ns;

	while (rig->board->now_ns < to) {
		uint64_t next = rig->after_slice ? rig->board->now_ns + RIG_SLICE_NS : to;

		board_run_to(rig->board, next < to ? next : to);
		if (rig->after_slice)
			rig->after_slice(rig);
	}
}

void rig_run_ms(struct rig *rig, double ms)
{
	rig_run_ns(rig, (uint64_t)(ms * (double)NS_PER_MS));
}

void rig_transfer(struct rig *rig, const uint8_t *out, uint8_t *in, uint16_t count, uint16_t gap_us)
{
	spi_start(rig->board, out, in, count, gap_us);
	while (spi_active(rig->board)) {
		board_run_to(rig->board, spi_end_ns(rig->board));
		if (rig->after_slice)
			rig->after_slice(rig);
	}
}

static uint8_t read_byte(struct rig *rig)
{
	static const uint8_t ZERO;
	uint8_t in;

	rig_transfer(rig, &ZERO, &in, 1, GAP_US);
	return in;
}

static size_t compose(const char *command, uint8_t out[64])
{
	size_t n = strlen(command);

	return (size_t)snprintf((char *)out, 64, "l%s%02x.", command,
				crc8((const uint8_t *)command, n)) +
	       2;
}

/* Turns "lgc…CC.u…" into "gc…". Returns false if the form or the CRC is wrong. */
static bool unpack(char *text)
{
	char *dot = strchr(text, '.'), digits[3];
	uint8_t crc;

	if (text[0] != 'l' || !dot || dot - text < 5)
		return false;
	memcpy(digits, dot - 2, 2);
	digits[2] = '\0';
	if (command_hex(digits, &crc, 1) != 1)
		return false;
	dot[-2] = '\0';
	if (crc8((uint8_t *)text + 1, strlen(text + 1)) != crc)
		return false;
	memmove(text, text + 1, strlen(text));
	return true;
}

bool rig_ask(struct rig *rig, const char *command, double wait_ms, char reply[RIG_REPLY])
{
	uint8_t out[64] = { 0 }, in[64];
	int got = 0;

	rig_transfer(rig, out, in, (uint16_t)compose(command, out), GAP_US);
	rig_run_ms(rig, wait_ms);
	for (int i = 0; i < READ_MAX; i++) {
		uint8_t c = read_byte(rig);

		if (c == 0 && got)
			break;
		if (c && got < RIG_REPLY - 1)
			reply[got++] = (char)c;
	}
	reply[got] = '\0';
	read_byte(rig);
	return unpack(reply);
}

bool rig_set(struct rig *rig, const char *command, double wait_ms)
{
	char reply[RIG_REPLY];

	return rig_ask(rig, command, wait_ms, reply) &&
	       strncmp(reply, command, strlen(command)) == 0;
}

void rig_command(struct rig *rig, const char *command)
{
	if (rig_set(rig, command, strcmp(command, "ct") ? REPLY_MS : COMMIT_MS))
		return;
	fprintf(stderr, "the board refuses %s\n", command);
	exit(2);
}

void rig_holds(struct rig *rig, int hold_10_us)
{
	char text[32];

	for (int k = 0; k < INPUTS; k++) {
		snprintf(text, sizeof(text), "so%02x%04x", FIRST_PULSE_PORT + k,
			 (unsigned)hold_10_us);
		rig_command(rig, text);
	}
}

void rig_set_up(struct rig *rig)
{
	char text[32];

	rig_run_ms(rig, START_MS);
	rig_command(rig, "sp000102030405");
	for (int i = 0; i < RIG_SENSORS; i++) {
		snprintf(text, sizeof(text), "se%02x01", i);
		rig_command(rig, text);
		snprintf(text, sizeof(text), "sm%02x%04x", i, i < CLAMPS ? 5163 : 1);
		rig_command(rig, text);
		snprintf(text, sizeof(text), "sf%02x%04x", i, i < CLAMPS ? 500 : 0);
		rig_command(rig, text);
	}
	rig_holds(rig, HOLD_10_US);
	rig_command(rig, "ct");
	rig_run_ms(rig, SETTLE_MS);
}

void rig_counters(const struct rig *rig, uint32_t out[RIG_SENSORS])
{
	memcpy(out, rig->board->avr->data + rig->counters_at, RIG_SENSORS * sizeof(uint32_t));
}

bool rig_settled(struct rig *rig, uint32_t out[RIG_SENSORS])
{
	uint32_t again[RIG_SENSORS];

	for (int i = 0; i < SETTLE_SLICES; i++) {
		rig_counters(rig, out);
		rig_run_ns(rig, RIG_SLICE_NS);
		rig_counters(rig, again);
		if (memcmp(out, again, sizeof(again)) == 0)
			return true;
	}
	return false;
}
