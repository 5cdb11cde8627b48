/* SPDX-License-Identifier: GPL-3.0-or-later */
/* State machine of the bus, one byte at a time; bounded work for each. */
#include "link.h"

#include "guard.h"
#include "hex.h"

struct link link;

static void message_begin(void)
{
	link.epoch++;
	link.owed = false;
	link.replying = false;
	link.message[link.filling].length = 0;
	link.message[link.filling].epoch = link.epoch;
	link.state = LINK_CONTROL;
}

/* Hands the message to the main loop; one that it has not taken yet is overtaken. */
static void message_end(bool good)
{
	if (!good)
		link.message[link.filling].length = LINK_BAD;
	link.filling ^= 1;
	link.complete = 1;
	link.owed = true;
	link.state = LINK_IDLE;
}

static void message_more(uint8_t in)
{
	struct link_message *message = &link.message[link.filling];

	if (message->length < LINK_MESSAGE_MAX)
		message->text[message->length++] = in;
	else
		message->length = LINK_BAD;
}

static void uart_digit(uint8_t in)
{
	uint8_t value = hex_value(in);

	if (value == HEX_BAD || link.nibble == HEX_BAD) {
		link.nibble = value;
		return;
	}
	ring_put(&link.to_uart, (uint8_t)(link.nibble << 4 | value));
	link.nibble = HEX_BAD;
}

static void listen(uint8_t in)
{
	if (in == 'l') {
		message_begin();
	} else if (in == 'u') {
		if (link.state == LINK_CONTROL)
			message_end(false);
		link.nibble = HEX_BAD;
		link.state = LINK_UART;
	} else if (in == '.') {
		if (link.state == LINK_IDLE && !link.owed)
			message_begin();
		if (link.state == LINK_CONTROL)
			message_end(true);
	} else if (link.state == LINK_CONTROL) {
		message_more(in);
	} else if (link.state == LINK_UART) {
		uart_digit(in);
	}
}

static uint8_t turn(void)
{
	if (link.state == LINK_CONTROL && link.message[link.filling].length)
		message_end(false);
	link.state = LINK_TURN;
	return 0;
}

/* `l` when the reply is ready or none is owed, else 0x00. */
static uint8_t reply_begin(void)
{
	if (link.owed && !link.replying) {
		link.state = LINK_WAIT;
		return 0;
	}
	link.state = LINK_REPLY;
	link.at = 0;
	return 'l';
}

static uint8_t reply_next(void)
{
	if (link.replying && link.at < link.reply_length)
		return link.reply[link.at++];
	link.at = (uint8_t)(2 * ring_count(&link.from_uart));
	link.state = LINK_BYTES;
	return 'u';
}

static uint8_t uart_next(void)
{
	uint8_t byte;

	if (!link.at) {
		link.state = LINK_END;
		return 0;
	}
	if (link.at-- & 1)
		return hex_digit(link.nibble);
	byte = ring_get(&link.from_uart);
	link.nibble = byte;
	return hex_digit((uint8_t)(byte >> 4));
}

static void transmitted(void)
{
	if (link.replying)
		link.taken = true;
	link.owed = false;
	link.replying = false;
	link.state = LINK_LAST;
}

uint8_t link_byte(uint8_t in)
{
	if (link.state == LINK_END) {
		transmitted();
		if (!in)
			return 0;
	}
	if (in) {
		if (link.state >= LINK_TURN) {
			link.owed = false;
			link.replying = false;
			link.state = LINK_IDLE;
		}
		listen(in);
		return 0;
	}
	switch (link.state) {
	case LINK_TURN:
	case LINK_WAIT:
		return reply_begin();
	case LINK_REPLY:
		return reply_next();
	case LINK_BYTES:
		return uart_next();
	case LINK_LAST:
		link.state = LINK_IDLE;
		return 0;
	default:
		return turn();
	}
}

bool link_take(struct link_message *message)
{
	uint8_t guard = guard_enter();
	bool any = link.complete;

	if (any) {
		*message = link.message[link.filling ^ 1];
		link.complete = 0;
	}
	guard_leave(guard);
	return any;
}

bool link_waits(uint8_t epoch)
{
	uint8_t guard = guard_enter();
	bool waits = link.owed && !link.complete && link.epoch == epoch;

	guard_leave(guard);
	return waits;
}

bool link_answer(uint8_t length, uint8_t epoch)
{
	uint8_t guard = guard_enter();
	bool timely = link.owed && link.epoch == epoch;

	if (timely) {
		link.reply_length = length;
		link.replying = true;
	}
	guard_leave(guard);
	return timely;
}
