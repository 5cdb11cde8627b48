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

/*
 * Written by the SPI interrupt (link_byte). The main loop reads message[] while `complete` is set and then checks that
 * the epoch is still the same; it writes reply[] while `owed` is true and `replying` false; the flags named below it
 * writes with interrupts off.
 */
struct link {
	uint8_t state;
	uint8_t at; /* position in reply[], or digits of the UART still to send */
	uint8_t nibble; /* first digit of a pair for the UART, or HEX_BAD; second digit of a pair from it */
	uint8_t reply_length;
	uint8_t length; /* of the message, or LINK_BAD */
	volatile uint8_t
		epoch; /* rises with each message begun: what belongs to an older one is void */
	volatile bool
		complete; /* message[] holds one that the main loop has not looked at; it clears it */
	volatile bool owed;     /* a message ended, its reply has not been given */
	volatile bool replying; /* reply[] is ready to be sent; set by the main loop */
	volatile bool taken;    /* a whole control reply was clocked out; the main loop clears it */
	uint8_t message[LINK_MESSAGE_MAX];
	struct ring to_uart;   /* put by the SPI interrupt */
	struct ring from_uart; /* got by the SPI interrupt */
	uint8_t reply[LINK_REPLY_MAX];
};

extern struct link link;

/* One byte has been clocked; returns the byte to load for the next. */
uint8_t link_byte(uint8_t in);

/* True when the master still waits for the reply to the message of that epoch. Main loop. */
bool link_waits(uint8_t epoch);

/* Gives the reply in link.reply. Main loop, with interrupts off and link_waits(). */
void link_answer(uint8_t length);

#endif
