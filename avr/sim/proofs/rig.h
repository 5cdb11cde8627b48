/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A board with the firmware, without sockets, that a proof's own code drives. */
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
	uint16_t counters_at;                 /* where sensor_counter lies in RAM */
	void (*after_slice)(struct rig *rig); /* every RIG_SLICE_NS of rig_run(); may be NULL */
	void *user;
	struct trace trace; /* of the clamps, if rig_init() was given one */
};

static const uint64_t RIG_SLICE_NS = 250000;
static const uint64_t NS_PER_MS = 1000000;

/*
 * Loads the image, its .elf and, unless trace is NULL, the clamps' watts (CSV). Ends the program
 * with 2 and a message on any error.
 */
void rig_init(struct rig *rig, const char *hex, const char *trace, uint32_t seed);

void rig_run_ns(struct rig *rig, uint64_t ns);
void rig_run_ms(struct rig *rig, double ms);

/* Clocks bytes with gap_us between them. */
void rig_transfer(struct rig *rig, const uint8_t *out, uint8_t *in, uint16_t count,
		  uint16_t gap_us);

/*
 * Holds a dialogue like the historic router: sends the message and two zeros, waits, then sends
 * zeros until one after the reply's end. Returns true with the reply without its CRC ("gc00…") if
 * it is complete and its CRC is right.
 */
bool rig_ask(struct rig *rig, const char *command, double wait_ms, char reply[RIG_REPLY]);

/* Sends a set command. Returns true if the reply confirms it. */
bool rig_set(struct rig *rig, const char *command, double wait_ms);

/* Sends a command that must succeed, or ends the program with 2. Waits longer for `ct`. */
void rig_command(struct rig *rig, const char *command);

/* Sets the hold of both pulse inputs. */
void rig_holds(struct rig *rig, int hold_10_us);

/*
 * Sets up and commits six enabled sensors on six ports, clamps of 50 A, 1 Wh a pulse and holds of
 * 1 ms. The board runs for some seconds.
 */
void rig_set_up(struct rig *rig);

/* Copies the counters from RAM. They may be in the middle of a change. */
void rig_counters(const struct rig *rig, uint32_t out[RIG_SENSORS]);

/* Copies counters that do not change during a slice. Returns false if they never stop changing. */
bool rig_settled(struct rig *rig, uint32_t out[RIG_SENSORS]);

#endif
