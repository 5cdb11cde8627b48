/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Cuts the power around each EEPROM operation of saves, background records and settings writes. At each operation the
 * process forks: each child lets the power fail in its own way, starts the board again and compares. A state that
 * comes back must be one that the board truly had, and no older than the last complete record.
 */
#include "power_cut.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
	FULL_OPS = 20, /* a record of at least so many bytes is a full one */
	HOLD_MS = 60,  /* the capacitors hold longer (inferred: 146 ms); a save must be over by then */
	BOOT_MS = 250,
	DARK_MS = 50,
	SLOT_MS = 500, /* until the slot after a full record is erased as well */
	CUTS_IN_A_ROW = 3,
	LOW_MV = 4000,
	GOOD_MV = 5000,
	EXAMPLES = 5,
	RECORD_EPOCHS = 6,   /* full records are cut in every sixth epoch, */
	SETTINGS_EPOCHS = 8, /* settings in every eighth, brown-out saves in each */
	AGAIN_ONE_IN = 4,    /* cuts that are followed by others */
};

/* What happens at an operation. */
enum act { ACT_BEFORE, ACT_ERASED, ACT_WRITTEN, ACT_HALF_NOISE, ACT_HALF_ZERO, ACT_DIP, ACT_DIP_TWICE, ACT_COUNT };

static struct rig rig;
static struct history history;
static struct tally *tally;
static enum { PARENT, CHILD_CUTS, CHILD_DIPS } role;
static bool noting = true; /* the states that come by are true ones */
static bool sabotage;      /* damages what the EEPROM holds: the proof must notice */
static int epoch;
static bool armed;         /* fork at operations */
static bool saving_only;   /* the supply is already low: no dips of its own */
static uint64_t dip_ns;    /* when the supply fell, 0: it has not */
static uint64_t dip_op;    /* operations before it */
static bool dip_in_record; /* a record was being written just then, which is finished first */
static uint32_t rnd_state = 1;

static uint32_t rnd(void)
{
	rnd_state ^= rnd_state << 13;
	rnd_state ^= rnd_state >> 17;
	rnd_state ^= rnd_state << 5;
	return rnd_state;
}

void history_clear(struct history *h, const uint32_t now[RIG_SENSORS])
{
	h->count = 0;
	history_add(h, now);
}

int history_find(const struct history *h, const uint32_t state[RIG_SENSORS])
{
	for (int i = h->count - 1; i >= 0; i--) {
		if (memcmp(h->state[i], state, sizeof(h->state[i])) == 0)
			return i;
	}
	return -1;
}

void history_add(struct history *h, const uint32_t now[RIG_SENSORS])
{
	if (h->count && memcmp(h->state[h->count - 1], now, sizeof(h->state[0])) == 0)
		return;
	if (h->count == HISTORY) {
		fprintf(stderr, "power-cut: too many states\n");
		exit(2);
	}
	memcpy(h->state[h->count++], now, sizeof(h->state[0]));
}

