/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Accounts each pulse and sample exactly once. The inputs' sums only grow; seen[] holds how far
 * they have been accounted. A sensor's state and its input's seen[] change together: the new values
 * are first written to an intent, then applied, then the intent is cleared. A reset at any
 * instruction leaves either the old state or a complete intent, which is applied again.
 */
#include "meter.h"

#include <stddef.h>
#include <string.h>

#include "crc.h"
#include "energy.h"
#include "flags.h"
#include "guard.h"
#include "journal.h"
#include "settings.h"

#define INTENT_COMPLETE 0xa5
#define MILLI_MAX 999

/*
 * A reset can tear the sum that the interrupt was writing. No true sum is this far ahead: it is
 * 16 s at full scale, and the watchdog acts long before.
 */
#define AHEAD_MAX 0x1000000ul

/* A sensor's state, besides its counter, that outlives a reset. */
struct kept {
	struct remainder rest;
	uint16_t crc; /* of the sensor's number, counter and remainder */
};

/* The new state of a sensor, from its computation until it is applied. */
struct intent {
	uint8_t complete; /* INTENT_COMPLETE, or anything else while it is being computed */
	uint8_t sensor;
	uint8_t port;  /* UNMAPPED when no input is involved */
	uint32_t seen; /* how far the input is accounted then */
	uint32_t counter;
	struct kept kept;
};

/* Bytes that the CRC covers: counter and remainder, which are adjacent. */
#define INTENT_SUMMED \
	(offsetof(struct intent, kept.rest.part) + 2 - offsetof(struct intent, counter))
_Static_assert(INTENT_SUMMED == 12, "the CRC would cover padding");

/* What a clamp measured in the present second. */
struct second {
	uint32_t sum;   /* of the accounted samples */
	uint16_t count; /* inputs.count when last accounted */
	uint16_t began; /* count as the second began */
};

uint32_t sensor_counter[SENSORS] NOINIT;

/* The rest of what outlives a reset. */
static struct {
	struct kept kept[SENSORS];
	struct intent intent;
	uint32_t seen[COUNTED_PORTS];
	struct second second[ANALOGS];
} live NOINIT;

struct inputs inputs NOINIT;
uint32_t sensor_extra[SENSORS];
uint32_t meter_ms;
uint16_t meter_ticks;
static uint8_t ms_part; /* how far meter_ms is behind meter_ticks, in 1/MS_WHOLE ms */

SHARED static uint16_t intent_crc(void)
{
	return crc16_block(CRC16_SEED ^ live.intent.sensor, &live.intent.counter, INTENT_SUMMED);
}

/* Begins an intent with the sensor's present state. */
SHARED static struct intent *intent_load(uint8_t sensor)
{
	struct intent *next = &live.intent;

	BASE(next);
	next->complete = 0;
	next->sensor = sensor;
	next->port = UNMAPPED;
	next->counter = sensor_counter[sensor];
	next->kept = live.kept[sensor];
	return next;
}

/* Passes a sensor's part of a Wh to the journal. With interrupts off. */
SHARED static void note_part(uint8_t sensor, uint16_t part, uint8_t pieces)
{
	for (uint8_t input = 0; input < PULSES; input++) {
		if (settings_sensor((uint8_t)(FIRST_PULSE_PORT + input)) == sensor)
			journal_note_part(input, part, pieces);
	}
}

SHARED static uint8_t pieces_of(uint8_t sensor, uint16_t part)
{
	struct step step;

	settings_step(sensor, &step);
	return energy_pieces(part, &step);
}

SHARED static void intent_apply(void)
{
	struct intent *next = &live.intent;
	uint16_t part;
	uint8_t pieces = 0, guard;
	bool other_part;

	BASE(next);
	part = next->kept.rest.part;
	other_part = live.kept[next->sensor].rest.part != part;
	if (other_part)
		pieces = pieces_of(next->sensor, part);
	guard = guard_enter();
	if (other_part)
		note_part(next->sensor, part, pieces);
	if (other_part || sensor_counter[next->sensor] != next->counter) {
		journal_note(next->sensor, next->counter);
		sensor_counter[next->sensor] = next->counter;
		flags.unsaved = true;
	}
	guard_leave(guard);
	live.kept[next->sensor] = next->kept;
	if (next->port < COUNTED_PORTS)
		live.seen[next->port] = next->seen;
	ORDER();
	next->complete = 0;
	ORDER();
}

