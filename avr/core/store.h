/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The settings' two copies in EEPROM; the older one is replaced byte by byte while everything else goes on. */
#ifndef CORE_STORE_H
#define CORE_STORE_H

#include <stdbool.h>

enum store_result {
	STORE_BUSY,
	STORE_DONE,   /* what was asked for has been read back */
	STORE_FAILED, /* the EEPROM does not take it */
};

/* Loads the newer valid copy into settings; false when there is none and settings are as they were. */
bool store_load(void);

/* Asks for settings to be written; asked again meanwhile, it begins anew. */
void store_begin(void);

/* Call after a change of the settings: a write under way begins anew. */
void store_touch(void);

/* At most one byte's write; call it all the time. Result of the last store_begin(). */
enum store_result store_run(void);

#endif
