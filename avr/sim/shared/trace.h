/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A trace of watts from CSV. A row holds until the next one; the trace repeats for ever. */
#ifndef SIM_TRACE_H
#define SIM_TRACE_H

#include <stddef.h>
#include <stdint.h>

enum {
	TRACE_COLUMNS = 3,        /* analog inputs of the board */
	TRACE_MAX_ROWS = 4000000, /* 46 days of seconds, 128 MB */
};

struct trace_row {
	uint64_t at_ns; /* after the first row */
	double watt[TRACE_COLUMNS];
};

struct trace {
	struct trace_row *row;
	size_t rows;
	size_t columns;
	uint64_t period_ns; /* until the trace repeats; UINT64_MAX for a single row */
};

/* Reads CSV text. Returns 0, or -1 with reason and line in err and nothing allocated. */
int trace_parse(struct trace *t, const char *text, size_t len, char *err, size_t err_len);

/* Returns the row that holds at a time, and the time of the next change (UINT64_MAX: never). */
const struct trace_row *trace_at(const struct trace *t, uint64_t now_ns, uint64_t *next_ns);

void trace_free(struct trace *t);

#endif
