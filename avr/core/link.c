/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The state machine of the bus. It takes one byte a call and does bounded work. */
#ifdef BOARD_SPI
#include "link.h"

#include "hex.h"
#include "shape.h"

struct link link;

static inline void message_begin(struct link *now)
{
	now->epoch++;
	now->complete = false;
	now->owed = false;
	now->replying = false;
	now->length = 0;
	now->state = LINK_CONTROL;
}

/* Hands the message to the main loop. */
static inline void message_end(struct link *now, bool good)
{
	if (!good)
		now->length = LINK_BAD;
	now->complete = true;
	now->owed = true;
	now->state = LINK_IDLE;
}

static inline void message_more(struct link *now, uint8_t in)
{
	if (now->length < LINK_MESSAGE_MAX)
		now->message[now->length++] = in;
	else
		now->length = LINK_BAD;
}

static inline void uart_digit(struct link *now, uint8_t in)
{
	uint8_t value = hex_value(in);

	if (value == HEX_BAD || now->nibble == HEX_BAD) {
		now->nibble = value;
		return;
	}
	ring_put(&now->to_uart, (uint8_t)(now->nibble << 4 | value));
	now->nibble = HEX_BAD;
}

static inline void listen(struct link *now, uint8_t in)
{
	if (in == 'l') {
		message_begin(now);
	} else if (in == 'u') {
		if (now->state == LINK_CONTROL)
			message_end(now, false);
		now->nibble = HEX_BAD;
		now->state = LINK_UART;
	} else if (now->state == LINK_UART) {
		uart_digit(now, in);
	} else if (in == '.') {
		if (now->state == LINK_CONTROL || !now->owed)
			message_end(now, now->state == LINK_CONTROL);
	} else if (now->state == LINK_CONTROL) {
		message_more(now, in);
	}
}

/* Sends `l` when the reply is ready or none is owed, else 0x00. */
static inline uint8_t reply_begin(struct link *now)
{
	now->state = LINK_WAIT;
	if (now->owed && !now->replying)
		return 0;
	now->state = LINK_REPLY;
	now->at = 0;
	return 'l';
}

static inline uint8_t reply_next(struct link *now)
{
	if (now->replying && now->at < now->reply_length)
		return now->reply[now->at++];
	now->at = (uint8_t)(2 * ring_count(&now->from_uart));
	now->state = LINK_BYTES;
	return 'u';
}

static inline uint8_t uart_next(struct link *now)
{
	if (!now->at) {
		now->state = LINK_END;
		return 0;
	}
	if (!(now->at-- & 1)) {
		now->nibble = ring_get(&now->from_uart);
		return hex_digit((uint8_t)(now->nibble >> 4));
	}
	return hex_digit(now->nibble);
}

/* Notes that the terminating 0x00 was clocked out. */
static inline void transmitted(struct link *now)
{
	if (now->replying)
		now->delivered = true;
	now->owed = false;
	now->replying = false;
}

/* Returns the next byte to send, while the master reads. */
static inline uint8_t transmit(struct link *now)
{
	switch (now->state) {
	case LINK_TURN:
	case LINK_WAIT:
		return reply_begin(now);
	case LINK_REPLY:
		return reply_next(now);
	case LINK_BYTES:
		return uart_next(now);
	case LINK_END:
		now->state = LINK_LAST;
		return 0;
	case LINK_LAST:
		now->state = LINK_IDLE;
		return 0;
	default:
		if (now->state == LINK_CONTROL && now->length)
			message_end(now, false);
		now->state = LINK_TURN;
		return 0;
	}
}

uint8_t link_byte(uint8_t in)
{
	struct link *now = &link;

	BASE(now);
	if (now->state == LINK_END)
		transmitted(now);
	if (!in)
		return transmit(now);
	if (now->state >= LINK_TURN) {
		now->owed = false;
		now->replying = false;
		now->state = LINK_IDLE;
	}
	listen(now, in);
	return 0;
}

SHARED bool link_waits(uint8_t epoch)
{
	return link.owed && link.epoch == epoch;
}

void link_answer(uint8_t length)
{
	link.reply_length = length;
	link.replying = true;
}
#endif
