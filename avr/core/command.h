/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The commands of the SPI bus: from a message to its reply (docs/protocols.md §1). */
#ifndef CORE_COMMAND_H
#define CORE_COMMAND_H

#include <stdbool.h>
#include <stdint.h>


enum command_need {
	COMMAND_DONE,    /* the reply is complete */
	COMMAND_COMMIT,  /* settings and counters are to be stored; command_committed() makes the reply then */
	COMMAND_CHANGED, /* the reply is complete; settings were changed */
	COMMAND_RECORD,  /* the reply is complete; a counter was set: a record is due */
};

/*
 * Executes one message of length characters (those between `l` and `.`, CRC included; more than the message may
 * have means that it was damaged) and writes the reply, CRC and `.` included, of *reply_length characters.
 */
enum command_need command_run(const uint8_t *text, uint8_t length, uint8_t *reply, uint8_t *reply_length);

/* The reply to `ct`: its own name, or `zy` when the EEPROM did not take the data. Returns the length. */
uint8_t command_committed(bool stored, uint8_t *reply);

/* The last reply was clocked out completely: what it told need not be told again. */
void command_taken(void);

#endif
