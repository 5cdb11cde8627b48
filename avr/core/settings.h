/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Settings that the master may change and the board stores, and counts of events. */
#ifndef CORE_SETTINGS_H
#define CORE_SETTINGS_H

#include <stdbool.h>
#include <stdint.h>

#include "energy.h"
#include "shape.h"

/* Stored as it is, little endian. The 16-bit fields have even offsets, so that no compiler pads. */
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
	uint8_t serial; /* of two valid copies the one that is 1 … 127 ahead is newer */
	uint16_t crc;   /* of all bytes before it */
};

/* A pulse is unit / pulses Wh. If pulses is 0, the constant gives its energy. */
struct exact {
	uint16_t pulses;
	uint16_t unit;
};

#define FIRST_EXACT ANALOGS
#define EXACTS (SENSORS - ANALOGS)

/*
 * Settings that layout 1 has no room for, stored as they are. Each copy belongs to one copy of
 * struct settings, which keeps its layout so that older firmware can read it.
 */
struct more {
	struct exact exact[EXACTS];
	uint16_t hold[PULSES]; /* in 10 µs, HOLD_MIN … HOLD_MAX; 0: derived from the constant */
	uint16_t fallbacks;    /* starts that restored an older record: the newest was damaged */
	uint8_t age;           /* how many records were newer than the one restored then */
	uint8_t worn_full;     /* a bit for each full slot that is worn out */
	uint8_t worn_short;    /* a bit for each short slot that is worn out */
	uint8_t form;          /* digits of a delta: FORM_SHORT or FORM_LONG */
	uint8_t image;         /* FORM of the image that stored this; a new image's replaces form */
	uint8_t trial;         /* hours for which pulses by the former hold are still compared */
	uint8_t littered;      /* 1: short slots may hold the rest of a historic image */
	uint8_t layout;        /* MORE_LAYOUT */
	uint16_t of;           /* CRC of the struct settings that it belongs to */
	uint16_t crc;          /* of all bytes before it */
};

#define SETTINGS_LAYOUT 1
#define MORE_LAYOUT 2

#define FORM_SHORT 18
#define FORM_LONG 22
#ifndef FORM
#define FORM 18 /* routers up to release 2.4.1 need 18; later ones also take 22 */
#endif

#define HOLD_MIN 20u     /* 0.2 ms, in 10 µs */
#define HOLD_MAX 10000u  /* 100 ms */
#define HOLD_USUAL 2000u /* 20 ms: long enough for a contact; a half-wave of 50 Hz is 10 */
#define HOLD_FORMER 100u /* 1 ms: the fixed hold of older firmware */
#define TRIAL_H 24

/* Only the main loop writes and reads them. */
extern struct settings settings;
extern struct more more;

/* Sets the defaults of a new board. */
void settings_default(void);

/* Returns the CRC for block->crc. */
uint16_t settings_crc(const struct settings *block);

/*
 * Returns true when the block is complete and has this layout. Its values are in range then,
 * because no others are stored.
 */
bool settings_valid(const struct settings *block);

/* The same for more. */
void more_default(void);
uint16_t more_crc(void);
bool more_valid(void);

/* Gives the energy of one of the sensor's pulses. */
void settings_step(uint8_t sensor, struct step *step);

/* Returns how long a level must last at the pulse input, in 10 µs. */
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
