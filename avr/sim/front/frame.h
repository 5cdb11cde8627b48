/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Frames of the bus socket (docs/contributing/simulator.md, "The bus"). Does no input or output. */
#ifndef SIM_FRAME_H
#define SIM_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	FRAME_MAX_BYTES = 1024, /* a router's spidev message has fewer than 300 */
	FRAME_REQUEST_HEADER = 7,
	FRAME_ANSWER_HEADER = 6,
	FRAME_MAX_REQUEST = FRAME_REQUEST_HEADER + FRAME_MAX_BYTES + 1,
	FRAME_MAX_ANSWER = FRAME_ANSWER_HEADER + FRAME_MAX_BYTES + 1,
};

enum frame_status { FRAME_DONE = 0, FRAME_NO_POWER = 1, FRAME_MALFORMED = 2 };

enum frame_event {
	FRAME_NONE,    /* nothing complete yet */
	FRAME_REQUEST, /* count, gap_us and data hold a request */
	FRAME_REFUSE,  /* a header with a bad count: answer FRAME_MALFORMED */
};

/* The input of one client that has not been used. */
struct frame_reader {
	uint8_t buf[FRAME_MAX_REQUEST];
	size_t len;
	uint16_t count;
	uint16_t gap_us;
	uint8_t data[FRAME_MAX_BYTES];
};

/* Returns the room for more input. It is 0 only while a complete frame waits for frame_next(). */
size_t frame_room(const struct frame_reader *r);

/* Adds at most frame_room() bytes of input. Returns how many. */
size_t frame_feed(struct frame_reader *r, const uint8_t *bytes, size_t len);

/* Takes the next request out of the input, and skips bytes that belong to no frame. */
enum frame_event frame_next(struct frame_reader *r);

/* Returns true while an unfinished frame waits for its end. */
bool frame_unfinished(const struct frame_reader *r);

/* Drops the first byte of an unfinished frame and looks for a frame in the rest. */
void frame_give_up(struct frame_reader *r);

/* Writes an answer of count bytes (at most FRAME_MAX_BYTES). Returns its length. */
size_t frame_answer(uint8_t out[FRAME_MAX_ANSWER], enum frame_status status, const uint8_t *data,
		    uint16_t count);

#endif
