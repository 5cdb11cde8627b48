/* SPDX-License-Identifier: GPL-3.0-or-later */
/* SPI slave in mode 2, as the board's level shifter inverts the clock (docs/protocols.md §1). */
#ifdef BOARD_SPI
#include <avr/interrupt.h>

#include "../core/command.h"
#include "../core/guard.h"
#include "../core/keeper.h"
#include "../core/link.h"
#include "../core/meter.h"
#include "board.h"
#include "port6.h"
#include "serve.h"

#define COMMIT_MS_MAX 380 /* the reply to `ct` is due within 400 ms */

/* The last request; it stays while a `ct` is being carried out. Main loop only. */
static struct {
	struct request request;
	uint8_t epoch;
} commit;
static bool committing;
static uint16_t commit_ms; /* when it began */

/* At most once in 250 µs (922 cycles). */
ISR(SPI_STC_vect)
{
	SPDR = link_byte(SPDR);
}

/* Gives the reply, unless the master has begun anew meanwhile; loads its first byte if the master waits already. */
static void answer(uint8_t length, uint8_t epoch)
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

/* The `ct` that is being carried out; a reply that nobody waits for any more is not made. */
static void commit_run(void)
{
	enum store_result result = keeper_committed();
	uint8_t length;

	if (result == STORE_BUSY && (uint16_t)((uint16_t)meter_ms - commit_ms) < COMMIT_MS_MAX)
		return;
	committing = false;
	if (!link_waits(commit.epoch))
		return;
	if (result == STORE_DONE)
		length = command_run(&commit.request, link.reply);
	else
		length = command_refuse('y', link.reply);
	answer(length, commit.epoch);
}

static void execute(void)
{
	struct request *request = &commit.request;
	uint8_t epoch = link.epoch;
	uint8_t letter = command_read(request, link.message, link.length);

	if (!link_waits(epoch))
		return; /* overtaken: what was read may be half the next message */
	link.complete = false;
	committing = false;
	commit.epoch = epoch;
	if (letter) {
		answer(command_refuse(letter, link.reply), epoch);
	} else if (request->letter == 't') {
		committing = true;
		commit_ms = (uint16_t)meter_ms;
		keeper_commit();
	} else {
		answer(command_run(request, link.reply), epoch);
		if (request->verb != 's')
			return;
		if (request->field.place == IN_COUNTERS)
			keeper_record();
		else
			keeper_changed();
	}
}

void serve_run(void)
{
	if (link.taken) {
		link.taken = false;
		command_taken();
	}
	if (link.complete)
		execute();
	else if (committing)
		commit_run();
	port6_run();
}

void serve_second(void)
{
}

void serve_init(void)
{
	DDRB |= _BV(PB4); /* MISO */
	SPCR = _BV(SPE) | _BV(SPIE) | _BV(CPOL);
	SPDR = 0;
	port6_init();
}
#endif
