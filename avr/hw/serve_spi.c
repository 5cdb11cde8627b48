/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The SPI slave, in mode 2 because the board's level shifter inverts the clock
 * (docs/design/protocols.md §1).
 */
#ifdef BOARD_SPI
#include "../core/dialogue.h"
#include "../core/guard.h"
#include "../core/link.h"
#include "board.h"
#include "port6.h"
#include "serve.h"
#include "vectors.h"

CYCLES_MAX(SPI_STC_vect, 220);
void serve_byte(void)
{
	SPDR = link_byte(SPDR);
}

/* If the master already waits, the reply's first byte is loaded here. */
void dialogue_answer(uint8_t length, uint8_t epoch)
{
	uint8_t guard = guard_enter();

	if (link_waits(epoch)) {
		link_answer(length);
		if (link.state == LINK_WAIT && !(SPSR & _BV(SPIF))) {
			SPDR = 'l';
			/*
			 * Fails if a byte is being clocked or has just ended; then the interrupt
			 * loads it.
			 */
			if (!(SPSR & (_BV(SPIF) | _BV(WCOL)))) {
				link.state = LINK_REPLY;
				link.at = 0;
			}
		}
	}
	guard_leave(guard);
}

void serve_run(void)
{
	dialogue_run();
	port6_run();
}

void serve_second(void)
{
}

void serve_init(void)
{
	DDRB |= _BV(PB4); /* MISO */
	SPCR = _BV(SPE) | _BV(SPIE) | _BV(CPOL);
	port6_init();
}
#endif
