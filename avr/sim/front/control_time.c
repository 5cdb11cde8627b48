/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Control commands for time, drivers and the program itself. */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "clock.h"
#include "../shared/command.h"
#include "control.h"
#include "drivers.h"
#include "options.h"

static const double WALL_MAX_S = 4e9;
static const uint64_t TIME_MAX_US = 4000000000000000; /* 126 years */

static void do_time(struct call *call)
{
	drivers_send_time(call->sim, call->client);
}

static void do_cycles(struct call *call)
{
	reply(call, "ok %" PRIu64, (uint64_t)call->sim->board->avr->cycle);
}

static void do_speed(struct call *call)
{
	struct clock *c = &call->sim->clock;
	double old = c->speed, wanted;

	if (call->args) {
		if (!options_speed(call->arg[0], &wanted)) {
			reply(call, "err bad speed");
			return;
		}
		clock_speed(c, wanted, call->sim->board->now_ns, call->real_now);
	}
	if (old >= SPEED_MAX)
		reply(call, "ok max");
	else
		reply(call, "ok %g", old);
}

static void do_wall(struct call *call)
{
	double s;

	if (!command_decimal(call->arg[0], WALL_MAX_S, &s)) {
		reply(call, "err bad time");
		return;
	}
	clock_set_wall(&call->sim->clock, llround(s * 1e6) * 1000, call->sim->board->now_ns);
	reply(call, "ok");
}

static void do_ntp(struct call *call)
{
	static const char *const WORDS[] = { "unknown", "0", "1" };

	for (unsigned int i = 0; i < sizeof(WORDS) / sizeof(WORDS[0]); i++) {
		if (strcmp(call->arg[0], WORDS[i]) == 0) {
			call->sim->clock.ntp = (enum clock_ntp)i;
			reply(call, "ok");
			return;
		}
	}
	reply(call, "err bad word");
}

static void do_join(struct call *call)
{
	call->client->driver = true;
	reply(call, "ok");
}

static void do_leave(struct call *call)
{
	call->client->driver = false;
	reply(call, "ok");
}

static void wait_until(struct call *call, uint64_t ns)
{
	call->client->waiting = true;
	call->client->until_ns = ns;
	drivers_answer(call->sim);
}

static void do_until(struct call *call)
{
	uint64_t us;

	if (!command_u64(call->arg[0], TIME_MAX_US, &us))
		reply(call, "err bad time");
	else
		wait_until(call, us * 1000);
}

static void do_advance(struct call *call)
{
	double s;

	if (!command_decimal(call->arg[0], WALL_MAX_S, &s))
		reply(call, "err bad time");
	else
		wait_until(call, call->sim->board->now_ns + (uint64_t)llround(s * 1e9));
}

static void do_quit(struct call *call)
{
	call->sim->quit = true;
	reply(call, "ok");
}

const struct command TIME_COMMANDS[] = {
	{ "time", 0, 0, do_time },
	{ "cycles", 0, 0, do_cycles },
	{ "speed", 0, 1, do_speed },
	{ "wall", 1, 1, do_wall },
	{ "join", 0, 0, do_join },
	{ "leave", 0, 0, do_leave },
	{ "until", 1, 1, do_until },
	{ "advance", 1, 1, do_advance },
	{ "ntp", 1, 1, do_ntp },
	{ "quit", 0, 0, do_quit },
	{ 0 },
};
