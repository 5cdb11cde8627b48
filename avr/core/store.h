/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The settings' two copies in EEPROM; the older one is replaced byte by byte while everything else goes on. */
#ifndef CORE_STORE_H
#define CORE_STORE_H

#include <stdbool.h>

enum store_result {
	STORE_DONE, /* what was asked for has been read back */
	STORE_BUSY,
	STORE_FAILED, /* the EEPROM does not take it */
};

/* How the last store_begin() goes. Main loop only. */
extern enum store_result store_state;

/* Loads the newer valid copy into settings; false when there is none, settings hold garbage then. */
bool store_load(void);

/* What became of the rest that goes with the settings. */
enum store_more {
	STORE_MORE_OWN,     /* found */
	STORE_MORE_OTHER,   /* to be written anew: the settings are another firmware's, or the image's form is new */
	STORE_MORE_DAMAGED, /* the same; its copy is damaged, the other one was taken */
	STORE_MORE_NONE,    /* there is none: defaults */
};

/* After store_load(), which returned stored. */
enum store_more store_load_more(bool stored);

/* Asks for settings to be written; asked again meanwhile, it begins anew. */
void store_begin(void);

/* Call after a change of the settings: a write under way begins anew. */
void store_touch(void);

/* At most one byte's write; call it all the time. */
void store_run(void);

#endif
