/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Tests the parts of fluksosim that do no input or output, under the sanitizers: tables, then
 * random bytes.
 */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../front/clock.h"
#include "../shared/command.h"
#include "../shared/crc8.h"
#include "../front/frame.h"
#include "../shared/ihex.h"
#include "../shared/random.h"
#include "../shared/trace.h"

enum { ROUNDS = 20000 };

static uint32_t state = 12345;

static uint32_t rnd(void)
{
	return xorshift32(&state);
}

static size_t make_request(uint8_t *out, const uint8_t *data, uint16_t count, uint16_t gap)
{
	uint8_t header[7] = {
		0xF5,         'X', (uint8_t)(count >> 8), (uint8_t)count, (uint8_t)(gap >> 8),
		(uint8_t)gap, 0
	};

	header[6] = crc8(header, 6);
	memcpy(out, header, 7);
	memcpy(out + 7, data, count);
	out[7 + count] = crc8(data, count);
	return 8u + count;
}

/* Feeds everything in pieces of at most step bytes. Counts requests with this content. */
static int requests_in(const uint8_t *bytes, size_t len, size_t step, const uint8_t *want,
		       uint16_t count)
{
	struct frame_reader r = { .len = 0 };
	int found = 0;

	while (len || frame_unfinished(&r)) {
		size_t n = frame_feed(&r, bytes, len < step ? len : step);
		enum frame_event e;

		bytes += n;
		len -= n;
		while ((e = frame_next(&r)) != FRAME_NONE)
			found += e == FRAME_REQUEST && r.count == count &&
				 memcmp(r.data, want, count) == 0;
		if (n == 0)
			frame_give_up(&r);
	}
	return found;
}

static void test_frames(void)
{
	uint8_t data[FRAME_MAX_BYTES], buf[4 * FRAME_MAX_REQUEST];

	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)rnd();
	size_t n = make_request(buf, data, 20, 250);

	for (size_t step = 1; step <= n; step++)
		assert(requests_in(buf, n, step, data, 20) == 1);
	/* After a client that died inside a frame, the next frame is found. */
	for (size_t cut = 1; cut < n; cut++) {
		memmove(buf + cut, buf, n);
		make_request(buf, data, 20, 250);
		make_request(buf + cut, data, 20, 250);
		assert(requests_in(buf, cut + n, 7, data, 20) == 1);
	}
	n = make_request(buf, data, FRAME_MAX_BYTES, 0);
	assert(requests_in(buf, n, 1000, data, FRAME_MAX_BYTES) == 1);
	buf[n - 1] ^= 1;
	assert(requests_in(buf, n, 1000, data, FRAME_MAX_BYTES) == 0);
	for (int round = 0; round < ROUNDS / 10; round++) {
		size_t len = rnd() % 300, at = 0;

		while (at < len)
			buf[at++] = (uint8_t)(rnd() % 5 ? rnd() : 0xF5);
		size_t whole = make_request(buf + len, data, 20, 250);

		assert(requests_in(buf, len + whole, 1 + rnd() % 50, data, 20) == 1);
	}
}

static void test_refused_counts(void)
{
	uint8_t header[7] = { 0xF5, 'X', 0, 0, 0, 0, 0 };
	struct frame_reader r = { .len = 0 };
	uint8_t out[FRAME_MAX_ANSWER];

	for (int count = 0; count < 2; count++) {
		header[2] = count ? 0x04 : 0;
		header[3] = count ? 0x01 : 0;
		header[6] = crc8(header, 6);
		frame_feed(&r, header, sizeof(header));
		assert(frame_next(&r) == FRAME_REFUSE);
	}
	assert(frame_answer(out, FRAME_MALFORMED, NULL, 0) == 7 && out[6] == 0);
}

static int trace_of(const char *text, struct trace *t, char *err)
{
	return trace_parse(t, text, strlen(text), err, 100);
}

static void test_traces(void)
{
	static const char *const BAD[] = {
		"",        "ts,watt\n",   "1\n",           "1,\n",         "1,2,3,4,5\n",
		"1,x\n",   "1,2\n1,2\n",  "2,2\n1,2\n",    "1,2\n2,2,3\n", "1,-2\n",
		"1,2e9\n", "1,nan\n",     "1,inf\n",       "1,0x10\n",     "x,1\n",
		"1,2 3\n", "1,2\n\x01\n", "1,2\n1e99,2\n",
	};
	struct trace t;
	char err[100];
	uint64_t next;

	for (size_t i = 0; i < sizeof(BAD) / sizeof(BAD[0]); i++)
		assert(trace_of(BAD[i], &t, err) == -1 && strncmp(err, "line ", 5) == 0 && !t.row);
	assert(trace_of("1,2\n2,3\nbad\n", &t, err) == -1 && strncmp(err, "line 3:", 7) == 0);
	assert(trace_of("ts,watt\r\n1700000000.5,100\r\n1700000001.5,200.25\r\n1700000003.5,0\r\n",
			&t, err) == 0);
	assert(t.rows == 3 && t.columns == 1 && t.period_ns == 5000000000u);
	assert(trace_at(&t, 0, &next)->watt[0] == 100 && next == 1000000000u);
	assert(trace_at(&t, 2999999999u, &next)->watt[0] == 200.25 && next == 3000000000u);
	assert(trace_at(&t, 4999999999u, &next)->watt[0] == 0 && next == 5000000000u);
	assert(trace_at(&t, 5000000000u, &next)->watt[0] == 100 && next == 6000000000u);
	trace_free(&t);
	assert(trace_of("5,1,2,3", &t, err) == 0 && t.columns == 3);
	assert(trace_at(&t, 12345, &next)->watt[2] == 3 && next == UINT64_MAX);
	trace_free(&t);
	for (int round = 0; round < ROUNDS; round++) {
		char text[64];
		size_t len = rnd() % sizeof(text);

		for (size_t i = 0; i < len; i++)
			text[i] = "0123456789.,,,\n\n-e \0xtsn"[rnd() % 24];
		if (trace_parse(&t, text, len, err, sizeof(err)) == 0) {
			trace_at(&t, rnd(), &next);
			trace_free(&t);
		}
	}
}

