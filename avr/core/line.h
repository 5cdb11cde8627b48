/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Lines of the board with a serial line (docs/protocols.md §2). */
#ifndef CORE_LINE_H
#define CORE_LINE_H

#include <stdbool.h>
#include <stdint.h>

#include "shape.h"

#define LINE_MAX 60 /* `pls `, 32 digits, two colons, 2 × 10 digits, line feed */

/* What has happened and is still to be told. Main loop only. */
struct line_news {
	uint8_t power;          /* sensors whose power is new, one bit each */
	bool brownout;          /* the supply fell */
	bool watchdog;          /* the watchdog reset the board */
	uint32_t told[SENSORS]; /* counters as last told */
};

extern struct line_news line_news;

/* At start: counters as they are need not be told. */
void line_begin(void);

/* Writes the most urgent news as a line of at most LINE_MAX bytes; 0 when there are none. */
uint8_t line_next(char *line);

#endif
