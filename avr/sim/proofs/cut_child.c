/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cut_child.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cut_state.h"
#include "../shared/random.h"

enum {
	FULL_OPS = 20,   /* a save of at least so many operations wrote a full record */
	SHORTS_END = 84, /* last cell of the short records (docs/design/firmware.md) */
	FULLS_END = 308, /* last cell of the full records; the tails of the short ones follow */
	CUTS_IN_A_ROW = 3,
	EXAMPLES = 5,
	AGAIN_ONE_IN = 4, /* one cut in four is followed by others */
};

enum act {
	ACT_BEFORE,
	ACT_ERASED,
	ACT_WRITTEN,
	ACT_HALF_NOISE,
	ACT_HALF_ZERO,
	ACT_DIP,
	ACT_DIP_TWICE,
	ACT_COUNT
};

static enum { PARENT, CHILD_CUTS, CHILD_DIPS } role;
static uint64_t dip_op;            /* operations before the supply fell */
static uint64_t counters_saved_ns; /* end of the last operation on a record since that fall */
static bool dip_in_record; /* it fell while a record was being written, which is finished first */
static uint32_t rnd_state = 1;

static uint32_t rnd(void)
{
	return xorshift32(&rnd_state);
}

static void example(const char *what, const uint32_t *got)
{
	static int shown;
	const struct eeprom_model *e = &cut.rig.board->eeprom;

	if (shown++ >= EXAMPLES)
		return;
	fprintf(stderr, "power-cut: %s at op %" PRIu64 " (cell 0x%x, mode %d): came back", what,
		e->ops, e->addr, e->mode);
	for (int i = 0; i < RIG_SENSORS; i++)
		fprintf(stderr, " %" PRIu32, got[i]);
	fprintf(stderr, ", was");
	for (int i = 0; i < RIG_SENSORS; i++)
		fprintf(stderr, " %" PRIu32, cut.history.state[cut.history.count - 1][i]);
	fprintf(stderr, "\n");
}

static void max_u32(uint32_t *max, uint32_t v)
{
	if (v > *max)
		*max = v;
}

static uint32_t loss(const uint32_t *got, const uint32_t *was)
{
	uint32_t worst = 0;

	for (int i = 0; i < RIG_SENSORS; i++)
		max_u32(&worst, was[i] - got[i]);
	return worst;
}

/* Sabotage: erases every second cell, as a worn-out EEPROM might. */
static void forge_records(void)
{
	for (int i = 0; i < EEPROM_BYTES; i += 2)
		cut.rig.board->eeprom.cells[i] = 0xFF;
}

void cut_boot_and_compare(bool save_complete)
{
	uint32_t got[RIG_SENSORS];
	char settings[SETTINGS_TEXT];

	cut.noting = false;
	if (cut.sabotage)
		forge_records();
	comparator_supply(cut.rig.board, GOOD_MV);
	for (int k = 0; k < CLAMPS; k++)
		clamps_hold(cut.rig.board, k, 0);
	input_level(cut.rig.board, 0, true);
	input_level(cut.rig.board, 1, true);
	rig_run_ms(&cut.rig, DARK_MS);
	board_power(cut.rig.board);
	rig_run_ms(&cut.rig, BOOT_MS);
	__atomic_add_fetch(&cut.tally->cuts, 1, __ATOMIC_RELAXED);
	if (!rig_settled(&cut.rig, got) || !cut_ask_settings(settings)) {
		cut.tally->dead++;
		example("dead", got);
		_exit(0);
	}
	if (history_find(&cut.history, got) < 0) {
		cut.tally->torn++;
		example("torn", got);
		_exit(0);
	}
	uint32_t lost = loss(got, cut.history.state[cut.history.count - 1]);

	if (save_complete && lost > 1)
		example("lost", got);
	if (save_complete)
		max_u32(&cut.tally->lost_wh_max, lost);
	else if (cut.saving_only)
		max_u32(&cut.tally->fallback_wh_max, lost);
	if (strcmp(settings, cut.history.settings[0]) &&
	    strcmp(settings, cut.history.settings[1])) {
		cut.tally->settings_torn++;
		example(settings, got);
	}
	history_clear(&cut.history, got);
	cut.noting = true;
}

static void note_state(struct rig *r)
{
	static uint32_t last[RIG_SENSORS];
	uint32_t now[RIG_SENSORS];

	if (!cut.noting || !r->board->powered)
		return;
	rig_counters(r, now);
	/* A state seen twice is not in the middle of a change. */
	if (memcmp(now, last, sizeof(now)) == 0)
		history_add(&cut.history, now);
	memcpy(last, now, sizeof(last));
}

bool cut_save_is_full(void)
{
	const struct eeprom_model *e = &cut.rig.board->eeprom;

	return e->ops > dip_op && e->addr > SHORTS_END && e->addr <= FULLS_END;
}

void cut_note_save(void)
{
	const struct eeprom_model *e = &cut.rig.board->eeprom;
	uint64_t ops = e->ops - dip_op;

	if (!cut.dip_ns || !ops)
		return;
	uint64_t took = counters_saved_ns - cut.dip_ns;
	bool full = ops >= FULL_OPS || dip_in_record;
	uint64_t *max = full ? &cut.tally->save_full_ns_max : &cut.tally->save_ns_max;

	if (took > *max)
		*max = took;
	if (full)
		cut.tally->full_saves++;
	else
		cut.tally->saves++;
}

