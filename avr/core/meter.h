/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The live counters: what the inputs counted becomes Wh here, exactly once, whatever resets the board. */
#ifndef CORE_METER_H
#define CORE_METER_H

#include <stdbool.h>
#include <stdint.h>

#include "pulse.h"
#include "shape.h"

/*
 * What an analog input measured. Written by the tick interrupt alone; both run on for ever and wrap. The main loop
 * reads them with interrupts off and takes differences.
 */
struct analog {
	uint32_t sum;   /* of all ADC codes */
	uint16_t count; /* of samples */
};

extern struct analog analog[ANALOGS];
extern struct pulse pulse[PULSES];

/*
 * Counters in Wh. Written by the main loop alone, with interrupts off, as the supply and watchdog interrupts copy
 * them into a record.
 */
extern uint32_t sensor_counter[SENSORS];

/* W of an analog sensor, or the board's clock in ms at the last pulse of a pulse sensor. Main loop only. */
extern uint32_t sensor_extra[SENSORS];

/* Sensors with news since the last delta that was read, one bit each. Main loop only. */
extern uint8_t meter_fresh;

/* A counter moved since the last record was begun. Set by the main loop, cleared by whoever begins a record. */
extern volatile bool meter_unsaved;

/* Sets all counters, remainders and inputs to nothing: after power-on, when RAM holds garbage. */
void meter_clear(void);

/* After any other reset: repeats what the reset interrupted; returns one bit for each sensor whose RAM is sound. */
uint8_t meter_resume(void);

/* Gives the sensor a counter; what it held below one Wh is forgotten. */
void meter_set(uint8_t sensor, uint32_t counter);

/* Turns what one port measured until now into energy of its sensor; true when a counter moved. */
bool meter_account(uint8_t port);

/* meter_account() of all ports, before the settings change. */
void meter_account_all(void);

/* Once a second: power of the analog sensors. */
void meter_second(void);

/* Thousandths of a Wh that a pulse sensor holds; 0 for analog sensors, docs/protocols.md §1. */
uint16_t meter_milli(uint8_t sensor);

#endif
