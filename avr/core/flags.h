/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Eight bits that the whole firmware shares. They lie where the AVR changes a bit by one
 * instruction, which no interrupt can split.
 */
#ifndef CORE_FLAGS_H
#define CORE_FLAGS_H

#include <stdint.h>

struct flags {
	/*
	 * A counter has moved since the last record began. Cleared by the code that copies the
	 * counters.
	 */
	uint8_t unsaved : 1;
	/* A dip could not be saved at once. Interrupts set it too; the main loop clears it. */
	uint8_t again : 1;

	/* Only the main loop writes the following. */
	uint8_t record_due : 1; /* a full record is to be written */
	uint8_t record_bad : 1; /* a record did not read back since the last commit began */
	uint8_t events : 1;     /* watchdogs or brown-outs changed since the settings were stored */
	uint8_t pending : 1;    /* the master changed settings and has not committed them */
	uint8_t committing : 1; /* a `ct` is being carried out */
	uint8_t sends_delta : 1; /* the reply being sent is one to `gd` */
};

/*
 * A bit for each sensor. meter_fresh: it has changed since the last delta. meter_sent: a delta has
 * reported it, but the master has not read that reply to its end. Main loop only.
 */
#ifdef __AVR__
#define flags (*(volatile struct flags *)0x3e)  /* GPIOR0, 0 after every reset */
#define meter_fresh (*(volatile uint8_t *)0x4a) /* GPIOR1 */
#define meter_sent (*(volatile uint8_t *)0x4b)  /* GPIOR2 */
#else
extern volatile struct flags flags;
extern volatile uint8_t meter_fresh;
extern volatile uint8_t meter_sent;
#endif

#endif
