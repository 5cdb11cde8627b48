/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The UART at 115200 baud 8N1. While the port is disabled, the bus gets back what it sends, and the
 * driver stays on.
 */
#ifdef BOARD_SPI
#include "port6.h"

#include <stdbool.h>

#include "../core/guard.h"
#include "../core/link.h"
#include "../core/settings.h"
#include "board.h"
#include "vectors.h"

#define PORT_INDEX 5 /* in settings.map */

/* Counts bytes that found the queue full, and losses in the receiver itself. */
uint16_t uart_overruns;

static inline void receive(uint8_t byte, bool lost)
{
	struct link *now = &link;

	BASE(now);
	if (!ring_put(&now->from_uart, byte) || lost)
		uart_overruns++;
}

CYCLES_MAX(USART_RX_vect, 220);
void port6_receive(void)
{
	bool lost = UCSR0A & _BV(DOR0);

	receive(UDR0, lost);
}

static void enable(void)
{
	PORTD &= (uint8_t)~_BV(RS485_BIT);
	UCSR0B = _BV(RXCIE0) | _BV(TXCIE0) | _BV(RXEN0) | _BV(TXEN0);
}

static void disable(void)
{
	UCSR0B = 0;
	PORTD |= _BV(RS485_BIT);
}

/* Sends one byte, if there is one and the UART can take it. */
static void send(void)
{
	struct link *now = &link;
	bool enabled = UCSR0B & _BV(RXEN0);
	uint8_t byte;

	BASE(now);
	if (!ring_count(&now->to_uart))
		return;
	if (enabled && !(UCSR0A & _BV(UDRE0)))
		return;
	byte = ring_get(&now->to_uart);
	if (enabled) {
		uint8_t guard = guard_enter();

		PORTD |= _BV(RS485_BIT);
		UCSR0A = _BV(TXC0); /* the byte before this one was not the last */
		UDR0 = byte;
		guard_leave(guard);
	} else {
		receive(byte, false);
	}
}

void port6_run(void)
{
	uint8_t sensor = settings_sensor(PORT_INDEX);

	if (sensor >= SENSORS || !settings_enabled(sensor))
		disable();
	else if (!(UCSR0B & _BV(RXEN0)))
		enable();
	/*
	 * The bus brings a byte each 500 µs, about as often as this runs; the transmitter holds
	 * two.
	 */
	send();
	send();
}

void port6_init(void)
{
	DDRD |= _BV(RS485_BIT);
	PORTD |= _BV(RS485_BIT);
	UBRR0L = CLOCK_HZ / 16 / 115200 - 1; /* the high byte is 0 */
}
#endif
