/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the master may set and the board keeps: sensors, ports, hardware version, events. */
#ifndef CORE_SETTINGS_H
#define CORE_SETTINGS_H

#include <stdbool.h>
#include <stdint.h>

#include "shape.h"

/* The fields are stored as they stand, little endian; 16-bit fields first, so that no compiler pads. */
struct settings {
	uint16_t watchdogs; /* resets by the watchdog */
	uint16_t brownouts; /* dips of the supply */
#ifdef BOARD_SPI
	uint16_t hw_major;
	uint16_t constant[SENSORS]; /* nWh a sample and ADC step, or Wh a pulse */
	uint16_t fraction[SENSORS]; /* of the constant, 1/1000, below 1000 */
	uint8_t hw_minor;           /* 0: deltas of 18 digits, else 22 */
	uint8_t enabled;            /* one bit a sensor */
	uint8_t map[PORTS];         /* port to sensor, or UNMAPPED */
#else
	uint8_t id[SENSORS][16];
#endif
	uint8_t layout; /* SETTINGS_LAYOUT */
	uint8_t serial; /* of two valid copies the one ahead by 1 … 127 is the newer */
	uint16_t crc;   /* of all bytes before it */
};

#define SETTINGS_LAYOUT 1

/* Written by the main loop alone; interrupts do not read it. */
extern struct settings settings;

/* Sets what a board without any history starts with. */
void settings_default(void);

/* CRC that belongs into block->crc. */
uint16_t settings_crc(const struct settings *block);

/* True when the block is complete, of this layout, and every value is in range. */
bool settings_valid(const struct settings *block);

#ifdef BOARD_SPI
static inline bool settings_enabled(uint8_t sensor)
{
	return (settings.enabled >> sensor) & 1;
}

static inline uint16_t settings_constant(uint8_t sensor)
{
	return settings.constant[sensor];
}

static inline uint16_t settings_fraction(uint8_t sensor)
{
	return settings.fraction[sensor];
}

static inline uint8_t settings_sensor(uint8_t port)
{
	return settings.map[port];
}
#else
#ifndef CLAMP_CONSTANT
#define CLAMP_CONSTANT 5508u /* 0.479 × 230 V × 50 A, docs/protocols.md §2 */
#define CLAMP_FRACTION 500u
#endif

static inline bool settings_enabled(uint8_t sensor)
{
	(void)sensor;
	return true;
}

static inline uint16_t settings_constant(uint8_t sensor)
{
	return sensor < ANALOGS ? CLAMP_CONSTANT : 1;
}

static inline uint16_t settings_fraction(uint8_t sensor)
{
	return sensor < ANALOGS ? CLAMP_FRACTION : 0;
}

static inline uint8_t settings_sensor(uint8_t port)
{
	return port;
}
#endif

#endif
