/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Asynchronous 8N1. A baud rate that is too far from the line's garbles the bytes. */
#include "uart_model.h"

#include "board.h"

enum {
	RXC = 0x80,
	TXC = 0x40,
	UDRE = 0x20,
	DOR = 0x08,
	U2X = 0x02,
	RXEN = 0x10,
	TXEN = 0x08,
	BITS = 10,
	TOLERANCE_PERMILLE = 35, /* that two ends with 8N1 may differ */
	GARBLE = 0xA5,
};

static const uint32_t LINE_BAUD[] = { [BOARD_SPI] = 115200, [BOARD_UART] = 4800 };

static void ring_put(struct uart_ring *r, uint8_t v)
{
	if (r->count == UART_QUEUE) {
		r->first = (r->first + 1) % UART_QUEUE;
		r->count--;
	}
	r->byte[(r->first + r->count++) % UART_QUEUE] = v;
}

size_t uart_ring_take(struct uart_ring *r, uint8_t *out, size_t len)
{
	size_t n = r->count < len ? r->count : len;

	for (size_t i = 0; i < n; i++)
		out[i] = r->byte[(r->first + i) % UART_QUEUE];
	r->first = (r->first + n) % UART_QUEUE;
	r->count -= n;
	return n;
}

static uint32_t baud(const struct board *b)
{
	const avr_uart_t *io = b->uart.io;
	const uint8_t *data = b->avr->data;
	uint32_t ubrr = (uint32_t)(data[io->ubrrl.reg] | (data[io->ubrrh.reg] & 0x0F) << 8);

	return b->freq_hz / ((data[io->r_ucsra] & U2X ? 8 : 16) * (ubrr + 1));
}

static uint8_t over_the_line(const struct board *b, uint8_t v)
{
	uint32_t mine = baud(b), line = b->uart.baud, off = mine > line ? mine - line : line - mine;

	return (uint64_t)off * 1000 > (uint64_t)line * TOLERANCE_PERMILLE ? v ^ GARBLE : v;
}

static uint64_t byte_ns(uint32_t baud_rate)
{
	return 1000000000ull * BITS / (baud_rate ? baud_rate : 1);
}

static uint8_t enabled(const struct board *b, uint8_t bit)
{
	return b->powered ? b->avr->data[b->uart.io->r_ucsrb] & bit : 0;
}

void uart_refresh(struct board *b)
{
	struct uart_model *u = &b->uart;
	uint8_t *status = &b->avr->data[u->io->r_ucsra];
	uint8_t ucsrb = b->avr->data[u->io->r_ucsrb];
	uint8_t flags = (uint8_t)((u->fifo_count ? RXC : 0) | (u->tx_done ? TXC : 0) |
				  (u->buffered ? 0 : UDRE) | (u->overrun ? DOR : 0));

	board_line(b, &u->io->rxc, (flags & RXC) && (ucsrb & 0x80));
	board_line(b, &u->io->txc, (flags & TXC) && (ucsrb & 0x40));
	board_line(b, &u->io->udrc, (flags & UDRE) && (ucsrb & 0x20));
	*status = (uint8_t)((*status & (U2X | 1)) | flags);
}

static uint8_t data_read(struct avr_t *avr, avr_io_addr_t addr, void *param)
{
	struct board *b = param;
	struct uart_model *u = &b->uart;
	uint8_t v = u->fifo[0];

	if (u->fifo_count) {
		u->fifo[0] = u->fifo[1];
		u->fifo_count--;
		u->overrun = false;
		if (u->shift_full) {
			u->fifo[u->fifo_count++] = u->shift;
			u->shift_full = false;
		}
	}
	uart_refresh(b);
	avr->data[addr] = v;
	return v;
}

static void send(struct board *b, uint8_t v)
{
	b->uart.sending = true;
	b->uart.tx_shift = v;
	board_event(b, EVENT_UART_TX, board_now_ns(b) + byte_ns(baud(b)));
}

static void data_write(struct avr_t *avr, avr_io_addr_t addr, uint8_t v, void *param)
{
	struct board *b = param;
	struct uart_model *u = &b->uart;

	(void)avr;
	(void)addr;
	if (!enabled(b, TXEN) || u->buffered)
		return;
	if (u->sending) {
		u->tx_buffer = v;
		u->buffered = true;
	} else {
		send(b, v);
	}
	uart_refresh(b);
}