static void example(const char *what, const uint32_t *got)
{
	static int shown;
	const struct eeprom_model *e = &rig.board->eeprom;

	if (shown++ >= EXAMPLES)
		return;
	fprintf(stderr, "power-cut: %s at op %" PRIu64 " (cell 0x%x, mode %d): came back", what, e->ops, e->addr,
		e->mode);
	for (int i = 0; i < RIG_SENSORS; i++)
		fprintf(stderr, " %" PRIu32, got[i]);
	fprintf(stderr, ", was");
	for (int i = 0; i < RIG_SENSORS; i++)
		fprintf(stderr, " %" PRIu32, history.state[history.count - 1][i]);
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

static bool ask_settings(char out[SETTINGS_TEXT])
{
	static const char *const ASK[] = { "gp", "gm03", "gf00" };
	char reply[RIG_REPLY];

	out[0] = '\0';
	for (int i = 0; i < 3; i++) {
		if (!rig_ask(&rig, ASK[i], 20, reply) || strlen(out) + strlen(reply) >= SETTINGS_TEXT)
			return false;
		strcat(out, reply);
	}
	return true;
}

/* Takes away the newest half of what was written, as a worn-out EEPROM would. */
static void forge_records(void)
{
	for (int i = 0; i < EEPROM_BYTES; i += 2)
		rig.board->eeprom.cells[i] = 0xFF;
}

/* The board starts again; what came back must be true. */
static void boot_and_compare(bool save_complete)
{
	uint32_t got[RIG_SENSORS];
	char settings[SETTINGS_TEXT];

	noting = false;
	if (sabotage)
		forge_records();
	comparator_supply(rig.board, GOOD_MV);
	for (int k = 0; k < CLAMPS; k++)
		clamps_hold(rig.board, k, 0);
	input_level(rig.board, 0, true);
	input_level(rig.board, 1, true);
	rig_run_ms(&rig, DARK_MS);
	board_power(rig.board);
	rig_run_ms(&rig, BOOT_MS);
	__atomic_add_fetch(&tally->cuts, 1, __ATOMIC_RELAXED);
	if (!rig_settled(&rig, got) || !ask_settings(settings)) {
		tally->dead++;
		example("dead", got);
		_exit(0);
	}
	if (history_find(&history, got) < 0) {
		tally->torn++;
		example("torn", got);
		_exit(0);
	}
	uint32_t lost = loss(got, history.state[history.count - 1]);

	if (save_complete && lost > 1)
		example("lost", got);
	if (save_complete)
		max_u32(&tally->lost_wh_max, lost);
	else if (saving_only)
		max_u32(&tally->fallback_wh_max, lost);
	if (strcmp(settings, history.settings[0]) && strcmp(settings, history.settings[1])) {
		tally->settings_torn++;
		example(settings, got);
	}
	history_clear(&history, got);
	noting = true;
}

static void note_state(struct rig *r)
{
	static uint32_t last[RIG_SENSORS];
	uint32_t now[RIG_SENSORS];

	if (!noting || !r->board->powered)
		return;
	rig_counters(r, now);
	/* Seen twice: not in the middle of a change. */
	if (memcmp(now, last, sizeof(now)) == 0)
		history_add(&history, now);
	memcpy(last, now, sizeof(last));
}

static void note_save(void)
{
	const struct eeprom_model *e = &rig.board->eeprom;
	uint64_t ops = e->ops - dip_op;

	if (!dip_ns || !ops)
		return;
	uint64_t took = e->ends_ns - dip_ns;
	bool full = ops >= FULL_OPS || dip_in_record;
	uint64_t *max = full ? &tally->save_full_ns_max : &tally->save_ns_max;

	if (took > *max)
		*max = took;
	if (full)
		tally->full_saves++;
	else
		tally->saves++;
}

static void dip(void)
{
	dip_ns = rig.board->now_ns;
	dip_op = rig.board->eeprom.ops;
	dip_in_record = rig.board->eeprom.busy && rig.board->eeprom.mode == EEPROM_WRITE;
	comparator_supply(rig.board, LOW_MV);
}

static void pulses_while_running(void)
{
	input_pulses(rig.board, 0, 2, 20 * NS_PER_MS, 8 * NS_PER_MS);
	input_pulses(rig.board, 1, 1, 20 * NS_PER_MS, 8 * NS_PER_MS);
	rig_run_ms(&rig, 60);
}

/* A few more cuts at random operations of further saves. */
static void cut_again(void)
{
	for (int i = 1; i < CUTS_IN_A_ROW; i++) {
		enum cut_stage stage = (enum cut_stage)(CUT_BEFORE + rnd() % 4);
		uint64_t deadline;

		pulses_while_running();
		eeprom_cut_at(rig.board, 1 + rnd() % 14, stage, (uint8_t)rnd());
		dip();
		deadline = rig.board->now_ns + HOLD_MS * NS_PER_MS;
		while (rig.board->powered && rig.board->now_ns < deadline)
			rig_run_ns(&rig, RIG_SLICE_NS);
		bool complete = rig.board->powered;

		board_cut(rig.board);
		rig.board->eeprom.cut_op = 0;
		boot_and_compare(complete);
	}
}

static void finish_cut_child(void)
{
	boot_and_compare(false);
	if (rnd() % AGAIN_ONE_IN == 0)
		cut_again();
	_exit(0);
}

static void finish_dip_child(void)
{
	rig_run_ms(&rig, HOLD_MS);
	note_save();
	tally->dips++;
	board_cut(rig.board);
	boot_and_compare(true);
	_exit(0);
}

static void second_dip(void)
{
	rig_run_ms(&rig, 2);
	comparator_supply(rig.board, GOOD_MV);
	rig_run_ms(&rig, 1 + rnd() % 8);
	dip();
}

static void after_slice(struct rig *r)
{
	note_state(r);
	if (role == CHILD_CUTS && !r->board->powered) {
		role = PARENT;
		r->board->eeprom.on_start = NULL;
		finish_cut_child();
	}
	if (role == CHILD_DIPS) {
		role = PARENT;
		if (dip_ns == 1)
			dip(); /* at the slice's end: the operation is under way */
		else
			second_dip();
		finish_dip_child();
	}
}

/* The operation has not begun: makes this process fail in its way. */
static void become(enum act act)
{
	struct board *b = rig.board;

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
		dip_ns = 1;
		role = CHILD_DIPS;
		break;
	case ACT_DIP_TWICE:
		dip_ns = 0;
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
		return !saving_only;
	if (act == ACT_DIP_TWICE)
		return saving_only;
	return true;
}

static void on_operation(struct board *b, void *param)
{
	(void)param;
	if (!armed)
		return;
	for (int act = 0; act < ACT_COUNT; act++) {
		if (!applies((enum act)act, b->eeprom.mode))
			continue;
		fflush(NULL);
		pid_t pid = fork();

		if (pid < 0) {
			perror("fork");
			exit(2);
		}
		if (pid == 0) {
			become((enum act)act);
			return;
		}
		int status;

		waitpid(pid, &status, 0);
		if (!WIFEXITED(status) || WEXITSTATUS(status)) {
			fprintf(stderr, "power-cut: a child failed\n");
			exit(2);
		}
	}
}

static void must(bool good, const char *what)
{
	if (!good) {
		fprintf(stderr, "power-cut: the board refuses: %s\n", what);
		exit(2);
	}
}

static void command(const char *text, double wait_ms)
{
	must(rig_set(&rig, text, wait_ms), text);
}

/* Values whose next step carries over a byte or word. */
static const uint32_t BORDERS[] = { 0xFFFFFFFE, 0xFFFE,     0xFE,   0x00FFFFFE, 0x7FFE,
				    0x0001FFFE, 0x7FFFFFFE, 0xFEFF, 0x12345678, 0 };

static void preset_counters(void)
{
	char text[32];

	for (int i = 0; i < RIG_SENSORS; i++) {
		uint32_t v = BORDERS[(size_t)(epoch + i) % (sizeof(BORDERS) / sizeof(BORDERS[0]))];

		snprintf(text, sizeof(text), "sc%02x%08" PRIx32, i, v);
		/* The last one's record, and what is erased ahead for the next, is cut everywhere. */
		armed = i == RIG_SENSORS - 1 && epoch % RECORD_EPOCHS == 0;
		/* Up to the record's end both the old and the new state may come back. */
		command(text, 20);
		rig_run_ms(&rig, SLOT_MS);
	}
	armed = false;
	rig_run_ms(&rig, SLOT_MS);
}

static void measure_energy(void)
{
	clamps_hold(rig.board, 0, 12000);
	clamps_hold(rig.board, 1, 9000);
	clamps_hold(rig.board, 2, 5000);
	input_pulses(rig.board, 0, 6, 40 * NS_PER_MS, 20 * NS_PER_MS);
	input_pulses(rig.board, 1, 3, 70 * NS_PER_MS, 30 * NS_PER_MS);
	rig_run_ms(&rig, 1100);
}

static void start_over_from_here(void)
{
	uint32_t now[RIG_SENSORS];

	must(rig_settled(&rig, now), "settled counters");
	history_clear(&history, now);
}

/* The supply fails for good: all cuts of the save, then a clean end and a new start. */
static void fail_supply(void)
{
	saving_only = true;
	armed = true;
	dip();
	rig_run_ms(&rig, HOLD_MS);
	armed = false;
	saving_only = false;
	note_save();
	pid_t pid = fork();

	if (pid == 0) {
		rig.board->eeprom.on_start = NULL;
		board_cut(rig.board);
		boot_and_compare(true);
		_exit(0);
	}
	waitpid(pid, NULL, 0);
	noting = false;
	board_cut(rig.board);
	for (int k = 0; k < CLAMPS; k++)
		clamps_hold(rig.board, k, 0);
	comparator_supply(rig.board, GOOD_MV);
	dip_ns = 0;
	rig_run_ms(&rig, DARK_MS);
	board_power(rig.board);
	rig_run_ms(&rig, BOOT_MS);
	noting = true;
}

static void write_settings(void)
{
	char text[64];

	must(ask_settings(history.settings[0]), "settings");
	strcpy(history.settings[1], history.settings[0]);
	snprintf(text, sizeof(text), "sm03%04x", 1 + epoch % 5 * 256);
	command(text, 20);
	snprintf(text, sizeof(text), "sf00%04x", (500 + epoch * 77) % 1000);
	command(text, 20);
	must(ask_settings(history.settings[1]), "settings");
	start_over_from_here();
	armed = true;
	command("ct", 500);
	rig_run_ms(&rig, 300);
	armed = false;
	strcpy(history.settings[0], history.settings[1]);
	command("sm030001", 20);
	must(ask_settings(history.settings[1]), "settings");
	command("ct", 500);
	strcpy(history.settings[0], history.settings[1]);
}

static void set_up(void)
{
	rig_run_ms(&rig, 3000);
	command("sp000102030405", 20);
	for (int i = 0; i < RIG_SENSORS; i++) {
		char text[16];

		snprintf(text, sizeof(text), "se%02x01", i);
		command(text, 20);
		snprintf(text, sizeof(text), "sm%02x%04x", i, i < 3 ? 5163 : 1);
		command(text, 20);
	}
	command("ct", 500);
	must(ask_settings(history.settings[0]), "settings");
	strcpy(history.settings[1], history.settings[0]);
}

static void run_epoch(void)
{
	start_over_from_here();
	preset_counters();
	start_over_from_here(); /* that record is complete: nothing older may come back */
	measure_energy();
	fail_supply();
	start_over_from_here();
	if (epoch % SETTINGS_EPOCHS == 1)
		write_settings();
}

static int report(double seconds)
{
	printf("power-cut: %" PRIu64 " dips in the middle, %" PRIu64 " saves, %" PRIu64
	       " of them full; cut in the middle of "
	       "a save a sensor falls back by at most %" PRIu32 " Wh; %.0f s\n",
	       tally->dips, tally->saves + tally->full_saves, tally->full_saves, tally->fallback_wh_max, seconds);
	printf("power-cut: {\"cuts\": %" PRIu64 ", \"torn\": %" PRIu64 ", \"lost_wh_max\": %" PRIu32
	       ", \"save_ms\": %.1f, \"save_full_ms\": %.1f, \"settings_torn\": %" PRIu64 ", \"dead\": %" PRIu64 "}\n",
	       tally->cuts, tally->torn, tally->lost_wh_max, (double)tally->save_ns_max / 1e6,
	       (double)tally->save_full_ns_max / 1e6, tally->settings_torn, tally->dead);
	return tally->torn || tally->settings_torn || tally->dead || tally->lost_wh_max > 1;
}

int main(int argc, char **argv)
{
	time_t start = time(NULL);
	int epochs = argc > 2 ? atoi(argv[2]) : 0;

	sabotage = argc == 4 && strcmp(argv[3], "--sabotage") == 0;
	if (argc < 3 || argc > 4 || (argc == 4 && !sabotage) || epochs < 1) {
		fprintf(stderr, "usage: power_cut FIRMWARE.hex EPOCHS [--sabotage]\n");
		return 2;
	}
	tally = mmap(NULL, sizeof(*tally), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (tally == MAP_FAILED)
		return 2;
	rig_init(&rig, argv[1], BOARD_SPI, 1);
	rig.after_slice = after_slice;
	rig.board->eeprom.on_start = on_operation;
	set_up();
	for (epoch = 0; epoch < epochs; epoch++)
		run_epoch();
	return report(difftime(time(NULL), start));
}
