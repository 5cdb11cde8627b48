/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Debouncing of an S0 input: a level counts once it has stood unchanged for the input's hold. */
#ifndef CORE_PULSE_H
#define CORE_PULSE_H

#include <stdbool.h>
#include <stdint.h>

#include "settings.h"

/* In timer units; of a hold in 10 µs. */
#define PULSE_UNITS(hold) ((uint16_t)((uint32_t)(hold) * HOLD_UNITS / HOLD_WHOLE))

/* Edges handled in two ticks; further ones wait for the next two, so that a storm cannot starve the rest. */
#define PULSE_EDGES_A_BEAT 6

#define PULSE_RESTARTED 0xff /* in their place: no edge was looked for since the last beat */

/* Lows that one closing or opening of a contact may bounce; what is more is noise, which need not wait for its end to be told. */
#define PULSE_BOUNCES_MAX 15

/*
 * State of one input. Written by the edge and the tick interrupt alone, which never nest; the main loop reads
 * the low byte of count, with interrupts off everything else, and writes hold then. The level outlives a reset, so that a pulse
 * which it hits counts once; at power-on it is low: what began before counts for nothing.
 */
struct pulse {
	uint16_t hold;      /* timer units */
	uint16_t edge_at;   /* time of the last edge, in timer units */
	uint16_t beat_at;   /* time of the last beat */
	uint16_t last_tick; /* the tick of the last accepted pulse */
	uint16_t count;     /* accepted falling edges; wraps, the main loop takes differences */
	uint16_t former;    /* those that HOLD_FORMER would have accepted */
	uint16_t lows;      /* lows that were too short and no bounces of an accepted level */
	uint8_t pending;    /* lows since an accepted level last stood */
	uint8_t edges;      /* edges handled since the last beat */
	uint8_t raw;        /* level since the last edge, 0: low */
	uint8_t level;      /* last accepted level, 0: low */
	uint8_t old_level;  /* the one that HOLD_FORMER has accepted */
	bool settled;       /* raw has been accepted */
};

/* raw has stood long enough. */
static inline void pulse_settle(struct pulse *pulse, uint16_t tick)
{
	pulse->settled = true;
	if (pulse->raw == pulse->level) {
		if (pulse->raw)
			pulse->lows = (uint16_t)(pulse->lows + pulse->pending);
		pulse->pending = 0;
		return;
	}
	pulse->pending = 0;
	pulse->level = pulse->raw;
	if (pulse->level)
		return;
	pulse->last_tick = tick;
	pulse->count++;
}

/* An edge to the given level; true when the input has had its share and is to be masked until the next beat. */
static inline bool pulse_edge(struct pulse *pulse, uint8_t level, uint16_t now, uint16_t tick)
{
	uint16_t stood = (uint16_t)(now - pulse->edge_at);

	if (pulse->settled || stood >= PULSE_UNITS(HOLD_FORMER)) {
		if (pulse->old_level != pulse->raw) {
			pulse->old_level = pulse->raw;
			if (!pulse->raw)
				pulse->former++;
		}
	}
	if (!pulse->settled && stood >= pulse->hold)
		pulse_settle(pulse, tick);
	if (!pulse->settled && !pulse->raw) {
		if (pulse->pending < PULSE_BOUNCES_MAX)
			pulse->pending++;
		else
			pulse->lows++;
	}
	pulse->edge_at = now;
	pulse->raw = level;
	pulse->settled = false;
	return ++pulse->edges >= PULSE_EDGES_A_BEAT;
}

/* After a reset: time and ticks begin at 0, and a level goes on standing if the first beat finds it again. */
static inline void pulse_restart(struct pulse *pulse)
{
	pulse->edge_at = (uint16_t)(pulse->edge_at - pulse->beat_at);
	pulse->beat_at = 0;
	pulse->last_tick = 0;
	pulse->edges = PULSE_RESTARTED;
}

/*
 * Each second tick; true when the input is to be unmasked. One that was masked may have missed edges: its level must stand
 * from now on. It stays masked as long as ticks are late, so that a storm leaves time for everything else.
 */
static inline bool pulse_beat(struct pulse *pulse, uint8_t level, uint16_t now, uint16_t tick,
			      bool late)
{
	pulse->beat_at = now;
	if (late && pulse->edges >= PULSE_EDGES_A_BEAT)
		return false;
	if (pulse->edges >= PULSE_EDGES_A_BEAT) {
		if (pulse->edges != PULSE_RESTARTED || pulse->raw != level) {
			pulse->edge_at = now;
			pulse->raw = level;
			pulse->settled = false;
		}
	}
	pulse->edges = 0;
	if (!pulse->settled && (uint16_t)(now - pulse->edge_at) >= pulse->hold)
		pulse_settle(pulse, tick);
	return true;
}

#endif
