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
	uint8_t hardware[3];      /* major, high byte first; minor */
	uint8_t spare;
#else
	uint8_t id[SENSORS][16];
#endif
	uint8_t layout; /* SETTINGS_LAYOUT */
	uint8_t serial; /* of two valid copies the one ahead by 1 … 127 is the newer */
	uint16_t crc;   /* of all bytes before it */
};

/* A pulse is unit / pulses Wh; pulses 0: the constant says what it is. */
struct exact {
	uint16_t pulses;
	uint16_t unit;
};

#define FIRST_EXACT ANALOGS
#define EXACTS (SENSORS - ANALOGS)

/*
 * What layout 1 has no room for. Each copy belongs to one of struct settings, which stays as it was: older firmware finds
 * its own. Stored as it stands.
 */
struct more {
	struct exact exact[EXACTS];
	uint16_t hold
		[PULSES];  /* 10 µs, HOLD_MIN … HOLD_MAX; 0: as long as the constant lets it be */
	uint16_t falls;    /* starts that found the newest record damaged and took an older one */
	uint8_t age;       /* how many records were newer than the one taken last */
	uint8_t worn_full; /* slots that are left out for good, one bit each */
	uint8_t worn_short;
	uint8_t form;     /* digits of a delta: FORM_SHORT or FORM_LONG */
	uint8_t image;    /* FORM of the image that wrote this: another image's form counts anew */
	uint8_t trial;    /* hours for which the former hold is still compared */
	uint8_t littered; /* 1: short slots may hold what is left of a historic image */
	uint8_t layout;   /* MORE_LAYOUT */
	uint16_t of;      /* CRC of the struct settings that it belongs to */
	uint16_t crc;     /* of all bytes before it */
};

#define SETTINGS_LAYOUT 1
#define MORE_LAYOUT 2

#define FORM_SHORT 18
#define FORM_LONG 22
#ifndef FORM
#define FORM \
	18 /* what routers up to release 2.4.1 understand; with 22 it is an image for later ones */
#endif

#define HOLD_MIN 20u     /* 0.2 ms, in 10 µs */
#define HOLD_MAX 10000u  /* 100 ms */
#define HOLD_USUAL 2000u /* 20 ms: no more is needed for a contact, and 50 Hz lasts 10 */
#define HOLD_FORMER 100u /* 1 ms: of the firmware before holds could be set */
#define TRIAL_H 24

/* Written by the main loop alone; interrupts do not read it. */
extern struct settings settings;
extern struct more more;

/* Sets what a board without any history starts with. */
void settings_default(void);

/* CRC that belongs into block->crc. */
uint16_t settings_crc(const struct settings *block);

/* True when the block is complete and of this layout; its values are in range then, as nothing else is ever stored. */
bool settings_valid(const struct settings *block);

/* The same of the rest. */
void more_default(void);
uint16_t more_crc(void);
bool more_valid(void);

/* What a pulse of the sensor is. */
void settings_step(uint8_t sensor, struct step *step);

/* How long a level of the pulse input must stand, 10 µs. */
uint16_t settings_hold(uint8_t input);

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
