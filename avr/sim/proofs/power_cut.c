/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Cuts the power around each EEPROM operation of saves, hourly records and settings. At each
 * operation the process forks: each child lets the power fail in its own way, starts the board
 * again and compares. The state that comes back must be one that the board had, and not older than
 * the last complete record.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "cut_child.h"
#include "cut_dips.h"
#include "cut_state.h"

enum {
	SLOT_MS = 500, /* until the slot after a full record is erased as well */
	ARMED_SETS = 3,
	RECORD_EPOCHS = 6,   /* full records are cut in every sixth epoch */
	SETTINGS_EPOCHS = 8, /* settings in every eighth; saves in each epoch */
	SWEEP_AN_EPOCH = 24, /* instants for a dip in a round of the main loop */
	LIFE_AN_EPOCH = 16,
};

static void must(bool good, const char *what)
{
	if (!good) {
		fprintf(stderr, "power-cut: the board refuses: %s\n", what);
		exit(2);
	}
}

/* Their next increments carry over a byte or a word. */
static const uint32_t BORDERS[] = { 0xFFFFFFFE, 0xFFFE,     0xFE,   0x00FFFFFE, 0x7FFE,
				    0x0001FFFE, 0x7FFFFFFE, 0xFEFF, 0x12345678, 0 };

static void preset_counters(void)
{
	char text[32];

	for (int i = 0; i < RIG_SENSORS; i++) {
		uint32_t v =
			BORDERS[(size_t)(cut.epoch + i) % (sizeof(BORDERS) / sizeof(BORDERS[0]))];

		snprintf(text, sizeof(text), "sc%02x%08" PRIx32, i, v);
		/*
		 * The sets come so close together that their records wait for each other, so cuts
		 * also hit the erasing of slots.
		 */
		cut.armed = i >= RIG_SENSORS - ARMED_SETS && cut.epoch % RECORD_EPOCHS == 0;
		/* Until the record ends, the old state and the new one may both come back. */
		rig_command(&cut.rig, text);
	}
	rig_run_ms(&cut.rig, SLOT_MS);
	cut.armed = false;
	rig_run_ms(&cut.rig, SLOT_MS);
}

static void measure_energy(void)
{
	clamps_hold(cut.rig.board, 0, 12000);
	clamps_hold(cut.rig.board, 1, 9000);
	clamps_hold(cut.rig.board, 2, 5000);
	input_pulses(cut.rig.board, 0, 6, 40 * NS_PER_MS, 20 * NS_PER_MS);
	input_pulses(cut.rig.board, 1, 3, 70 * NS_PER_MS, 30 * NS_PER_MS);
	rig_run_ms(&cut.rig, 1100);
}

/*
 * Lets the supply fail for good: cuts the save at each operation, then once more when the save has
 * had all its time, and starts the board again.
 */
static void fail_supply(void)
{
	cut.saving_only = true;
	cut.armed = true;
	cut_dip();
	rig_run_ms(&cut.rig, HOLD_SHORT_MS);
	if (cut_save_is_full())
		rig_run_ms(&cut.rig, HOLD_MS - HOLD_SHORT_MS);
	cut.armed = false;
	cut.saving_only = false;
	cut_note_save();
	if (cut_fork()) {
		cut.rig.board->eeprom.on_start = NULL;
		board_cut(cut.rig.board);
		cut_boot_and_compare(true);
		_exit(0);
	}
	cut.noting = false;
	board_cut(cut.rig.board);
	for (int k = 0; k < CLAMPS; k++)
		clamps_hold(cut.rig.board, k, 0);
	comparator_supply(cut.rig.board, GOOD_MV);
	cut.dip_ns = 0;
	rig_run_ms(&cut.rig, DARK_MS);
	board_power(cut.rig.board);
	rig_run_ms(&cut.rig, BOOT_MS);
	cut.noting = true;
}

