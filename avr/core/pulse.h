/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Debouncing of an S0 input: a level counts once it has stood unchanged for PULSE_HOLD. */
#ifndef CORE_PULSE_H
#define CORE_PULSE_H

#include <stdbool.h>
#include <stdint.h>

#ifndef PULSE_HOLD_US
#define PULSE_HOLD_US 1000ul /* H of docs/firmware.md, 200 … 20000 µs */
#endif
#if PULSE_HOLD_US < 200 || PULSE_HOLD_US > 20000
#error "PULSE_HOLD_US is outside 200 … 20000"
#endif

/* Edges handled a tick; further ones wait for the next tick, so that a storm cannot starve the rest. */
#define PULSE_EDGES_A_TICK 4

/*
 * State of one input. Written by the edge and the tick interrupt alone, which never nest; the main loop reads
 * count (one byte) and last_tick (with interrupts off). The level outlives a reset, so that a pulse which it hits counts
 * once; at power-on it is low: what began before counts for nothing.
 */
struct pulse {
	uint16_t edge_at;       /* time of the last edge, in timer units */
	uint16_t last_tick;     /* the tick of the last accepted pulse */
	volatile uint8_t count; /* accepted falling edges; wraps, the main loop takes differences */
	uint8_t edges;          /* edges handled since the last tick */
	uint8_t raw;            /* level since the last edge, 0: low */
	uint8_t level;          /* last accepted level, 0: low */
	bool settled;           /* raw has been accepted */
};

/* Accepts the level when it stood for hold timer units. */
static inline void pulse_judge(struct pulse *pulse, uint16_t now, uint16_t hold, uint16_t tick)
{
	if (pulse->settled || (uint16_t)(now - pulse->edge_at) < hold)
		return;
	pulse->settled = true;
	if (pulse->raw == pulse->level)
		return;
	pulse->level = pulse->raw;
	if (pulse->level)
		return;
	pulse->last_tick = tick;
	pulse->count++;
}

/* An edge to the given level; true when the input has had its share and is to be masked until the next tick. */
static inline bool pulse_edge(struct pulse *pulse, uint8_t level, uint16_t now, uint16_t hold, uint16_t tick)
{
	pulse_judge(pulse, now, hold, tick);
	pulse->edge_at = now;
	pulse->raw = level;
	pulse->settled = false;
	return ++pulse->edges >= PULSE_EDGES_A_TICK;
}

/* Once a tick. An input that was masked may have missed edges: its level must stand from now on. */
static inline void pulse_tick(struct pulse *pulse, uint8_t level, uint16_t now, uint16_t hold, uint16_t tick)
{
	if (pulse->edges >= PULSE_EDGES_A_TICK) {
		pulse->edge_at = now;
		pulse->raw = level;
	}
	pulse_judge(pulse, now, hold, tick);
	pulse->edges = 0;
}

#endif
