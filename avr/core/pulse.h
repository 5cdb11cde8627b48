/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Debounces an S0 input: a level is accepted once it has lasted for the input's hold. */
#ifndef CORE_PULSE_H
#define CORE_PULSE_H

#include <stdbool.h>
#include <stdint.h>

#include "settings.h"

/* Converts a hold in 10 µs to timer units. */
#define PULSE_UNITS(hold) ((uint16_t)((uint32_t)(hold) * HOLD_UNITS / HOLD_WHOLE))

/*
 * Edges handled in two ticks. The input is masked then until the next beat, so that a storm of
 * edges cannot starve the rest.
 */
#define PULSE_EDGES_A_BEAT 6

#define PULSE_RESTARTED 0xff /* value of pulse.edges after a reset, until the first beat */

/* Lows in one bouncing of a contact. More are noise, which is counted at once. */
#define PULSE_BOUNCES_MAX 15

/*
 * State of one input. Only the edge and tick interrupts write it, and they never nest. The main
 * loop reads the low byte of count at any time, and the rest with interrupts off; with interrupts
 * off it also writes hold. The level outlives a reset, so a pulse during a reset counts once. At
 * power-on the level is low, so a pulse that began before does not count.
 */
struct pulse {
	uint16_t hold;      /* timer units */
	uint16_t edge_at;   /* time of the last edge, in timer units */
	uint16_t beat_at;   /* time of the last beat (pulse_beat()) */
	uint16_t last_tick; /* the tick of the last accepted pulse */
	uint16_t count;     /* accepted falling edges; wraps, the main loop takes differences */
	uint16_t former;    /* falling edges that HOLD_FORMER would have accepted */
	uint16_t lows;      /* lows that were too short, without the bounces of an accepted level */
	uint8_t pending;    /* short lows since an accepted level last stood; bounces or noise */
	uint8_t edges;      /* edges handled since the last beat */
	uint8_t raw;        /* level since the last edge, 0: low */
	uint8_t level;      /* last accepted level, 0: low */
	uint8_t old_level;  /* last level that HOLD_FORMER would have accepted */
	bool settled;       /* raw has been accepted */
};

/* Accepts raw, which has lasted long enough. */
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

/*
 * Handles an edge to this level. Returns true when the input is to be masked until the next beat.
 */
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

/*
 * Adapts to time and ticks that begin at 0 after a reset. A level goes on if the first beat finds
 * it unchanged.
 */
static inline void pulse_restart(struct pulse *pulse)
{
	pulse->edge_at = (uint16_t)(pulse->edge_at - pulse->beat_at);
	pulse->beat_at = 0;
	pulse->last_tick = 0;
	pulse->edges = PULSE_RESTARTED;
}

/*
 * Called in each second tick. Returns true when the input is to be unmasked. A masked input may
 * have missed edges, so its level has to last from now on. It stays masked while ticks are late, so
 * that a storm leaves time for everything else.
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
