/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Says which settings a sequence of bytes may change, by a strict reading of
 * docs/design/protocols.md §1. Does no input or output.
 */
#ifndef SIM_ORACLE_H
#define SIM_ORACLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	ORACLE_SETS = 8,
	ORACLE_SENSORS = 6,
	ORACLE_ANALOGS = 3, /* sensors without exact pulses, and ports without a hold */
	ORACLE_EXACTS = 3,
	ORACLE_HOLDS = 2,
	ORACLE_TEXT = 20
};

/* The settings that `s?` commands change. */
struct oracle_state {
	uint16_t watchdogs, brownouts;
	uint16_t constant[ORACLE_SENSORS], fraction[ORACLE_SENSORS];
	uint8_t map[ORACLE_SENSORS], enabled[ORACLE_SENSORS], hardware[3];
	uint16_t unit[ORACLE_EXACTS], pulses[ORACLE_EXACTS], hold[ORACLE_HOLDS];
	uint8_t form;
	uint32_t counter[ORACLE_SENSORS];
};

/* The set commands in a sequence of bytes. */
struct oracle {
	char set[ORACLE_SETS][ORACLE_TEXT]; /* letters and arguments of the ones with a right CRC */
	int sets;
	int wrong; /* set commands with a wrong CRC */
	bool many; /* more sets than fit, so anything may have changed */
};

/*
 * Finds set commands. A message begins at each `l` and ends at `.`. If the input before ended in a
 * message, its text comes first.
 */
void oracle_scan(struct oracle *o, const uint8_t *bytes, size_t len);

/* Returns true if some of the sets, in their order, lead from before to after. */
bool oracle_explains(const struct oracle *o, const struct oracle_state *before,
		     const struct oracle_state *after);

#endif