SHARED static void intent_commit(void)
{
	live.intent.kept.crc = intent_crc();
	ORDER();
	live.intent.complete = INTENT_COMPLETE;
	ORDER();
	intent_apply();
}

void meter_set(uint8_t sensor, uint32_t counter, uint16_t part)
{
	struct intent *next = intent_load(sensor);

	next->counter = counter;
	next->kept.rest.nano = 0;
	next->kept.rest.pico = 0;
	next->kept.rest.part = part;
	intent_commit();
}

void meter_restore_part(uint8_t sensor, uint16_t part, bool in_ram)
{
	struct step step;

	settings_step(sensor, &step);
	if (in_ram)
		part = live.kept[sensor].rest.part;
	if (part >= step.per)
		part = 0; /* it belonged to settings that were never stored */
	if (part == live.kept[sensor].rest.part)
		return;
	intent_load(sensor)->kept.rest.part = part;
	intent_commit();
}

void meter_rescale(uint8_t sensor, uint16_t per)
{
	struct intent *next = intent_load(sensor);
	struct step step;

	settings_step(sensor, &step);
	if (step.per == per)
		return;
	next->kept.rest.part = (uint16_t)((uint32_t)next->kept.rest.part * step.per / per);
	intent_commit();
}

void meter_follow_settings(void)
{
	for (uint8_t input = 0; input < PULSES; input++) {
		uint8_t sensor = settings_sensor((uint8_t)(FIRST_PULSE_PORT + input));
		uint16_t part = sensor < SENSORS ? live.kept[sensor].rest.part : 0;
		uint8_t pieces = sensor < SENSORS ? pieces_of(sensor, part) : 0;
		uint16_t hold = PULSE_UNITS(settings_hold(input));
		uint8_t guard = guard_enter();

		inputs.pulse[input].hold = hold;
		journal_note_part(input, part, pieces);
		guard_leave(guard);
	}
}

uint8_t meter_start(bool keep)
{
	uint8_t sound = 0;

	if (keep) {
		if (live.intent.complete == INTENT_COMPLETE && live.intent.kept.crc == intent_crc())
			intent_apply();
		for (uint8_t i = 0; i < SENSORS; i++) {
			if (intent_load(i)->kept.crc == intent_crc())
				sound |= bit(i);
		}
	}
	if (!sound) {
		memset(&inputs, 0, sizeof(inputs));
		memset(&live, 0, sizeof(live));
		for (uint8_t input = 0; input < PULSES; input++)
			inputs.pulse[input].hold = PULSE_UNITS(HOLD_USUAL);
	}
	return sound;
}

SHARED static const struct pulse *pulse_of(uint8_t port)
{
	return port == FIRST_PULSE_PORT ? &inputs.pulse[0] : &inputs.pulse[1];
}

void meter_pulses(uint8_t input, struct meter_pulses *pulses)
{
	const struct pulse *pulse = &inputs.pulse[input];
	uint8_t guard = guard_enter();

	pulses->count = pulse->count;
	pulses->former = pulse->former;
	pulses->lows = pulse->lows;
	guard_leave(guard);
}

/* Returns how far an input is ahead of the accounting. */
static uint32_t ahead_of(uint8_t port, uint32_t seen)
{
	uint32_t ahead;
	uint8_t guard;

	if (port >= FIRST_PULSE_PORT)
		return (uint8_t)(*(const volatile uint8_t *)&pulse_of(port)->count - (uint8_t)seen);
	guard = guard_enter();
	ahead = inputs.sum[port] - seen;
	live.second[port].count = inputs.count[port];
	guard_leave(guard);
	return ahead;
}

