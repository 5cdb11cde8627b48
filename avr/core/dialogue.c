/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Executes messages. `ct` goes on in the background until the EEPROM holds everything. */
#ifdef BOARD_SPI
#include "dialogue.h"

#include <stdbool.h>

#include "command.h"
#include "flags.h"
#include "keeper.h"
#include "link.h"
#include "meter.h"

#define COMMIT_TICKS_MAX (TICKS_PER_S / 50 * 19) /* 380 ms; the reply to `ct` is due within 400 */

/* The last request, kept while a `ct` is being carried out. Main loop only. */
static struct {
	uint8_t epoch;
	uint16_t began; /* tick at which the commit began */
	struct request request;
} last;

/*
 * Answers `ct` when it is done or takes too long. dialogue_answer() drops the reply if the master
 * no longer waits.
 */
static void commit_run(void)
{
	enum store_result result = keeper_committed();
	uint8_t length;

	if (result == STORE_BUSY && (uint16_t)(meter_ticks - last.began) < COMMIT_TICKS_MAX)
		return;
	flags.committing = false;
	if (result == STORE_DONE)
		length = command_run(&last.request, link.reply);
	else
		length = command_refuse('y', link.reply);
	dialogue_answer(length, last.epoch);
}

static void execute(void)
{
	struct request *request = &last.request;
	uint8_t epoch = link.epoch;
	uint8_t letter = command_read(request, link.message, link.length);

	if (!link_waits(epoch))
		return; /* a new message has begun and may have overwritten this one */
	if (!letter && request->verb == 's' && request->letter == 'c' && !keeper_accepts_counter())
		return; /* try again in the next pass */
	link.complete = false;
	flags.committing = false;
	last.epoch = epoch;
	if (letter) {
		dialogue_answer(command_refuse(letter, link.reply), epoch);
	} else if (request->letter == 't') {
		flags.committing = true;
		last.began = meter_ticks;
		keeper_commit();
	} else {
		dialogue_answer(command_run(request, link.reply), epoch);
		if (request->verb != 's')
			return;
		if (request->field.place == IN_COUNTERS)
			keeper_record();
		else
			keeper_changed();
	}
}

void dialogue_run(void)
{
	if (link.delivered) {
		link.delivered = false;
		command_delivered();
	}
	if (link.complete)
		execute();
	else if (flags.committing)
		commit_run();
}
#endif
