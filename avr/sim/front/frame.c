/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Reads requests out of a byte stream that may contain anything, and writes answers. */
#include "frame.h"

#include <string.h>

#include "../shared/crc8.h"

static const uint8_t MARK = 0xF5;

size_t frame_room(const struct frame_reader *r)
{
	return sizeof(r->buf) - r->len;
}

size_t frame_feed(struct frame_reader *r, const uint8_t *bytes, size_t len)
{
	if (len > frame_room(r))
		len = frame_room(r);
	memcpy(r->buf + r->len, bytes, len);
	r->len += len;
	return len;
}

static void drop(struct frame_reader *r, size_t n)
{
	r->len -= n;
	memmove(r->buf, r->buf + n, r->len);
}

/* Skips bytes that cannot begin a frame. Returns true when the input begins with a good header. */
static bool seek_header(struct frame_reader *r)
{
	for (;;) {
		const uint8_t *mark = memchr(r->buf, MARK, r->len);

		drop(r, mark ? (size_t)(mark - r->buf) : r->len);
		if (r->len >= 2 && r->buf[1] != 'X') {
			drop(r, 1);
			continue;
		}
		if (r->len < FRAME_REQUEST_HEADER)
			return false;
		if (crc8(r->buf, FRAME_REQUEST_HEADER - 1) == r->buf[FRAME_REQUEST_HEADER - 1])
			return true;
		drop(r, 1);
	}
}

enum frame_event frame_next(struct frame_reader *r)
{
	while (seek_header(r)) {
		size_t count = (size_t)(r->buf[2] << 8 | r->buf[3]);
		size_t whole = FRAME_REQUEST_HEADER + count + 1;

		if (count == 0 || count > FRAME_MAX_BYTES) {
			drop(r, FRAME_REQUEST_HEADER);
			return FRAME_REFUSE;
		}
		if (r->len < whole)
			return FRAME_NONE;
		if (crc8(r->buf + FRAME_REQUEST_HEADER, count) != r->buf[whole - 1]) {
			/*
			 * A client may have died in it and another begun: look for a frame inside.
			 */
			drop(r, 1);
			continue;
		}
		r->count = (uint16_t)count;
		r->gap_us = (uint16_t)(r->buf[4] << 8 | r->buf[5]);
		memcpy(r->data, r->buf + FRAME_REQUEST_HEADER, count);
		drop(r, whole);
		return FRAME_REQUEST;
	}
	return FRAME_NONE;
}

bool frame_unfinished(const struct frame_reader *r)
{
	return r->len > 0;
}

void frame_give_up(struct frame_reader *r)
{
	if (r->len)
		drop(r, 1);
}

size_t frame_answer(uint8_t out[FRAME_MAX_ANSWER], enum frame_status status, const uint8_t *data,
		    uint16_t count)
{
	out[0] = MARK;
	out[1] = 'x';
	out[2] = (uint8_t)(count >> 8);
	out[3] = (uint8_t)count;
	out[4] = (uint8_t)status;
	out[5] = crc8(out, FRAME_ANSWER_HEADER - 1);
	if (count)
		memcpy(out + FRAME_ANSWER_HEADER, data, count);
	out[FRAME_ANSWER_HEADER + count] = crc8(out + FRAME_ANSWER_HEADER, count);
	return (size_t)FRAME_ANSWER_HEADER + count + 1;
}
