/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Exactly-once accounting. The inputs' sums run on for ever; seen[] holds how far they have been accounted. A sensor's
 * state and its input's position change together: the new values are first noted as an intent, then applied, then the
 * intent is withdrawn. A reset at any instruction leaves either the old state or an intent to repeat.
 */
#include "meter.h"

#include <stddef.h>
#include <string.h>

#include "crc.h"
#include "energy.h"
#include "guard.h"
#include "journal.h"
#include "settings.h"

#define COUNTED_PORTS (ANALOGS + PULSES)
#define INTENT_STANDS 0xa5

/* A reset can tear the sum that the interrupt was writing; nothing honest is so far ahead of the accounting. */
#define SUM_AHEAD_MAX 0x1000000ul /* 16 s at full scale: the watchdog acts long before */

/* What a sensor keeps through a reset, besides its counter. */
struct kept {
	struct remainder rest;
	uint16_t crc; /* of the sensor's number, counter and remainder */
};

/* The new state of a sensor, while it is computed and until it is in force. */
struct intent {
	uint8_t stands; /* INTENT_STANDS when complete */
	uint8_t sensor;
	uint8_t port;  /* UNMAPPED when no input is involved */
	uint32_t seen; /* input position accounted then */
	uint32_t counter;
	struct kept kept;
};

uint32_t sensor_counter[SENSORS] NOINIT;
uint32_t clamp_sum[ANALOGS] NOINIT;
uint16_t clamp_count[ANALOGS] NOINIT;
struct pulse pulse[PULSES] NOINIT;
static struct kept kept[SENSORS] NOINIT;
static struct intent intent NOINIT;
static uint32_t seen[COUNTED_PORTS] NOINIT;

uint32_t sensor_extra[SENSORS];
uint32_t meter_ms;
uint8_t meter_fresh;
volatile bool meter_unsaved;

/* Of the running second: samples' sum as far as accounted, and where their number began. */
static uint32_t second_sum[ANALOGS];
static uint16_t second_began[ANALOGS];
static uint16_t samples[ANALOGS]; /* number of those accounted */

static uint16_t intent_crc(void)
{
	uint16_t crc = crc16_update(CRC16_SEED, intent.sensor);

	crc = crc16_block(crc, &intent.counter, sizeof(intent.counter));
	crc = crc16_block(crc, &intent.kept.rest.nano, sizeof(intent.kept.rest.nano));
	return crc16_block(crc, &intent.kept.rest.pico, sizeof(intent.kept.rest.pico));
}

/* Begins an intent from the sensor's present state. */
static struct intent *intent_load(uint8_t sensor)
{
	struct intent *next = &intent;

	BASE(next);
	next->stands = 0;
	next->sensor = sensor;
	next->port = UNMAPPED;
	next->counter = sensor_counter[sensor];
	next->kept = kept[sensor];
	return next;
}

static void intent_apply(void)
{
	struct intent *next = &intent;
	uint32_t *counter;
	uint8_t guard;

	BASE(next);
	counter = &sensor_counter[next->sensor];
	guard = guard_enter();
	if (*counter != next->counter) {
		journal_note(next->sensor, next->counter);
		*counter = next->counter;
		meter_unsaved = true;
	}
	guard_leave(guard);
	kept[next->sensor] = next->kept;
	if (next->port < COUNTED_PORTS)
		seen[next->port] = next->seen;
	ORDER();
	next->stands = 0;
	ORDER();
}

SHARED static void intent_commit(void)
{
	intent.kept.crc = intent_crc();
	ORDER();
	intent.stands = INTENT_STANDS;
	ORDER();
	intent_apply();
}

void meter_set(uint8_t sensor, uint32_t counter)
{
	struct intent *next = intent_load(sensor);

	next->counter = counter;
	next->kept.rest.nano = 0;
	next->kept.rest.pico = 0;
	intent_commit();
}

