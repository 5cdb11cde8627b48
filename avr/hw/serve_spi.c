/* SPDX-License-Identifier: GPL-3.0-or-later */
/* SPI slave in mode 2, as the board's level shifter inverts the clock (docs/design/protocols.md §1). */
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

/* Gives the reply, unless the master has begun anew meanwhile; loads its first byte if the master waits already. */
void dialogue_answer(uint8_t length, uint8_t epoch)
{
	uint8_t guard = guard_enter();

	if (link_waits(epoch)) {
		link_answer(length);
		if (link.state == LINK_WAIT && !(SPSR & _BV(SPIF))) {
			SPDR = 'l';
			/* A byte that was on its way, or has just ended, refuses or overtakes it: the interrupt loads it. */
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
