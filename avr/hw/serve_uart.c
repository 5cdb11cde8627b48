/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The serial line of generation 1, 4800 baud 8N1. The board only sends (docs/design/protocols.md
 * §2).
 */
#ifdef BOARD_UART
#include "../core/flags.h"
#include "../core/line.h"
#include "../core/meter.h"
#include "../core/settings.h"
#include "board.h"
#include "serve.h"
#include "watchdog.h"
#include "vectors.h"

#define SILENCE_S 20 /* after a reset: the router's boot loader takes any byte for a key press */

/*
 * The main loop writes line and length while at == length; the interrupt then sends until they are
 * equal again.
 */
static char line[LINE_MAX];
static volatile uint8_t at;
static volatile uint8_t length;

static uint8_t silence_s = SILENCE_S;
static uint16_t brownouts_seen;

/* Sends the next byte, each 2.1 ms while a line is being sent. */
CYCLES_MAX(USART_UDRE_vect, 220);
void serve_send(void)
{
	uint8_t now = at;

	UDR0 = (uint8_t)line[now];
	at = ++now;
	if (now == length)
		UCSR0B &= (uint8_t)~_BV(UDRIE0);
}

void serve_run(void)
{
	uint8_t next;

	if (brownouts_seen != settings.brownouts) {
		brownouts_seen = settings.brownouts;
		line_news.brownout = true;
	}
	if (silence_s || UCSR0B & _BV(UDRIE0))
		return;
	next = line_next(line);
	if (!next)
		return;
	at = 0;
	length = next;
	UCSR0B |= _BV(UDRIE0);
}

void serve_second(void)
{
	if (silence_s)
		silence_s--;
	line_news.power = meter_fresh & ((1u << ANALOGS) - 1);
	meter_fresh = 0;
}

void serve_init(void)
{
	UBRR0 = (CLOCK_HZ + 4 * 4800ul) / (8 * 4800ul) - 1;
	UCSR0A = _BV(U2X0);
	UCSR0B = _BV(TXEN0);
	line_begin();
	line_news.watchdog = reset_reason & _BV(WDRF);
	brownouts_seen = settings.brownouts;
}
#endif
