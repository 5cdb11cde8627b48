/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * One ADC step is 0.0024 × 0.449 × volt × ampere W. A ripple one step wide sweeps evenly over each
 * second, so that fractions of a step average out.
 */
#include "clamp.h"

#include "board.h"

static const double STEP = 0.0024 * 0.449; /* W per volt and ampere */
static const double NS_PER_S = 1e9;
static const long double NS_PER_HOUR = 3.6e12L;
static const double DEFAULT_VOLT = 230, DEFAULT_AMPERE = 50;

void clamps_settle(struct board *b)
{
	struct clamps *c = &b->clamps;
	uint64_t now = b->now_ns;

	if (b->powered) {
		for (int k = 0; k < CLAMPS; k++)
			c->clamp[k].watt_ns +=
				(long double)c->clamp[k].watt * (long double)(now - c->since_ns);
	}
	c->since_ns = now;
}

static void apply(struct board *b)
{
	struct clamps *c = &b->clamps;
	const struct trace_row *row = NULL;
	uint64_t next = EVENT_NEVER;

	if (c->trace)
		row = trace_at(c->trace, b->now_ns, &next);
	clamps_settle(b);
	for (int k = 0; k < CLAMPS; k++) {
		struct clamp *cl = &c->clamp[k];

		cl->watt = cl->held ? cl->held_watt : row ? row->watt[k] : 0;
	}
	board_event(b, EVENT_CLAMPS, next);
}

void clamps_init(struct board *b, const struct trace *trace)
{
	b->clamps.trace = trace;
	for (int k = 0; k < CLAMPS; k++)
		clamps_set(b, k, DEFAULT_VOLT, DEFAULT_AMPERE);
	apply(b);
}

void clamps_set(struct board *b, int k, double volt, double ampere)
{
	b->clamps.clamp[k].step_watt = STEP * volt * ampere;
}

void clamps_event(struct board *b)
{
	apply(b);
}

void clamps_hold(struct board *b, int k, double watt)
{
	b->clamps.clamp[k].held = true;
	b->clamps.clamp[k].held_watt = watt;
	apply(b);
}

void clamps_release(struct board *b, int k)
{
	b->clamps.clamp[k].held = false;
	apply(b);
}

double clamps_energy_wh(struct board *b, int k)
{
	clamps_settle(b);
	return (double)(b->clamps.clamp[k].watt_ns / NS_PER_HOUR);
}

double clamps_steps(const struct board *b, int k, uint64_t now_ns)
{
	const struct clamp *c = &b->clamps.clamp[k];
	double ripple = (double)(now_ns % 1000000000) / NS_PER_S - 0.5;

	return c->watt / c->step_watt + ripple;
}
