/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Exactly-once accounting. The inputs' sums run on for ever; each sensor's state holds how far they have been accounted,
 * and state and position change together: the new values are first noted as an intent, then applied, then the
 * intent is withdrawn. A reset at any instruction leaves either the old state or an intent to repeat.
 */
#include "meter.h"

#include <string.h>

#include "crc.h"
#include "energy.h"
#include "guard.h"
#include "journal.h"
#include "settings.h"

#define INTENT_STANDS 0xa5
#define BIT(n) ((uint8_t)(1u << (n)))

/* A reset can tear the sum that the interrupt was writing; nothing honest is so far ahead of the accounting. */
#define SUM_AHEAD_MAX 0x1000000ul /* 16 s at full scale: the watchdog acts long before */

/* One sensor as it survives a reset, its counter apart. */
struct state {
	struct remainder rest;
	uint16_t crc; /* of number, counter and remainder */
};

struct intent {
	uint32_t counter;
	struct state state;
	uint32_t seen; /* input position accounted then */
	uint8_t sensor;
	uint8_t port; /* UNMAPPED when no input is involved */
	uint8_t stands;
};

uint32_t sensor_counter[SENSORS] NOINIT;
struct analog analog[ANALOGS] NOINIT;
struct pulse pulse[PULSES] NOINIT;
static struct state state[SENSORS] NOINIT;
static struct intent intent NOINIT;
static uint32_t sum_seen[ANALOGS] NOINIT;
static uint8_t pulse_seen[PULSES] NOINIT;

uint32_t sensor_extra[SENSORS];
uint8_t meter_fresh;
volatile bool meter_unsaved;

/* Where the running second began. */
static struct analog second[ANALOGS];

static uint16_t state_crc(uint8_t sensor, uint32_t counter, const struct remainder *rest)
{
	uint16_t crc = crc16_update(CRC16_SEED, sensor);

	crc = crc16_block(crc, &counter, sizeof(counter));
	crc = crc16_block(crc, &rest->nano, sizeof(rest->nano));
	return crc16_block(crc, &rest->pico, sizeof(rest->pico));
}

static void intent_apply(void)
{
	uint8_t port = intent.port;
	uint8_t guard = guard_enter();

	journal_note(intent.sensor, intent.counter);
	sensor_counter[intent.sensor] = intent.counter;
	guard_leave(guard);
	state[intent.sensor] = intent.state;
	if (port < ANALOGS)
		sum_seen[port] = intent.seen;
	else if (port < FIRST_PULSE_PORT + PULSES)
		pulse_seen[port - FIRST_PULSE_PORT] = (uint8_t)intent.seen;
	ORDER();
	intent.stands = 0;
	ORDER();
}

static void intent_commit(uint8_t sensor, uint32_t counter, const struct remainder *rest, uint8_t port, uint32_t seen)
{
	intent.sensor = sensor;
	intent.counter = counter;
	intent.state.rest = *rest;
	intent.state.crc = state_crc(sensor, counter, rest);
	intent.port = port;
	intent.seen = seen;
	ORDER();
	intent.stands = INTENT_STANDS;
	ORDER();
	intent_apply();
}

void meter_set(uint8_t sensor, uint32_t counter)
{
	static const struct remainder nothing;

	intent_commit(sensor, counter, &nothing, UNMAPPED, 0);
	meter_unsaved = true;
}

void meter_clear(void)
{
	memset(analog, 0, sizeof(analog));
	memset(pulse, 0, sizeof(pulse));
	memset(sum_seen, 0, sizeof(sum_seen));
	memset(pulse_seen, 0, sizeof(pulse_seen));
	intent.stands = 0;
	for (uint8_t i = 0; i < SENSORS; i++)
		meter_set(i, 0);
	memcpy(second, analog, sizeof(second));
}

uint8_t meter_resume(void)
{
	uint8_t sound = 0;

	if (intent.stands == INTENT_STANDS && intent.sensor < SENSORS &&
	    intent.state.crc == state_crc(intent.sensor, intent.counter, &intent.state.rest))
		intent_apply();
	for (uint8_t i = 0; i < SENSORS; i++) {
		if (state[i].crc == state_crc(i, sensor_counter[i], &state[i].rest))
			sound = (uint8_t)(sound | BIT(i));
		else
			meter_set(i, 0);
	}
	for (uint8_t k = 0; k < ANALOGS; k++) {
		if (analog[k].sum - sum_seen[k] >= SUM_AHEAD_MAX)
			sum_seen[k] = analog[k].sum;
	}
	memcpy(second, analog, sizeof(second));
	return sound;
}

