/* SPDX-License-Identifier: GPL-3.0-or-later */
/* docs/contributing/simulator.md describes the options. */
#include "options.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "../shared/command.h"

static const char USAGE[] =
	"usage: fluksosim --hex FILE [--board spi|uart] [--listen "
	"unix:PATH|tcp:HOST:PORT|tty:PATH]...\n"
	"                 [--control unix:PATH|tcp:HOST:PORT]... [--trace FILE.csv] [--speed "
	"N|max|0]\n"
	"                 [--wall UNIX_S] [--catch-up] [--eeprom FILE] [--elf FILE] [--uart "
	"pty:LINK]\n"
	"                 [--clamp VOLT:AMPERE]... [--seed N] [--die-with-parent]\n";

static const double WALL_MAX_S = 4e9, VOLT_MAX = 1000, AMPERE_MAX = 2000;

static int fail(char *err, size_t err_len, const char *what, const char *arg)
{
	snprintf(err, err_len, "%s %s", what, arg);
	return -1;
}

bool options_speed(const char *s, double *out)
{
	if (strcmp(s, "max") == 0) {
		*out = SPEED_MAX;
		return true;
	}
	return command_decimal(s, SPEED_MAX, out);
}

static bool parse_clamp(struct options *o, const char *arg)
{
	char volt[16];
	const char *colon = strchr(arg, ':');
	size_t n = colon ? (size_t)(colon - arg) : 0;

	if (!colon || n >= sizeof(volt) || o->clamps == CLAMPS)
		return false;
	memcpy(volt, arg, n);
	volt[n] = '\0';
	double *c = o->clamp[o->clamps++];

	return command_decimal(volt, VOLT_MAX, &c[0]) &&
	       command_decimal(colon + 1, AMPERE_MAX, &c[1]) && c[0] > 0 && c[1] > 0;
}

static bool has_prefix(const char *s, const char *prefix)
{
	size_t n = strlen(prefix);

	return strncmp(s, prefix, n) == 0 && s[n];
}

static bool add_url(const char **list, int *n, const char *url, bool tty_too)
{
	if (*n == OPTION_URLS)
		return false;
	list[(*n)++] = url;
	return has_prefix(url, "unix:") || has_prefix(url, "tcp:") ||
	       (tty_too && has_prefix(url, "tty:"));
}

enum {
	O_HEX = 1,
	O_BOARD,
	O_LISTEN,
	O_CONTROL,
	O_TRACE,
	O_SPEED,
	O_WALL,
	O_CATCH_UP,
	O_EEPROM,
	O_ELF,
	O_UART,
	O_CLAMP,
	O_SEED,
	O_DIE,
	O_HELP
};

static bool parse_seed(struct options *o, const char *arg)
{
	uint64_t seed = 0;
	bool good = command_u64(arg, UINT32_MAX, &seed);

	o->seed = (uint32_t)seed;
	return good;
}

/* Applies one option. Returns false if its value is bad. */
static bool apply(struct options *o, int code, char *arg)
{
	switch (code) {
	case O_HEX:
		o->hex = arg;
		return true;
	case O_BOARD:
		o->kind = strcmp(arg, "uart") == 0 ? BOARD_UART : BOARD_SPI;
		return strcmp(arg, "uart") == 0 || strcmp(arg, "spi") == 0;
	case O_LISTEN:
		return add_url(o->listen, &o->listens, arg, true);
	case O_CONTROL:
		return add_url(o->control, &o->controls, arg, false);
	case O_TRACE:
		o->trace = arg;
		return true;
	case O_SPEED:
		return options_speed(arg, &o->speed);
	case O_WALL:
		o->wall_given = true;
		return command_decimal(arg, WALL_MAX_S, &o->wall_s);
	case O_CATCH_UP:
		o->catch_up = true;
		return true;
	case O_EEPROM:
		o->eeprom = arg;
		return true;
	case O_ELF:
		o->elf = arg;
		return true;
	case O_UART:
		o->pty_link = arg + 4;
		return has_prefix(arg, "pty:");
	case O_CLAMP:
		return parse_clamp(o, arg);
	case O_SEED:
		return parse_seed(o, arg);
	case O_DIE:
		o->die_with_parent = true;
		return true;
	case O_HELP:
		fputs(USAGE, stdout);
		exit(0);
	}
	return false;
}

int options_parse(struct options *o, int argc, char **argv, char *err, size_t err_len)
{
	static const struct option TABLE[] = {
		{ "hex", 1, NULL, O_HEX },       { "board", 1, NULL, O_BOARD },
		{ "listen", 1, NULL, O_LISTEN }, { "control", 1, NULL, O_CONTROL },
		{ "trace", 1, NULL, O_TRACE },   { "speed", 1, NULL, O_SPEED },
		{ "wall", 1, NULL, O_WALL },     { "catch-up", 0, NULL, O_CATCH_UP },
		{ "eeprom", 1, NULL, O_EEPROM }, { "elf", 1, NULL, O_ELF },
		{ "uart", 1, NULL, O_UART },     { "clamp", 1, NULL, O_CLAMP },
		{ "seed", 1, NULL, O_SEED },     { "die-with-parent", 0, NULL, O_DIE },
		{ "help", 0, NULL, O_HELP },     { NULL, 0, NULL, 0 },
	};
	int code;

	memset(o, 0, sizeof(*o));
	o->speed = 1;
	o->seed = 1;
	opterr = 0;
	while ((code = getopt_long(argc, argv, "", TABLE, NULL)) != -1) {
		if (code == '?')
			return fail(err, err_len, "unknown or incomplete option", argv[optind - 1]);
		if (!apply(o, code, optarg))
			return fail(err, err_len, "bad option value", optarg);
	}
	if (optind < argc)
		return fail(err, err_len, "unexpected argument", argv[optind]);
	if (!o->hex)
		return fail(err, err_len, "--hex is missing;", "see --help");
	return 0;
}