static void write_settings(void)
{
	char text[64];

	must(cut_ask_settings(cut.history.settings[0]), "settings");
	strcpy(cut.history.settings[1], cut.history.settings[0]);
	snprintf(text, sizeof(text), "sm03%04x", 1 + cut.epoch % 5 * 256);
	rig_command(&cut.rig, text);
	snprintf(text, sizeof(text), "sf00%04x", (500 + cut.epoch * 77) % 1000);
	rig_command(&cut.rig, text);
	snprintf(text, sizeof(text), "sn040005%04x", 16 << cut.epoch % 3);
	rig_command(&cut.rig, text);
	snprintf(text, sizeof(text), "so03%04x", 100 + cut.epoch);
	rig_command(&cut.rig, text);
	rig_command(&cut.rig, cut.epoch / SETTINGS_EPOCHS % 2 ? "sa12" : "sa16");
	must(cut_ask_settings(cut.history.settings[1]), "settings");
	cut_start_over();
	cut.armed = true;
	rig_command(&cut.rig, "ct");
	rig_run_ms(&cut.rig, 300);
	cut.armed = false;
	strcpy(cut.history.settings[0], cut.history.settings[1]);
	rig_command(&cut.rig, "sm030001");
	must(cut_ask_settings(cut.history.settings[1]), "settings");
	rig_command(&cut.rig, "ct");
	strcpy(cut.history.settings[0], cut.history.settings[1]);
}

static void set_up(void)
{
	rig_set_up(&cut.rig);
	must(cut_ask_settings(cut.history.settings[0]), "settings");
	strcpy(cut.history.settings[1], cut.history.settings[0]);
}

static void run_epoch(void)
{
	cut_start_over();
	preset_counters();
	cut_start_over(); /* the record is complete, so nothing older may come back */
	measure_energy();
	fail_supply();
	cut_start_over();
	if (cut.epoch % SETTINGS_EPOCHS == 1)
		write_settings();
}

static int report(double seconds)
{
	printf("power-cut: %" PRIu64 " dips in the middle, %" PRIu64 " saves, %" PRIu64
	       " of them full; %.0f s\n",
	       cut.tally->dips, cut.tally->saves + cut.tally->full_saves, cut.tally->full_saves,
	       seconds);
	printf("power-cut: {\"cuts\": %" PRIu64 ", \"torn\": %" PRIu64 ", \"lost_wh_max\": %" PRIu32
	       ", \"save_ms\": %.1f, \"save_full_ms\": %.1f, \"settings_torn\": %" PRIu64
	       ", \"dead\": %" PRIu64 ", \"fallback_wh_max\": %" PRIu32 "}\n",
	       cut.tally->cuts, cut.tally->torn, cut.tally->lost_wh_max,
	       (double)cut.tally->save_ns_max / 1e6, (double)cut.tally->save_full_ns_max / 1e6,
	       cut.tally->settings_torn, cut.tally->dead, cut.tally->fallback_wh_max);
	return cut.tally->torn || cut.tally->settings_torn || cut.tally->dead ||
	       cut.tally->lost_wh_max > 1;
}

int main(int argc, char **argv)
{
	time_t start = time(NULL);
	int epochs = argc > 2 ? atoi(argv[2]) : 0;

	cut.sabotage = argc == 4 && strcmp(argv[3], "--sabotage") == 0;
	if (argc < 3 || argc > 4 || (argc == 4 && !cut.sabotage) || epochs < 1) {
		fprintf(stderr, "usage: power_cut FIRMWARE.hex EPOCHS [--sabotage]\n");
		return 2;
	}
	cut.tally = mmap(NULL, sizeof(*cut.tally), PROT_READ | PROT_WRITE,
			 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (cut.tally == MAP_FAILED)
		return 2;
	rig_init(&cut.rig, argv[1], NULL, 1);
	cut_attach();
	set_up();
	for (cut.epoch = 0; cut.epoch < epochs; cut.epoch++)
		run_epoch();
	cut.saving_only = false;
	cut_sweep(epochs * SWEEP_AN_EPOCH);
	cut_life(epochs * LIFE_AN_EPOCH);
	return report(difftime(time(NULL), start));
}
