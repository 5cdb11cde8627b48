/* SPDX-License-Identifier: GPL-3.0-or-later */
/* SPI slave in mode 2, as the board's level shifter inverts the clock (docs/protocols.md §1). */
#ifdef BOARD_SPI
#include <avr/interrupt.h>

#include "../core/command.h"
#include "../core/guard.h"
#include "../core/keeper.h"
#include "../core/link.h"
#include "board.h"
#include "port6.h"
#include "serve.h"
#include "tick.h"

#define COMMIT_MS_MAX 380 /* the reply to `ct` is due within 400 ms */

/* The `ct` that is being carried out. Main loop only. */
static bool committing;
static uint8_t commit_epoch;
static uint16_t commit_ticks;
static uint8_t commit_tick; /* tick_count when commit_ticks was up to date */

/* At most once in 250 µs (922 cycles). */
ISR(SPI_STC_vect)
{
	SPDR = link_byte(SPDR);
}

/* Loads the first byte of a reply if the master is waiting for it already. */
static void prime(void)
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

static void answer(uint8_t length, uint8_t epoch)
{
	if (link_answer(length, epoch))
		prime();
}

static void commit_begin(uint8_t epoch)
{
	committing = true;
	commit_epoch = epoch;
	commit_ticks = 0;
	commit_tick = tick_count;
	keeper_commit();
}

/* A reply that nobody waits for any more is not made: the buffer may be another one's. */
static void commit_run(void)
{
	uint8_t ticks = (uint8_t)(tick_count - commit_tick);
	enum store_result result = keeper_committed();

	commit_tick = (uint8_t)(commit_tick + ticks);
	commit_ticks = (uint16_t)(commit_ticks + ticks);
	if (result == STORE_BUSY && commit_ticks < COMMIT_MS_MAX * (TICKS_PER_S / 1000))
		return;
	committing = false;
	if (link_waits(commit_epoch))
		answer(command_committed(result == STORE_DONE, link.reply), commit_epoch);
}

static void execute(const struct link_message *message)
{
	uint8_t length = 0;

	switch (command_run(message->text, message->length, link.reply, &length)) {
	case COMMAND_COMMIT:
		commit_begin(message->epoch);
		return;
	case COMMAND_CHANGED:
		keeper_changed();
		break;
	case COMMAND_RECORD:
		keeper_record();
		break;
	case COMMAND_DONE:
		break;
	}
	answer(length, message->epoch);
}

void serve_run(void)
{
	struct link_message message;

	if (link.taken) {
		link.taken = false;
		command_taken();
	}
	if (link_take(&message))
		execute(&message);
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