void meter_tick(uint16_t tick)
{
	uint8_t ticks = (uint8_t)(tick - meter_ticks);
	uint16_t part;

	meter_ticks = tick;
	part = (uint16_t)(ms_part + ticks * MS_STEP);
	meter_ms += part / MS_WHOLE;
	ms_part = (uint8_t)(part % MS_WHOLE);
}

/* Returns the clock in ms at an input's last pulse. */
static uint32_t pulse_ms(const struct pulse *input)
{
	uint8_t guard = guard_enter();
	uint16_t ticks = (uint16_t)(meter_ticks - input->last_tick);

	guard_leave(guard);
	if ((int16_t)ticks < 0)
		ticks = 0; /* the pulse came after this pass had read the tick */
	return meter_ms - ticks * MS_STEP / MS_WHOLE;
}

SHARED static void increase(uint32_t *value, uint16_t by)
{
	*value += by;
}

/*
 * Adds what the input is ahead, at most ENERGY_SUM_MAX; the rest follows in later calls. Returns
 * true when there was a pulse or the counter moved.
 */
static bool add(struct intent *next, uint32_t ahead)
{
	const struct constant *constant = settings_constant(next->sensor);
	uint16_t now = ahead > ENERGY_SUM_MAX ? ENERGY_SUM_MAX : (uint16_t)ahead;
	struct step step;
	uint8_t wh;

	BASE(constant);
	increase(&next->seen, now);
	if (next->port < FIRST_PULSE_PORT) {
		increase(&live.second[next->port].sum, now);
		wh = energy_add_samples(&next->kept.rest, now, constant->whole, constant->fraction);
		increase(&next->counter, wh);
		return wh;
	}
	settings_step(next->sensor, &step);
	next->counter += energy_add_pulses(&next->kept.rest, (uint8_t)now, &step);
	return true;
}

SHARED bool meter_account(uint8_t port)
{
	uint8_t sensor = settings_sensor(port);
	uint32_t *seen = &live.seen[port];
	uint32_t ahead = ahead_of(port, *seen);
	struct intent *next;
	bool moved;

	if (!ahead)
		return false;
	if (sensor >= SENSORS || !settings_enabled(sensor) || ahead >= AHEAD_MAX) {
		*seen += ahead;
		return false;
	}
	next = intent_load(sensor);
	next->port = port;
	next->seen = *seen;
	moved = add(next, ahead);
	if (moved && sensor >= ANALOGS) { /* meter_second() reports the analog ones */
		meter_fresh |= bit(sensor);
		if (port >= FIRST_PULSE_PORT)
			sensor_extra[sensor] = pulse_ms(pulse_of(port));
	}
	intent_commit();
	return moved;
}

void meter_account_all(void)
{
	for (uint8_t port = 0; port < COUNTED_PORTS; port++)
		meter_account(port);
}

void meter_second(void)
{
	uint32_t power[ANALOGS] = { 0 };
	struct second *second = live.second;

	for (uint8_t port = 0; port < ANALOGS; port++, second++) {
		uint8_t sensor = settings_sensor(port);
		uint16_t count;

		BASE(second);
		meter_account(port);
		count = (uint16_t)(second->count - second->began);
		second->began = second->count;
		/* There are none, or too many, only when the main loop stood still. */
		if (sensor < ANALOGS && (uint16_t)(count - 1) < ENERGY_COUNT_MAX)
			power[sensor] +=
				energy_power(second->sum, count, settings_constant(sensor));
		second->sum = 0;
	}
	for (uint8_t i = 0; i < ANALOGS; i++) {
		if (!settings_enabled(i))
			continue;
		sensor_extra[i] = (power[i] + POWER_WATT / 2) / POWER_WATT;
		meter_fresh |= bit(i);
	}
}

SHARED uint16_t meter_milli(uint8_t sensor)
{
	const struct remainder *rest = &live.kept[sensor].rest;
	struct step step;
	uint16_t milli;

	if (sensor < ANALOGS)
		return 0;
	settings_step(sensor, &step);
	milli = (uint16_t)(rest->part * 1000ul / step.per + rest->nano / 1000000ul);
	/* A clamp and a pulse input on the same sensor each hold a part of a Wh. */
	return milli < MILLI_MAX ? milli : MILLI_MAX;
}
