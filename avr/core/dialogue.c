/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Executes messages; `ct` goes on in the background until the EEPROM holds everything. */
#ifdef BOARD_SPI
#include "dialogue.h"

#include <stdbool.h>

#include "command.h"
#include "keeper.h"
#include "link.h"
#include "meter.h"

#define COMMIT_MS_MAX 380 /* the reply to `ct` is due within 400 ms */

/* The last request; it stays while a `ct` is being carried out. Main loop only. */
static struct {
	struct request request;
	uint8_t epoch;
} commit;
static bool committing;
static uint16_t commit_ms; /* when it began */

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
	dialogue_answer(length, commit.epoch);
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
		dialogue_answer(command_refuse(letter, link.reply), epoch);
	} else if (request->letter == 't') {
		committing = true;
		commit_ms = (uint16_t)meter_ms;
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
	if (link.taken) {
		link.taken = false;
		command_taken();
	}
	if (link.complete)
		execute();
	else if (committing)
		commit_run();
}
#endif
