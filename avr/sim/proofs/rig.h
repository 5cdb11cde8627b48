/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A board with the firmware on the bench: no sockets, driven by a proof's own code. */
#ifndef SIM_RIG_H
#define SIM_RIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../models/board.h"
#include "../shared/trace.h"

enum { RIG_SENSORS = 6, RIG_REPLY = 320 };

struct rig {
	struct board *board;
	uint16_t counters_at;                 /* of sensor_counter in RAM */
	void (*after_slice)(struct rig *rig); /* every RIG_SLICE_NS of rig_run(); may be NULL */
	void *user;
	struct trace trace; /* of the clamps, when one was asked for */
};

static const uint64_t RIG_SLICE_NS = 250000;
static const uint64_t NS_PER_MS = 1000000;

/*
 * Loads the image, its .elf and, unless trace is NULL, the clamps' watts (CSV); on any error says so and ends the program
 * with 2.
 */
void rig_init(struct rig *rig, const char *hex, const char *trace, uint32_t seed);

void rig_run_ns(struct rig *rig, uint64_t ns);
void rig_run_ms(struct rig *rig, double ms);

/* Clocks bytes, gap_us apart. */
void rig_transfer(struct rig *rig, const uint8_t *out, uint8_t *in, uint16_t count,
		  uint16_t gap_us);

/*
 * The historic router's dialogue: the message with two zeros, a wait, then zeros up to the one after the reply's end.
 * Returns true and the reply without CRC ("gc00…") when a whole one with a right CRC came.
 */
bool rig_ask(struct rig *rig, const char *command, double wait_ms, char reply[RIG_REPLY]);

/* Asks; true when the reply is the wanted one. */
bool rig_set(struct rig *rig, const char *command, double wait_ms);

/* rig_set() that must succeed: else says so and ends the program with 2. `ct` is given the time that it needs. */
void rig_command(struct rig *rig, const char *command);

/* Gives both pulse inputs that hold. */
void rig_holds(struct rig *rig, int hold_10_us);

/* Six sensors on six ports, all enabled, clamps of 50 A, 1 Wh a pulse and a hold of 1 ms, committed; the board has run for seconds then. */
void rig_set_up(struct rig *rig);

/* The counters in RAM just now; they may be in the middle of a change. */
void rig_counters(const struct rig *rig, uint32_t out[RIG_SENSORS]);

/* A settled reading: rig_counters() that stays the same over a slice; false when it never does. */
bool rig_settled(struct rig *rig, uint32_t out[RIG_SENSORS]);

#endif