uint8_t meter_start(bool keep)
{
	uint8_t sound = 0;

	if (!keep) {
		memset(clamp_sum, 0, sizeof(clamp_sum));
		memset(pulse, 0, sizeof(pulse));
		memset(seen, 0, sizeof(seen));
	} else if (intent.stands == INTENT_STANDS && intent.sensor < SENSORS && intent.kept.crc == intent_crc()) {
		intent_apply();
	}
	for (uint8_t i = 0; i < SENSORS; i++) {
		if (keep && intent_load(i)->kept.crc == intent_crc())
			sound |= bit(i);
		else
			meter_set(i, 0);
	}
	for (uint8_t k = 0; k < ANALOGS; k++) {
		if (clamp_sum[k] - seen[k] >= SUM_AHEAD_MAX)
			seen[k] = clamp_sum[k];
		clamp_count[k] = 0;
	}
	return sound;
}

/* Where an input stands: the sum of a clamp, the count of a pulse input. */
SHARED static uint32_t position(uint8_t port)
{
	uint32_t sum;
	uint8_t guard;

	if (port == FIRST_PULSE_PORT)
		return pulse[0].count;
	if (port > FIRST_PULSE_PORT)
		return pulse[1].count;
	guard = guard_enter();
	sum = clamp_sum[port];
	samples[port] = clamp_count[port];
	guard_leave(guard);
	return sum;
}

static void add_samples(struct intent *next, uint32_t ahead)
{
	uint16_t constant = settings_constant(next->sensor);
	uint16_t fraction = settings_fraction(next->sensor);

	second_sum[next->port] += ahead;
	while (ahead) {
		uint16_t part = ahead > ENERGY_SUM_MAX ? ENERGY_SUM_MAX : (uint16_t)ahead;

		ahead -= part;
		next->counter += energy_add_samples(&next->kept.rest, part, constant, fraction);
	}
}

/* The clock at the last pulse of an input; the interrupt knows its low half. */
static uint32_t pulse_ms(uint8_t port)
{
	uint8_t guard = guard_enter();
	uint16_t last = pulse[port - FIRST_PULSE_PORT].last_ms;

	guard_leave(guard);
	return meter_ms - (uint16_t)((uint16_t)meter_ms - last);
}

static void add_pulses(struct intent *next, uint8_t ahead)
{
	uint8_t sensor = next->sensor;

	do {
		next->counter += energy_add_pulse(&next->kept.rest, settings_constant(sensor), settings_fraction(sensor));
	} while (--ahead);
	meter_fresh |= bit(sensor);
	if (sensor >= ANALOGS)
		sensor_extra[sensor] = pulse_ms(next->port);
}

bool meter_account(uint8_t port)
{
	uint8_t sensor = settings_sensor(port);
	uint32_t now = position(port);
	uint32_t ahead = now - seen[port];
	struct intent *next;
	bool moved;

	if (!ahead)
		return false;
	if (sensor >= SENSORS || !settings_enabled(sensor)) {
		seen[port] = now;
		return false;
	}
	next = intent_load(sensor);
	next->port = port;
	next->seen = now;
	if (port < FIRST_PULSE_PORT)
		add_samples(next, ahead);
	else
		add_pulses(next, (uint8_t)ahead);
	moved = next->counter != sensor_counter[sensor];
	if (moved && sensor >= ANALOGS)
		meter_fresh |= bit(sensor);
	intent_commit();
	return moved;
}

void meter_account_all(void)
{
	for (uint8_t port = 0; port < COUNTED_PORTS; port++)
		meter_account(port);
}

/* Adds what one clamp measured in the second that ends now. */
static void second_add(struct power *power, uint8_t port, uint8_t sensor)
{
	uint16_t count;

	meter_account(port);
	count = (uint16_t)(samples[port] - second_began[port]);
	second_began[port] = samples[port];
	/* More samples only when the main loop stood still. */
	if (count > 0 && count <= ENERGY_COUNT_MAX)
		energy_add_power(power, second_sum[port], count, settings_constant(sensor), settings_fraction(sensor));
	second_sum[port] = 0;
}

void meter_second(void)
{
	for (uint8_t i = 0; i < ANALOGS; i++) {
		struct power power = { 0, 0 };

		for (uint8_t port = 0; port < ANALOGS; port++) {
			if (settings_sensor(port) == i)
				second_add(&power, port, i);
		}
		if (!settings_enabled(i))
			continue;
		sensor_extra[i] = energy_watt(&power);
		meter_fresh |= bit(i);
	}
}

uint16_t meter_milli(uint8_t sensor)
{
	if (sensor < ANALOGS)
		return 0;
	return (uint16_t)(kept[sensor].rest.nano / 1000000ul);
}