static void status_write(struct avr_t *avr, avr_io_addr_t addr, uint8_t v, void *param)
{
	struct board *b = param;

	avr->data[addr] = (uint8_t)((avr->data[addr] & ~(U2X | 1)) | (v & (U2X | 1)));
	if (v & TXC)
		b->uart.tx_done = false;
	uart_refresh(b);
}

static void control_write(struct avr_t *avr, avr_io_addr_t addr, uint8_t v, void *param)
{
	struct board *b = param;

	avr->data[addr] = v;
	if (!(v & RXEN)) {
		b->uart.fifo_count = 0;
		b->uart.shift_full = false;
		b->uart.overrun = false;
	}
	uart_refresh(b);
}

static void plain_write(struct avr_t *avr, avr_io_addr_t addr, uint8_t v, void *param)
{
	(void)param;
	avr->data[addr] = v;
}

static uint8_t plain_read(struct avr_t *avr, avr_io_addr_t addr, void *param)
{
	(void)param;
	return avr->data[addr];
}

void uart_attach(struct board *b)
{
	struct uart_model *u = &b->uart;

	u->io = (avr_uart_t *)board_module(b, "uart");
	u->baud = LINE_BAUD[b->kind];
	u->io->flags = 0;
	board_on_read(b, u->io->r_udr, data_read);
	board_on_write(b, u->io->r_udr, data_write);
	board_on_read(b, u->io->r_ucsra, plain_read);
	board_on_write(b, u->io->r_ucsra, status_write);
	board_on_write(b, u->io->r_ucsrb, control_write);
	board_on_write(b, (uint16_t)u->io->ubrrl.reg, plain_write);
	board_on_write(b, (uint16_t)u->io->ubrrh.reg, plain_write);
}

void uart_reset(struct board *b)
{
	struct uart_model *u = &b->uart;

	u->fifo_count = 0;
	u->shift_full = false;
	u->overrun = false;
	u->sending = false;
	u->buffered = false;
	u->tx_done = false;
	b->avr->data[u->io->r_ucsrb] = 0;
	b->avr->data[u->io->r_ucsrc] = 0x06;
	board_event(b, EVENT_UART_TX, EVENT_NEVER);
	uart_refresh(b);
}

void uart_tx_event(struct board *b)
{
	struct uart_model *u = &b->uart;
	uint8_t v = over_the_line(b, u->tx_shift);

	if (!b->powered || !u->sending)
		return;
	ring_put(&u->line_out, v);
	ring_put(&u->sent, v);
	u->sending = false;
	if (u->buffered) {
		u->buffered = false;
		send(b, u->tx_buffer);
	} else {
		u->tx_done = true;
	}
	uart_refresh(b);
}

static void receive(struct board *b, uint8_t v)
{
	struct uart_model *u = &b->uart;

	if (u->fifo_count < 2) {
		u->fifo[u->fifo_count++] = v;
	} else if (!u->shift_full) {
		u->shift = v;
		u->shift_full = true;
	} else {
		u->shift = v; /* replaces the byte that waited */
		u->overrun = true;
	}
	uart_refresh(b);
}

void uart_rx_event(struct board *b)
{
	struct uart_model *u = &b->uart;
	uint8_t v;

	if (uart_ring_take(&u->line_in, &v, 1) && enabled(b, RXEN))
		receive(b, over_the_line(b, v));
	if (u->line_in.count)
		board_event(b, EVENT_UART_RX, b->now_ns + byte_ns(u->baud));
}

size_t uart_send_room(const struct board *b)
{
	return UART_QUEUE - b->uart.line_in.count;
}

size_t uart_send(struct board *b, const uint8_t *bytes, size_t len)
{
	struct uart_model *u = &b->uart;

	if (len > uart_send_room(b))
		len = uart_send_room(b);
	if (len && u->line_in.count == 0)
		board_event(b, EVENT_UART_RX, board_now_ns(b) + byte_ns(u->baud));
	for (size_t i = 0; i < len; i++)
		ring_put(&u->line_in, bytes[i]);
	return len;
}
