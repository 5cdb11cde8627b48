/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which settings a sequence of bytes may change on the board, read strictly by docs/design/protocols.md §1; pure. */
#ifndef SIM_ORACLE_H
#define SIM_ORACLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	ORACLE_SETS = 8,
	ORACLE_SENSORS = 6,
	ORACLE_ANALOGS =
		3, /* the sensors before those whose pulses may be exact; the ports before those with a hold */
	ORACLE_EXACTS = 3,
	ORACLE_HOLDS = 2,
	ORACLE_TEXT = 20
};

/* What `s?` commands change. */
struct oracle_state {
	uint16_t watchdogs, brownouts;
	uint16_t constant[ORACLE_SENSORS], fraction[ORACLE_SENSORS];
	uint8_t map[ORACLE_SENSORS], enabled[ORACLE_SENSORS], hardware[3];
	uint16_t unit[ORACLE_EXACTS], pulses[ORACLE_EXACTS], hold[ORACLE_HOLDS];
	uint8_t form;
	uint32_t counter[ORACLE_SENSORS];
};

/* The set commands found in a sequence of bytes. */
struct oracle {
	char set[ORACLE_SETS][ORACLE_TEXT]; /* letters and arguments of those with a right CRC */
	int sets;
	int wrong; /* messages with the form of a set command and a wrong CRC */
	bool many; /* more sets than are kept: anything may have changed */
};

/* A message begins at each `l` and ends at `.`; where a message was unfinished before, its text comes first. */
void oracle_scan(struct oracle *o, const uint8_t *bytes, size_t len);

/* True when some of the sets, in their order, lead from before to after. */
bool oracle_explains(const struct oracle *o, const struct oracle_state *before,
		     const struct oracle_state *after);

#endif
