/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The two copies of the settings in EEPROM. The older copy is replaced, byte by byte, in the
 * background.
 */
#ifndef CORE_STORE_H
#define CORE_STORE_H

#include <stdbool.h>

enum store_result {
	STORE_DONE, /* the settings are stored and read back right */
	STORE_BUSY,
	STORE_FAILED, /* a cell does not hold its byte */
};

/* The state of the last store_begin(). Main loop only. */
extern enum store_result store_state;

/*
 * Loads the newer valid copy into settings. Returns false when there is none; settings hold garbage
 * then.
 */
bool store_load(void);

/*
 * What store_load_more() loaded. In all cases but STORE_OWN, settings and more are to be written
 * again.
 */
enum store_loaded {
	STORE_OWN,     /* the copy of more that belongs to the settings */
	STORE_OTHER,   /* other firmware wrote the settings, or this image has another FORM */
	STORE_DAMAGED, /* the newest copy is damaged; an older one was loaded */
	STORE_NO_MORE, /* no copy of more is valid; it holds the defaults */
};

/* Loads more, after store_load() returned stored. */
enum store_loaded store_load_more(bool stored);

/* Begins to write settings and more; begins again when called while they are being written. */
void store_begin(void);

/* Begins again if the settings are being written. Called after each change of them. */
void store_touch(void);

/* Starts at most one EEPROM operation. Called in each pass of the main loop. */
void store_run(void);

#endif
