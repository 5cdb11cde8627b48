/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The byte stream of the SPI bus: finds messages and sends replies (docs/design/protocols.md §1).
 */
#ifndef CORE_LINK_H
#define CORE_LINK_H

#include <stdbool.h>
#include <stdint.h>

#include "ring.h"

#define LINK_MESSAGE_MAX 16 /* `sp`: 2 letters, 6 × 2 digits, CRC of 2 */
#define LINK_REPLY_MAX 137  /* `gd`: 2 letters, 6 × 22 digits, CRC of 2, `.` */
#define LINK_BAD 0xff       /* link.length of a message that was too long or never ended */

enum link_state {
	LINK_IDLE,    /* listens, outside of any message */
	LINK_CONTROL, /* listens, inside a control message */
	LINK_UART,    /* listens to hex pairs for the UART */
	LINK_TURN,    /* the first 0x00 has come; this state and those below transmit */
	LINK_WAIT,    /* sends 0x00 until the reply is ready */
	LINK_REPLY,   /* sends `l` and the control reply */
	LINK_BYTES,   /* sends `u` and hex pairs from the UART */
	LINK_END,     /* the terminating 0x00 is loaded */
	LINK_LAST,    /* it has been clocked out; one more 0x00 follows */
};

/*
 * Written by the SPI interrupt, in link_byte(). The main loop reads message[] while complete is
 * set, then checks that epoch has not changed. It writes reply[] while owed is true and replying is
 * false. It writes the flags that the comments name with interrupts off.
 */
struct link {
	uint8_t state;
	uint8_t at;     /* position in reply[], or digits from the UART still to send */
	uint8_t nibble; /* first digit of a pair, or HEX_BAD; the byte whose second is due */
	uint8_t reply_length;
	uint8_t length;          /* of the message, or LINK_BAD */
	volatile uint8_t epoch;  /* counts messages begun; replies to older ones are dropped */
	volatile bool complete;  /* message[] is new; the main loop clears this */
	volatile bool owed;      /* a message has ended and its reply has not been sent */
	volatile bool replying;  /* reply[] is ready; the main loop sets this */
	volatile bool delivered; /* a whole reply was clocked out; the main loop clears this */
	uint8_t message[LINK_MESSAGE_MAX];
	struct ring to_uart;   /* the SPI interrupt puts bytes in */
	struct ring from_uart; /* the SPI interrupt takes bytes out */
	uint8_t reply[LINK_REPLY_MAX];
};

extern struct link link;

/* Handles the byte that was clocked in. Returns the byte to load for the next exchange. */
uint8_t link_byte(uint8_t in);

/* Returns true while the master waits for the reply to the message of this epoch. Main loop. */
bool link_waits(uint8_t epoch);

/*
 * Releases the reply in link.reply. Main loop, with interrupts off and while link_waits() is true.
 */
void link_answer(uint8_t length);

#endif
