/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Turns lines into commands. */
#include "control.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "../shared/command.h"

void reply(struct call *call, const char *format, ...)
{
	char text[CLIENT_ANSWER];
	va_list ap;

	va_start(ap, format);
	int n = vsnprintf(text, sizeof(text) - 1, format, ap);

	va_end(ap);
	if (n < 0)
		return;
	size_t len = (size_t)n < sizeof(text) - 2 ? (size_t)n : sizeof(text) - 2;

	text[len] = '\n';
	client_send(call->client, text, len + 1);
}

void reply_hex(struct call *call, const uint8_t *bytes, size_t len)
{
	char text[CLIENT_ANSWER - 8];

	if (2 * len >= sizeof(text)) {
		reply(call, "err too long");
		return;
	}
	command_to_hex(text, bytes, len);
	reply(call, len ? "ok %s" : "ok", text);
}

static const struct command *find(const char *name)
{
	static const struct command *const TABLES[] = { BOARD_COMMANDS, MEMORY_COMMANDS,
							TIME_COMMANDS };

	for (size_t i = 0; i < sizeof(TABLES) / sizeof(TABLES[0]); i++) {
		for (const struct command *c = TABLES[i]; c->name; c++) {
			if (strcmp(c->name, name) == 0)
				return c;
		}
	}
	return NULL;
}

static void execute(struct sim *sim, struct client *client, char *line, size_t len,
		    uint64_t real_now)
{
	char *word[COMMAND_WORDS];
	int words = command_split(line, len, word);
	struct call call = { .sim = sim,
			     .client = client,
			     .arg = word + 1,
			     .args = words - 1,
			     .real_now = real_now };

	if (words == 0)
		return;
	if (words < 0) {
		reply(&call, "err not a line of words");
		return;
	}
	const struct command *c = find(word[0]);

	if (!c)
		reply(&call, "err unknown command");
	else if (call.args < c->min_args || call.args > c->max_args)
		reply(&call, "err wrong number of arguments");
	else
		c->run(&call);
}

/* Takes no line while an answer is due or might not fit. */
static bool ready(const struct client *c)
{
	return c->used && !c->gone && c->kind == LINE_CONTROL && !c->waiting && !c->queued &&
	       !c->clocking && client_has_room(c);
}

static void drop_overlong(struct sim *sim, struct client *c)
{
	struct call call = { .sim = sim, .client = c };

	if (!c->overlong)
		reply(&call, "err line too long");
	c->overlong = true;
	c->line_len = 0;
}

static bool take_line(struct sim *sim, struct client *c, uint64_t real_now)
{
	char line[COMMAND_LINE];
	const char *eol = memchr(c->line, '\n', c->line_len);

	if (!eol) {
		if (c->line_len == sizeof(c->line))
			drop_overlong(sim, c);
		return false;
	}
	size_t len = (size_t)(eol - c->line), used = len + 1;
	bool skip = c->overlong;

	memcpy(line, c->line, len);
	c->line_len -= used;
	memmove(c->line, c->line + used, c->line_len);
	c->overlong = false;
	if (!skip)
		execute(sim, c, line, len, real_now);
	return true;
}

void control_take(struct sim *sim, uint64_t real_now)
{
	for (int i = 0; i < SERVER_CLIENTS; i++) {
		struct client *c = &sim->server.client[i];

		while (ready(c) && take_line(sim, c, real_now) && !sim->quit)
			;
	}
}
