/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the master may set and the board keeps: sensors, ports, hardware version, events. */
#ifndef CORE_SETTINGS_H
#define CORE_SETTINGS_H

#include <stdbool.h>
#include <stdint.h>

#include "energy.h"
#include "shape.h"

/* Stored as it stands, little endian; the 16-bit fields lie even, so that no compiler pads. */
struct settings {
	uint16_t watchdogs; /* resets by the watchdog */
	uint16_t brownouts; /* dips of the supply */
#ifdef BOARD_SPI
	struct constant constant[SENSORS];
	uint8_t map[PORTS];       /* port to sensor, or UNMAPPED */
	uint8_t enabled[SENSORS]; /* 0 or 1 */
	uint8_t hardware[3];      /* major, high byte first; minor: 0 has deltas of 18 digits, else 22 */
	uint8_t spare;
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

/* True when the block is complete and of this layout; its values are in range then, as nothing else is ever stored. */
bool settings_valid(const struct settings *block);

#ifdef BOARD_SPI
static inline bool settings_enabled(uint8_t sensor)
{
	return settings.enabled[sensor];
}

static inline const struct constant *settings_constant(uint8_t sensor)
{
	return &settings.constant[sensor];
}

static inline uint8_t settings_sensor(uint8_t port)
{
	return settings.map[port];
}
#else
extern const struct constant settings_clamp, settings_pulse; /* fixed at build time */

static inline bool settings_enabled(uint8_t sensor)
{
	(void)sensor;
	return true;
}

static inline const struct constant *settings_constant(uint8_t sensor)
{
	return sensor < ANALOGS ? &settings_clamp : &settings_pulse;
}

static inline uint8_t settings_sensor(uint8_t port)
{
	return port;
}
#endif

#endif
