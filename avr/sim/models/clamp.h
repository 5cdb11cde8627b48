/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The current clamps: watts over time, the exact energy, and what the ADC sees. */
#ifndef SIM_CLAMP_H
#define SIM_CLAMP_H

#include <stdbool.h>
#include <stdint.h>

#include "../shared/trace.h"

enum { CLAMPS = 3 };

struct clamp {
	double step_watt; /* one step of the ADC */
	double held_watt;
	double watt;         /* what flows now */
	bool held;           /* by command; else the trace's */
	long double watt_ns; /* energy up to since_ns */
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

/* Adds up what flowed until now; to be called before power or watts change. */
void clamps_settle(struct board *b);

void clamps_hold(struct board *b, int k, double watt);
void clamps_release(struct board *b, int k);

/* Exact energy in Wh since time 0, as far as the board had power. */
double clamps_energy_wh(struct board *b, int k);

/* The ADC's input in steps, ripple included. */
double clamps_steps(const struct board *b, int k, uint64_t now_ns);

#endif
