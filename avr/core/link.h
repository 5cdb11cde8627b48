/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The byte stream of the SPI bus: who listens, who transmits, where messages begin and end (docs/protocols.md §1). */
#ifndef CORE_LINK_H
#define CORE_LINK_H

#include <stdbool.h>
#include <stdint.h>

#include "ring.h"

#define LINK_MESSAGE_MAX 16 /* `sp`: 2 letters, 6 × 2 digits, CRC of 2 */
#define LINK_REPLY_MAX 137  /* `gd`: 2 letters, 6 × 22 digits, CRC of 2, `.` */
#define LINK_BAD 0xff       /* length of a message that was too long or never ended */

enum link_state {
	LINK_IDLE,    /* listening, outside of any message */
	LINK_CONTROL, /* listening, inside a control message */
	LINK_UART,    /* listening, hex pairs for the UART */
	LINK_TURN,    /* the first 0x00 has come; states from here on transmit */
	LINK_WAIT,    /* the reply is not ready: 0x00 is sent meanwhile */
	LINK_REPLY,   /* `l` is loaded, then the control reply */
	LINK_BYTES,   /* hex pairs from the UART */
	LINK_END,     /* the terminating 0x00 is loaded */
	LINK_LAST,    /* it has been clocked out; one more 0x00 is due */
};

struct link_message {
	uint8_t length; /* or LINK_BAD */
	uint8_t epoch;  /* link.epoch when it began */
	uint8_t text[LINK_MESSAGE_MAX];
};

/*
 * Written by the SPI interrupt (link_byte); the main loop writes reply[] and reply_length while `replying` is false and
 * `owed` true, and the flags named below with interrupts off.
 */
struct link {
	struct ring to_uart;   /* put by the SPI interrupt */
	struct ring from_uart; /* got by the SPI interrupt */
	struct link_message message[2];
	uint8_t reply[LINK_REPLY_MAX];
	uint8_t reply_length;
	uint8_t state;
	uint8_t at;                /* position in reply[], or digits of the UART still to send */
	uint8_t filling;           /* message[] that is being received; the other one is complete or free */
	uint8_t nibble;            /* first digit of a pair for the UART, or HEX_BAD */
	volatile uint8_t complete; /* messages that the main loop has not taken, 0 … 1 */
	volatile uint8_t epoch;    /* rises with each message begun: a reply to an older one is void */
	volatile bool owed;        /* a message ended, its reply has not been given */
	volatile bool replying;    /* reply[] is ready to be sent */
	volatile bool taken;       /* a whole control reply was clocked out; the main loop clears it */
};

extern struct link link;

/* One byte has been clocked; returns the byte to load for the next. */
uint8_t link_byte(uint8_t in);

/* Moves a complete message out; false when there is none. Main loop. */
bool link_take(struct link_message *message);

/* True while the master waits for the reply to the message of that epoch. Main loop. */
bool link_waits(uint8_t epoch);

/* Gives the reply in link.reply for the message of that epoch; false when it came too late. Main loop. */
bool link_answer(uint8_t length, uint8_t epoch);

#endif