static bool account_analog(uint8_t port, uint8_t sensor)
{
	struct remainder rest = state[sensor].rest;
	uint8_t guard = guard_enter();
	uint32_t sum = analog[port].sum;
	uint32_t ahead = sum - sum_seen[port];
	uint16_t wh = 0;

	guard_leave(guard);
	if (!ahead)
		return false;
	while (ahead) {
		uint16_t part = ahead > ENERGY_SUM_MAX ? ENERGY_SUM_MAX : (uint16_t)ahead;

		ahead -= part;
		wh = (uint16_t)(wh + energy_add_samples(&rest, part, settings_constant(sensor), settings_fraction(sensor)));
	}
	intent_commit(sensor, sensor_counter[sensor] + wh, &rest, port, sum);
	return wh;
}

static bool account_pulses(uint8_t port, uint8_t sensor)
{
	uint8_t k = (uint8_t)(port - FIRST_PULSE_PORT);
	uint8_t count = pulse[k].count;
	uint8_t ahead = (uint8_t)(count - pulse_seen[k]);
	struct remainder rest = state[sensor].rest;
	uint32_t counter = sensor_counter[sensor];

	if (!ahead)
		return false;
	while (ahead--)
		counter += energy_add_pulse(&rest, settings_constant(sensor), settings_fraction(sensor));
	intent_commit(sensor, counter, &rest, port, count);
	if (sensor >= ANALOGS) {
		uint8_t guard = guard_enter();

		sensor_extra[sensor] = pulse[k].last_ms;
		guard_leave(guard);
	}
	meter_fresh = (uint8_t)(meter_fresh | BIT(sensor));
	return true;
}

/* What nobody counts is passed over. */
static void skip(uint8_t port)
{
	uint8_t guard = guard_enter();

	if (port < ANALOGS)
		sum_seen[port] = analog[port].sum;
	else
		pulse_seen[port - FIRST_PULSE_PORT] = pulse[port - FIRST_PULSE_PORT].count;
	guard_leave(guard);
}

bool meter_account(uint8_t port)
{
	uint8_t sensor = settings_sensor(port);
	bool moved;

	if (sensor >= SENSORS || !settings_enabled(sensor)) {
		skip(port);
		return false;
	}
	if (port < ANALOGS)
		moved = account_analog(port, sensor);
	else
		moved = account_pulses(port, sensor);
	if (!moved)
		return false;
	if (sensor >= ANALOGS)
		meter_fresh = (uint8_t)(meter_fresh | BIT(sensor));
	meter_unsaved = true;
	return true;
}

void meter_account_all(void)
{
	for (uint8_t port = 0; port < FIRST_PULSE_PORT + PULSES; port++)
		meter_account(port);
}

/* Mean code of the second that ends now. */
static uint32_t second_mean(uint8_t port)
{
	struct analog now;
	uint32_t mean = 0;
	uint16_t count;
	uint8_t guard = guard_enter();

	now = analog[port];
	guard_leave(guard);
	count = (uint16_t)(now.count - second[port].count);
	if (count > 0 && count <= 1024) /* more only when the main loop stood still: energy_mean() would overflow */
		mean = energy_mean(now.sum - second[port].sum, count);
	second[port] = now;
	return mean;
}

void meter_second(void)
{
	uint32_t mean[ANALOGS] = { 0 };

	for (uint8_t port = 0; port < ANALOGS; port++) {
		uint8_t sensor = settings_sensor(port);
		uint32_t own = second_mean(port);

		if (sensor < ANALOGS)
			mean[sensor] += own;
	}
	for (uint8_t i = 0; i < ANALOGS; i++) {
		if (!settings_enabled(i))
			continue;
		sensor_extra[i] = energy_watt(mean[i], settings_constant(i), settings_fraction(i));
		meter_fresh = (uint8_t)(meter_fresh | BIT(i));
	}
}

uint16_t meter_milli(uint8_t sensor)
{
	if (sensor < ANALOGS)
		return 0;
	return (uint16_t)(state[sensor].rest.nano / 1000000ul);
}
