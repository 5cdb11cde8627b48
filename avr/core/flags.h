/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Eight bits that the whole firmware shares, where the AVR reaches each by one instruction, which no interrupt splits. */
#ifndef CORE_FLAGS_H
#define CORE_FLAGS_H

#include <stdint.h>

struct flags {
	uint8_t unsaved
		: 1; /* a counter moved since the last record began; cleared by who begins one */
	uint8_t again
		: 1; /* a dip could not be saved at once; set by interrupts as well, cleared by the main loop */
	uint8_t record_due
		: 1; /* a full record is to be written; from here on the main loop alone writes */
	uint8_t record_bad : 1; /* a record did not read back since the last commit began */
	uint8_t events
		: 1; /* watchdogs or brown-outs were counted since the settings were written */
	uint8_t pending : 1;    /* the master changed settings and has not committed them */
	uint8_t committing : 1; /* a `ct` is being carried out */
	uint8_t tells : 1;      /* the reply being sent is one to `gd` */
};

/*
 * meter_fresh: sensors with news since the last delta, one bit each; meter_told: those that a delta has told but whose
 * reply was not read to its end. Main loop only.
 */
#ifdef __AVR__
#define flags (*(volatile struct flags *)0x3e)  /* GPIOR0, 0 after every reset */
#define meter_fresh (*(volatile uint8_t *)0x4a) /* GPIOR1 */
#define meter_told (*(volatile uint8_t *)0x4b)  /* GPIOR2 */
#else
extern volatile struct flags flags;
extern volatile uint8_t meter_fresh;
extern volatile uint8_t meter_told;
#endif

#endif
