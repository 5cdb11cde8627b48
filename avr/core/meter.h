/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The live counters: turns what the inputs measured into Wh, exactly once even across resets. */
#ifndef CORE_METER_H
#define CORE_METER_H

#include <stdbool.h>
#include <stdint.h>

#include "pulse.h"
#include "shape.h"

/*
 * What the inputs measured; it outlives a reset. Only the tick and edge interrupts write it. sum[]
 * and count[] hold each clamp's ADC codes and number of samples; they wrap. The main loop reads
 * them with interrupts off and uses differences.
 */
struct inputs {
	uint32_t sum[ANALOGS];
	uint16_t count[ANALOGS];
	struct pulse pulse[PULSES];
};

extern struct inputs inputs;

/*
 * Counters in Wh. Only the main loop writes them, with interrupts off, because the EEPROM interrupt
 * copies them into a record.
 */
extern uint32_t sensor_counter[SENSORS];

/*
 * Power in W of an analog sensor; for a pulse sensor the clock in ms at its last pulse. Main loop
 * only.
 */
extern uint32_t sensor_extra[SENSORS];

/* The board's clock in ms, and the tick up to which it has been advanced. Main loop only. */
extern uint32_t meter_ms;
extern uint16_t meter_ticks;

/*
 * Called at start. After power-on (keep is false) RAM holds garbage, so everything begins at 0.
 * After any other reset, finishes the change that the reset interrupted. Returns a bit for each
 * sensor whose state in RAM is sound; the caller sets the others with meter_set().
 */
uint8_t meter_start(bool keep);

/* Sets a sensor's counter and its pulses' part of a Wh. A clamp's energy below one Wh becomes 0. */
void meter_set(uint8_t sensor, uint32_t counter, uint16_t part);

/*
 * Sets a sensor's part of a Wh at start, when the settings are known. With in_ram it keeps the part
 * in RAM if the settings allow it.
 */
void meter_restore_part(uint8_t sensor, uint16_t part, bool in_ram);

/* Converts a sensor's part of a Wh from the denominator per to the one of the present settings. */
void meter_rescale(uint8_t sensor, uint16_t per);

/* Applies the settings to the inputs and the journal. Called at start and after each change. */
void meter_follow_settings(void);

/* Advances the board's clock to this tick. Called at least each 255 ticks. */
void meter_tick(uint16_t tick);

/*
 * Adds a port's new pulses, or its clamp's new samples up to ENERGY_SUM_MAX, to the energy of its
 * sensor. Returns true when there was a pulse or a counter moved.
 */
bool meter_account(uint8_t port);

/* What an input has counted since power-on; struct pulse explains the fields. */
struct meter_pulses {
	uint16_t count;
	uint16_t former;
	uint16_t lows;
};

void meter_pulses(uint8_t input, struct meter_pulses *pulses);

/* Calls meter_account() for all ports, before the settings change. */
void meter_account_all(void);

/* Computes the power of the analog sensors. Called once a second. */
void meter_second(void);

/*
 * Returns a pulse sensor's part of a Wh in mWh, or 0 for an analog sensor (docs/design/protocols.md
 * §1).
 */
uint16_t meter_milli(uint8_t sensor);

#endif