void cut_dip(void)
{
	cut.dip_ns = cut.rig.board->now_ns;
	dip_op = cut.rig.board->eeprom.ops;
	dip_in_record = cut.rig.board->eeprom.busy && cut.rig.board->eeprom.mode == EEPROM_WRITE;
	comparator_supply(cut.rig.board, LOW_MV);
}

static void pulses_while_running(void)
{
	input_pulses(cut.rig.board, 0, 2, 20 * NS_PER_MS, 8 * NS_PER_MS);
	input_pulses(cut.rig.board, 1, 1, 20 * NS_PER_MS, 8 * NS_PER_MS);
	rig_run_ms(&cut.rig, 60);
}

/* Cuts a few more saves at random operations. */
static void cut_again(void)
{
	for (int i = 1; i < CUTS_IN_A_ROW; i++) {
		enum cut_stage stage = (enum cut_stage)(CUT_BEFORE + rnd() % 4);
		uint64_t deadline;

		pulses_while_running();
		eeprom_cut_at(cut.rig.board, 1 + rnd() % 14, stage, (uint8_t)rnd());
		cut_dip();
		deadline = cut.rig.board->now_ns + HOLD_MS * NS_PER_MS;
		while (cut.rig.board->powered && cut.rig.board->now_ns < deadline)
			rig_run_ns(&cut.rig, RIG_SLICE_NS);
		bool complete = cut.rig.board->powered;

		board_cut(cut.rig.board);
		cut.rig.board->eeprom.cut_op = 0;
		cut_boot_and_compare(complete);
	}
}

static void finish_cut_child(void)
{
	cut_boot_and_compare(false);
	if (rnd() % AGAIN_ONE_IN == 0)
		cut_again();
	_exit(0);
}

static void finish_dip_child(void)
{
	rig_run_ms(&cut.rig, HOLD_MS);
	cut_note_save();
	cut.tally->dips++;
	board_cut(cut.rig.board);
	cut_boot_and_compare(true);
	_exit(0);
}

static void second_dip(void)
{
	rig_run_ms(&cut.rig, 2);
	comparator_supply(cut.rig.board, GOOD_MV);
	rig_run_ms(&cut.rig, 1 + rnd() % 8);
	cut_dip();
}

static void after_slice(struct rig *r)
{
	const struct eeprom_model *e = &r->board->eeprom;

	if (e->ops > dip_op && e->addr <= FULLS_END)
		counters_saved_ns = e->ends_ns;
	note_state(r);
	if (role == CHILD_CUTS && !r->board->powered) {
		role = PARENT;
		r->board->eeprom.on_start = NULL;
		finish_cut_child();
	}
	if (role == CHILD_DIPS) {
		role = PARENT;
		if (cut.dip_ns == 1)
			cut_dip(); /* at the slice's end: the operation is under way */
		else
			second_dip();
		finish_dip_child();
	}
}

bool cut_fork(void)
{
	pid_t pid;
	int status;

	fflush(NULL);
	pid = fork();
	if (pid == 0)
		return true;
	if (pid < 0 || waitpid(pid, &status, 0) < 0 || !WIFEXITED(status) || WEXITSTATUS(status)) {
		fprintf(stderr, "power-cut: a child failed\n");
		exit(2);
	}
	return false;
}

/* Decides, before the operation begins, how the power fails in this process. */
static void become(enum act act)
{
	struct board *b = cut.rig.board;

	b->eeprom.on_start = NULL;
	rnd_state = (uint32_t)(b->eeprom.ops * 2654435761u + (uint32_t)act * 97u + 1u);
	role = CHILD_CUTS;
	switch (act) {
	case ACT_BEFORE:
		eeprom_cut_at(b, 1, CUT_BEFORE, 0);
		break;
	case ACT_ERASED:
		eeprom_cut_at(b, 1, CUT_ERASED, 0);
		break;
	case ACT_WRITTEN:
		eeprom_cut_at(b, 1, CUT_WRITTEN, 0);
		break;
	case ACT_HALF_NOISE:
		eeprom_cut_at(b, 1, CUT_HALF, (uint8_t)rnd());
		break;
	case ACT_HALF_ZERO:
		eeprom_cut_at(b, 1, CUT_HALF, 0);
		break;
	case ACT_DIP:
		cut.dip_ns = 1;
		role = CHILD_DIPS;
		break;
	case ACT_DIP_TWICE:
		cut.dip_ns = 0;
		role = CHILD_DIPS;
		break;
	case ACT_COUNT:
		break;
	}
}

static bool applies(enum act act, enum eeprom_mode mode)
{
	if (act == ACT_ERASED)
		return mode == EEPROM_ERASE_WRITE;
	if (act == ACT_DIP)
		return !cut.saving_only;
	if (act == ACT_DIP_TWICE)
		return cut.saving_only;
	return true;
}

static void on_operation(struct board *b, void *param)
{
	(void)param;
	if (!cut.armed)
		return;
	for (int act = 0; act < ACT_COUNT; act++) {
		if (!applies((enum act)act, b->eeprom.mode))
			continue;
		if (cut_fork()) {
			become((enum act)act);
			return;
		}
	}
}

void cut_attach(void)
{
	cut.rig.after_slice = after_slice;
	cut.rig.board->eeprom.on_start = on_operation;
}