static void test_numbers(void)
{
	static const char *const NO_NUMBER[] = { "",
						 "-1",
						 "+1",
						 " 1",
						 "1 ",
						 "0x1",
						 "1e3",
						 "18446744073709551616",
						 "99999999999999999999999" };
	uint8_t bytes[4];
	uint64_t v;
	double d;

	for (size_t i = 0; i < sizeof(NO_NUMBER) / sizeof(NO_NUMBER[0]); i++)
		assert(!command_u64(NO_NUMBER[i], UINT64_MAX, &v));
	assert(command_u64("18446744073709551615", UINT64_MAX, &v) && v == UINT64_MAX);
	assert(!command_u64("11", 10, &v) && command_u64("10", 10, &v));
	assert(command_decimal("0.25", 1, &d) && d == 0.25 && command_decimal(".5", 1, &d) &&
	       command_decimal("1.", 1, &d));
	assert(!command_decimal(".", 1, &d) && !command_decimal("1.2.3", 9, &d) &&
	       !command_decimal("2", 1, &d));
	assert(!command_decimal("nan", 1, &d) && !command_decimal("1e1", 99, &d) &&
	       !command_decimal("", 1, &d));
	assert(command_hex("00fFA0", bytes, 4) == 3 && bytes[1] == 0xFF && bytes[2] == 0xA0);
	assert(command_hex("0", bytes, 4) == -1 && command_hex("", bytes, 4) == -1 &&
	       command_hex("0g", bytes, 4) == -1);
	assert(command_hex("0011223344", bytes, 4) == -1);
}

static void test_words(void)
{
	char line[COMMAND_LINE], *word[COMMAND_WORDS];

	strcpy(line, "  a bb\tc \r");
	assert(command_split(line, strlen(line), word) == 3 && strcmp(word[1], "bb") == 0 &&
	       strcmp(word[2], "c") == 0);
	for (int round = 0; round < ROUNDS; round++) {
		size_t len = rnd() % (round % 50 ? 40 : sizeof(line) - 1);

		for (size_t i = 0; i < len; i++)
			line[i] = (char)(rnd() % 8 ? 'a' : rnd());
		int n = command_split(line, len, word);

		for (int i = 0; i < n; i++)
			assert(word[i] >= line && word[i] < line + len && *word[i]);
	}
}

static long ihex_of(const char *text, uint8_t *image, char *err)
{
	memset(image, 0xFF, 32);
	return ihex_parse(text, strlen(text), image, 32, err, 100);
}

static void test_ihex(void)
{
	static const char *const BAD[] = {
		"",
		"\n",
		":00000001FE\n",
		"00000001FF\n",
		":0400000001020304F2\n",
		":04000000010203F3\n:00000001FF\n",
		":02001F000102DC\n:00000001FF\n",
		":00000006FA\n",
		":0000000XFF\n",
		":",
	};
	uint8_t image[32];
	char err[100];

	assert(ihex_of(":0400000001020304F2\r\n:00000001FF\r\n", image, err) == 4 &&
	       image[3] == 4 && image[4] == 0xFF);
	assert(ihex_of(":020000040000FA\n:01001F0055 8B\n", image, err) == -1);
	assert(ihex_of(":01001F00558B\n:00000001FF\n", image, err) == 32 && image[31] == 0x55);
	for (size_t i = 0; i < sizeof(BAD) / sizeof(BAD[0]); i++)
		assert(ihex_of(BAD[i], image, err) == -1);
	for (int round = 0; round < ROUNDS; round++) {
		char text[80];
		size_t len = rnd() % sizeof(text);

		for (size_t i = 0; i < len; i++)
			text[i] = ":0123456789ABCDEF\n00000"[rnd() % 22];
		ihex_parse(text, len, image, sizeof(image), err, sizeof(err));
	}
}

static void test_clock(void)
{
	struct clock c;
	const uint64_t S = 1000000000;

	clock_init(&c, 20, (int64_t)(1000 * S), false, 5 * S);
	assert(clock_horizon(&c, 0, 5 * S + 1000000, 0, 0) == 20000000);
	assert(clock_horizon(&c, 0, 6 * S, 0, 0) == 0); /* far too late, so not made up for */
	assert(clock_wall_ns(&c, 3 * S) == (int64_t)(1003 * S));
	clock_speed(&c, 0, 7, 6 * S);
	assert(clock_horizon(&c, 7, 9 * S, 0, 0) == 0 && clock_horizon(&c, 7, 9 * S, 0, 99) == 99);
	clock_speed(&c, SPEED_MAX, 7, 6 * S);
	assert(clock_horizon(&c, 7, 9 * S, 0, 0) == UINT64_MAX);
	clock_init(&c, SPEED_MAX, (int64_t)(990 * S), true, 0);
	assert(clock_horizon(&c, 0, 0, (int64_t)(1000 * S), 0) == 10 * S);
	assert(c.catch_up && clock_horizon(&c, 10 * S, S, (int64_t)(1000 * S), 0) == 10 * S);
	assert(!c.catch_up && c.speed == 1);
}

int main(void)
{
	test_frames();
	test_refused_counts();
	test_traces();
	test_numbers();
	test_words();
	test_ihex();
	test_clock();
	puts("simulator: pure parts ok");
	return 0;
}
