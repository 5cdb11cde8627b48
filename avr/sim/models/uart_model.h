/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The USART: double-buffered in both directions, with overrun, at the baud rate that the firmware
 * sets.
 */
#ifndef SIM_UART_MODEL_H
#define SIM_UART_MODEL_H

#include <avr_uart.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { UART_QUEUE = 4096 }; /* bytes kept for the other side, in each direction */

struct uart_ring {
	uint8_t byte[UART_QUEUE];
	size_t first, count;
};

struct uart_model {
	avr_uart_t *io;
	uint32_t baud; /* of the device on the line */
	/* The receiver has two bytes behind UDR and one in the shift register. */
	uint8_t fifo[2];
	int fifo_count;
	uint8_t shift;
	bool shift_full;
	bool overrun;
	struct uart_ring line_in;
	/* The transmitter. */
	bool sending, buffered;
	uint8_t tx_shift, tx_buffer;
	bool tx_done;
	struct uart_ring line_out; /* for the pseudo-terminal; the oldest bytes are dropped */
	struct uart_ring sent;     /* for the command `uart-sent` */
};

struct board;

void uart_attach(struct board *b);
void uart_reset(struct board *b);
void uart_tx_event(struct board *b);
void uart_rx_event(struct board *b);
void uart_refresh(struct board *b);

/* Sends bytes to the board. Returns how many there was room for. */
size_t uart_send(struct board *b, const uint8_t *bytes, size_t len);
size_t uart_send_room(const struct board *b);

/* Takes at most len bytes out of a ring. Returns how many. */
size_t uart_ring_take(struct uart_ring *r, uint8_t *out, size_t len);

#endif
