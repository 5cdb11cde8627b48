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

/* What became of the settings and of the rest that goes with them. */
enum store_found {
	STORE_OWN,     /* found; in all other cases both are to be written anew */
	STORE_OTHER,   /* the settings are another firmware's, or the image's form is new */
	STORE_DAMAGED, /* what was newest is damaged: an older copy was taken */
	STORE_NO_MORE, /* there is no rest: defaults */
};

/* After store_load(), which returned stored. */
enum store_found store_load_more(bool stored);

/* Asks for settings to be written; asked again meanwhile, it begins anew. */
void store_begin(void);

/* Call after a change of the settings: a write under way begins anew. */
void store_touch(void);

/* At most one byte's write; call it all the time. */
void store_run(void);

#endif
