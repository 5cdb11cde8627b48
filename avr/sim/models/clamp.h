/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The current clamps: their power over time, exact energy, and the ADC's input. */
#ifndef SIM_CLAMP_H
#define SIM_CLAMP_H

#include <stdbool.h>
#include <stdint.h>

#include "../shared/trace.h"

enum { CLAMPS = 3 };

struct clamp {
	double step_watt; /* one ADC step in W */
	double held_watt;
	double watt;         /* the present power */
	bool held;           /* a command set held_watt; else the trace counts */
	long double watt_ns; /* energy up to since_ns, in W × ns */
};

struct clamps {
	struct clamp clamp[CLAMPS];
	const struct trace *trace; /* may be NULL: 0 W */
	uint64_t since_ns;
};

struct board;

void clamps_init(struct board *b, const struct trace *trace);
void clamps_set(struct board *b, int k, double volt, double ampere);
void clamps_event(struct board *b);

/* Adds up the energy until now. To be called before the supply or the watts change. */
void clamps_settle(struct board *b);

void clamps_hold(struct board *b, int k, double watt);
void clamps_release(struct board *b, int k);

/* Returns the exact energy in Wh since time 0, while the board had power. */
double clamps_energy_wh(struct board *b, int k);

/* Returns the ADC's input in steps, ripple included. */
double clamps_steps(const struct board *b, int k, uint64_t now_ns);

#endif
