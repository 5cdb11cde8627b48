/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A trace of watts: CSV rows held until the next, repeated without end; pure. */
#ifndef SIM_TRACE_H
#define SIM_TRACE_H

#include <stddef.h>
#include <stdint.h>

enum {
	TRACE_COLUMNS = 3,        /* analog inputs of the board */
	TRACE_MAX_ROWS = 4000000, /* 46 days of seconds, 128 MB */
};

struct trace_row {
	uint64_t at_ns; /* since the first row */
	double watt[TRACE_COLUMNS];
};

struct trace {
	struct trace_row *row;
	size_t rows;
	size_t columns;
	uint64_t period_ns; /* until the trace starts again; UINT64_MAX for a single row */
};

/* Reads CSV text. Returns 0, or -1 with reason and line in err; then nothing is allocated. */
int trace_parse(struct trace *t, const char *text, size_t len, char *err, size_t err_len);

/* The row that holds at a time, and the time of the next change (UINT64_MAX: never). */
const struct trace_row *trace_at(const struct trace *t, uint64_t now_ns, uint64_t *next_ns);

void trace_free(struct trace *t);

#endif
