/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The text lines that the generation 1 board sends (docs/design/protocols.md §2). */
#ifndef CORE_LINE_H
#define CORE_LINE_H

#include <stdbool.h>
#include <stdint.h>

#include "shape.h"

#define LINE_MAX 60 /* `pls `, 32 digits, two colons, 2 × 10 digits, line feed */

/* What is to be reported. Main loop only. */
struct line_news {
	uint8_t power;          /* a bit for each sensor whose power is new */
	bool brownout;          /* the supply fell */
	bool watchdog;          /* the watchdog reset the board */
	uint32_t sent[SENSORS]; /* the counters as last reported */
};

extern struct line_news line_news;

/* Marks the present counters as reported. Called at start. */
void line_begin(void);

/*
 * Writes the next line and returns its length, at most LINE_MAX, or 0 when there is nothing to
 * report.
 */
uint8_t line_next(char *line);

#endif
