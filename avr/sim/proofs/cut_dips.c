/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What one dip leaves behind in the EEPROM must not spoil the save of a later one. */
#include "cut_dips.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "cut_child.h"
#include "cut_state.h"
#include "../shared/random.h"

enum {
	ROUND_US = 2000, /* of the main loop (docs/design/firmware.md) */
	LATER_DIPS = 6,  /* one for each slot of short records, so the first dip's comes again */
	LIFE_STEP_MS = 300,
	LIFE_HOLD_MS =
		122, /* after two dips in a row no slot may be erased (docs/design/firmware.md) */
	SAVES = 60,  /* KEEPER_SAVES, which the firmware would have again after five hours */
	ACTS = 8,
};

static uint32_t random_state = 7;

static uint32_t rnd(void)
{
	return xorshift32(&random_state);
}

static void give_saves_back(void)
{
	const struct symbol *saves = symbols_find(&cut.rig.board->symbols, "keeper_saves");

	if (!saves) {
		fprintf(stderr, "power-cut: no keeper_saves in the firmware\n");
		exit(2);
	}
	cut.rig.board->avr->data[saves->addr] = SAVES;
}

static void pulses(uint32_t most)
{
	if (!cut.rig.board->inputs.input[0].count)
		input_pulses(cut.rig.board, 0, 1 + rnd() % most, 20 * NS_PER_MS, 10 * NS_PER_MS);
}

/*
 * Lets the supply fall. A copy of the board loses its power when the save's time is over; until
 * then no pulse comes that the save could miss.
 */
static void die_in_a_copy(double hold_ms)
{
	input_level(cut.rig.board, 0, true);
	comparator_supply(cut.rig.board, LOW_MV);
	if (cut_fork()) {
		rig_run_ms(&cut.rig, hold_ms);
		board_cut(cut.rig.board);
		cut_boot_and_compare(true);
		_exit(0);
	}
}

static void dip_ms(double ms)
{
	comparator_supply(cut.rig.board, LOW_MV);
	rig_run_ms(&cut.rig, ms);
	comparator_supply(cut.rig.board, GOOD_MV);
}

static void one_dip_then_others(uint64_t offset_ns)
{
	rig_run_ns(&cut.rig, offset_ns);
	dip_ms(5);
	rig_run_ms(&cut.rig, 1000);
	for (int k = 0; k < LATER_DIPS; k++) {
		give_saves_back();
		pulses(10);
		rig_run_ms(&cut.rig, 700);
		cut_start_over();
		die_in_a_copy(HOLD_MS);
		rig_run_ms(&cut.rig, HOLD_MS);
		comparator_supply(cut.rig.board, GOOD_MV);
		rig_run_ms(&cut.rig, LIFE_STEP_MS);
	}
}

void cut_sweep(int instants)
{
	pulses(5);
	rig_run_ms(&cut.rig, 500);
	for (int i = 0; i < instants; i++) {
		if (cut_fork()) {
			one_dip_then_others((uint64_t)i * ROUND_US * 1000 / (uint64_t)instants);
			_exit(0);
		}
	}
}

/* Now and then sets a counter or writes the settings just before the supply falls. */
static void act(void)
{
	static const uint8_t COMMIT[] = { 'l', 'c', 't', '9', '6', '.' };
	char text[32], reply[RIG_REPLY];
	uint8_t in[sizeof(COMMIT)];

	switch (rnd() % ACTS) {
	case 0:
		snprintf(text, sizeof(text), "sc%02x%08x", (unsigned)(rnd() % RIG_SENSORS),
			 (unsigned)rnd());
		rig_ask(&cut.rig, text, 20, reply);
		break;
	case 1:
		rig_transfer(&cut.rig, COMMIT, in, sizeof(COMMIT), 250);
		break;
	default:
		break;
	}
}

void cut_life(int dips)
{
	for (int i = 0; i < dips; i++) {
		if (rnd() % 4)
			pulses(6);
		act();
		rig_run_ns(&cut.rig, rnd() % (rnd() % 3 ? 100000000u : 600000000u));
		give_saves_back();
		cut_start_over();
		rig_run_ns(&cut.rig, rnd() % 4000000u);
		die_in_a_copy(LIFE_HOLD_MS);
		rig_run_ns(&cut.rig, rnd() % (rnd() % 2 ? 5000000u : 90000000u));
		comparator_supply(cut.rig.board, GOOD_MV);
	}
}
