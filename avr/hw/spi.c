/* SPDX-License-Identifier: GPL-3.0-or-later */
/* SPI slave in mode 2: the board's level shifter inverts the clock (docs/protocols.md §1). */
#include "spi.h"

#include <avr/interrupt.h>

#include "../core/guard.h"
#include "../core/link.h"
#include "board.h"

/* At most once in 250 µs (922 cycles). */
ISR(SPI_STC_vect)
{
	SPDR = link_byte(SPDR);
}

void spi_prime(void)
{
	uint8_t guard = guard_enter();

	if (link.state == LINK_WAIT && link.replying && !(SPSR & _BV(SPIF))) {
		SPDR = 'l';
		/* A byte that was on its way, or has just ended, refuses or overtakes it: the interrupt loads it then. */
		if (!(SPSR & (_BV(SPIF) | _BV(WCOL)))) {
			link.state = LINK_REPLY;
			link.at = 0;
		}
	}
	guard_leave(guard);
}

void spi_init(void)
{
	DDRB |= _BV(PB4); /* MISO */
	SPCR = _BV(SPE) | _BV(SPIE) | _BV(CPOL);
	SPDR = 0;
}
