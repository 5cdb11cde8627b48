/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The format is `ts,watt[,watt[,watt]]`. Only the differences between the ts count. */
#include "trace.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LINE_MAX_BYTES = 200 };

static const double WATT_MAX = 1e6;
static const double TS_MAX = 1e11;
static const double LENGTH_MAX_S = 1e9; /* in nanoseconds it fits 64 bits with room to spare */

static int fail(struct trace *t, char *err, size_t err_len, int line, const char *what)
{
	trace_free(t);
	snprintf(err, err_len, "line %d: %s", line, what);
	return -1;
}

/* Reads a number up to a comma or the end. Returns the rest, or NULL if there is no number. */
static const char *number(const char *s, double *out)
{
	char *end;

	if (!isdigit((unsigned char)*s) && !(*s == '.' && isdigit((unsigned char)s[1])))
		return NULL;
	if (s[0] == '0' && (s[1] == 'x' || s[1] == 'X'))
		return NULL;
	*out = strtod(s, &end);
	return isfinite(*out) && (*end == ',' || *end == '\0') ? end : NULL;
}

/* Splits a line. Returns the number of watt columns, or -1. */
static int columns_of(const char *line, double *ts, double watt[TRACE_COLUMNS])
{
	int n = 0;

	line = number(line, ts);
	if (!line || *ts > TS_MAX)
		return -1;
	while (*line == ',') {
		if (n == TRACE_COLUMNS)
			return -1;
		line = number(line + 1, &watt[n]);
		if (!line || watt[n] > WATT_MAX)
			return -1;
		n++;
	}
	return n > 0 ? n : -1;
}

static int add_row(struct trace *t, uint64_t at_ns, const double *watt)
{
	if ((t->rows & (t->rows - 1)) == 0) {
		size_t room = t->rows ? 2 * t->rows : 1;
		struct trace_row *bigger = realloc(t->row, room * sizeof(*bigger));

		if (!bigger)
			return -1;
		t->row = bigger;
	}
	t->row[t->rows].at_ns = at_ns;
	memcpy(t->row[t->rows].watt, watt, sizeof(t->row->watt));
	t->rows++;
	return 0;
}

/* Copies a line without its end. Returns its length, 0 for a blank one. */
static size_t copy_line(char out[LINE_MAX_BYTES], const char *text, size_t n)
{
	while (n && isspace((unsigned char)text[n - 1]))
		n--;
	if (n >= LINE_MAX_BYTES)
		n = LINE_MAX_BYTES - 1;
	for (size_t i = 0; i < n; i++)
		out[i] = text[i] ? text[i] : '?';
	out[n] = '\0';
	return n;
}

static void close_period(struct trace *t)
{
	size_t n = t->rows;

	t->period_ns = UINT64_MAX;
	if (n > 1)
		t->period_ns = 2 * t->row[n - 1].at_ns - t->row[n - 2].at_ns;
}

/* Adds a line's row. Returns NULL, or the reason why it cannot. */
static const char *add_line(struct trace *t, char *line, double *first_ts)
{
	double ts, watt[TRACE_COLUMNS] = { 0 };
	int columns = columns_of(line, &ts, watt);

	if (columns < 0)
		return "expected ts,watt[,watt[,watt]] with numbers from 0 up";
	if (t->rows && (size_t)columns != t->columns)
		return "another number of columns than before";
	if (!t->rows)
		*first_ts = ts;
	double at_s = ts > *first_ts ? ts - *first_ts : 0;
	uint64_t at_ns = at_s > LENGTH_MAX_S ? 0 : (uint64_t)llround(at_s * 1e9);

	if (ts - *first_ts > LENGTH_MAX_S)
		return "ts too far from the first";
	if (t->rows && (ts < *first_ts || at_ns <= t->row[t->rows - 1].at_ns))
		return "ts does not rise";
	if (t->rows == TRACE_MAX_ROWS)
		return "too many rows";
	t->columns = (size_t)columns;
	return add_row(t, at_ns, watt) ? "out of memory" : NULL;
}

int trace_parse(struct trace *t, const char *text, size_t len, char *err, size_t err_len)
{
	double first_ts = 0;
	int line_no = 0;

	memset(t, 0, sizeof(*t));
	for (size_t pos = 0; pos < len;) {
		const char *eol = memchr(text + pos, '\n', len - pos);
		size_t n = (eol ? (size_t)(eol - text) : len) - pos;
		char line[LINE_MAX_BYTES];
		const char *fault;

		line_no++;
		n = copy_line(line, text + pos, n);
		pos = eol ? (size_t)(eol - text) + 1 : len;
		if (n == 0 || (line_no == 1 && strncmp(line, "ts,", 3) == 0))
			continue;
		fault = add_line(t, line, &first_ts);
		if (fault)
			return fail(t, err, err_len, line_no, fault);
	}
	if (!t->rows)
		return fail(t, err, err_len, line_no, "no rows");
	close_period(t);
	return 0;
}

const struct trace_row *trace_at(const struct trace *t, uint64_t now_ns, uint64_t *next_ns)
{
	uint64_t in = now_ns % t->period_ns, start = now_ns - in;
	size_t lo = 0, hi = t->rows; /* row[lo].at_ns <= in < row[hi].at_ns */

	while (hi - lo > 1) {
		size_t mid = lo + (hi - lo) / 2;

		if (t->row[mid].at_ns <= in)
			lo = mid;
		else
			hi = mid;
	}
	if (t->rows == 1)
		*next_ns = UINT64_MAX;
	else
		*next_ns = start + (hi < t->rows ? t->row[hi].at_ns : t->period_ns);
	return &t->row[lo];
}

void trace_free(struct trace *t)
{
	free(t->row);
	memset(t, 0, sizeof(*t));
}
