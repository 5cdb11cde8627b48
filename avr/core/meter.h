/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The live counters: what the inputs counted becomes Wh here, exactly once, whatever resets the board. */
#ifndef CORE_METER_H
#define CORE_METER_H

#include <stdbool.h>
#include <stdint.h>

#include "pulse.h"
#include "shape.h"

/*
 * What the inputs measured. Written by the tick and edge interrupts alone, it outlives a reset. The clamps' sums of
 * all ADC codes and numbers of samples run on for ever and wrap; the main loop reads them with interrupts off and takes
 * differences.
 */
struct inputs {
	uint32_t sum[ANALOGS];
	uint16_t count[ANALOGS];
	struct pulse pulse[PULSES];
};

extern struct inputs inputs;

/*
 * Counters in Wh. Written by the main loop alone, with interrupts off, as the supply and watchdog interrupts copy
 * them into a record.
 */
extern uint32_t sensor_counter[SENSORS];

/* W of an analog sensor, or the board's clock in ms at the last pulse of a pulse sensor. Main loop only. */
extern uint32_t sensor_extra[SENSORS];

/* The board's clock, and the tick up to which it was told. Main loop only. */
extern uint32_t meter_ms;
extern uint16_t meter_ticks;

/*
 * At start: after power-on (keep is false) everything begins at nothing, as RAM holds garbage; after any other reset what
 * it interrupted is repeated. Returns one bit for each sensor whose RAM is sound; the others are to be set.
 */
uint8_t meter_start(bool keep);

/* Gives the sensor a counter, and the part of a Wh that pulses left; what a clamp held below one Wh is forgotten. */
void meter_set(uint8_t sensor, uint32_t counter, uint16_t part);

/* At start, with the settings known: gives the sensor its part of a Wh; in_ram: it has one, which stays if it can be one. */
void meter_restore_part(uint8_t sensor, uint16_t part, bool in_ram);

/* The part of a Wh was in parts of so many: brings it into those that the settings ask for now. */
void meter_rescale(uint8_t sensor, uint16_t per);

/* Lets inputs and journal follow the settings: at start and after each change of them. */
void meter_follow_settings(void);

/* Lets the board's clock follow the ticks; at least each 255 ticks. */
void meter_tick(uint16_t tick);

/*
 * Turns one pulse, or what a clamp measured until now (ENERGY_SUM_MAX of it), into energy of the port's sensor; true when
 * there was a pulse or a counter moved.
 */
bool meter_account(uint8_t port);

/* What an input has counted since power-on: accepted pulses, those that the former hold would have accepted, too short ones. */
struct meter_pulses {
	uint16_t count;
	uint16_t former;
	uint16_t lows;
};

void meter_pulses(uint8_t input, struct meter_pulses *pulses);

/* meter_account() of all ports, before the settings change. */
void meter_account_all(void);

/* Once a second: power of the analog sensors. */
void meter_second(void);

/* Thousandths of a Wh that a pulse sensor holds; 0 for analog sensors, docs/protocols.md §1. */
uint16_t meter_milli(uint8_t sensor);

#endif
