/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The core on the host, with a fake EEPROM with its times, a fake supply, a fake master, and
 * checks.
 */
#ifndef HOST_BENCH_H
#define HOST_BENCH_H

#include <stdbool.h>
#include <stdint.h>

#define BENCH_CELLS 512

/* The EEPROM, and how often each cell was erased. */
extern uint8_t bench_cells[BENCH_CELLS];
extern uint32_t bench_wear[BENCH_CELLS];

/* How far an operation has got when the power fails. */
enum bench_stage { BENCH_BEFORE, BENCH_ERASED, BENCH_HALF, BENCH_WRITTEN };

/*
 * The power fails in operation number bench_cut_at (0: never). bench_cut_value has the bits that
 * half an erasure has set or half a write has left.
 */
extern uint32_t bench_ops; /* operations so far */
extern uint32_t bench_cut_at;
extern enum bench_stage bench_cut_stage;
extern uint8_t bench_cut_value;

extern bool bench_stuck[BENCH_CELLS]; /* worn cells, which always hold 0 */
extern bool bench_dead;               /* the power has failed */
extern bool bench_low;                /* the supply is below the threshold */
extern bool bench_led;                /* the LED is lit */
extern uint32_t bench_seconds;        /* passes that ended a second */

/* Erases the EEPROM and clears wear and cuts. */
void bench_blank(void);

/* Powers the board on with garbage in RAM, or resets it with its RAM kept. */
void bench_power_on(void);
void bench_reset(void);
void bench_reset_by_watchdog(void);

/* Runs the board for so many ticks, or until its power fails. */
void bench_run(uint32_t ticks);

/* Lets the supply fall, with its interrupt. */
void bench_dip(void);

/* Powers on a new board and runs it until its slots are erased. */
void bench_ready(void);

/* Sets sensor i to value + i, or checks that. */
void bench_set_counters(uint32_t value);
bool bench_counters_are(uint32_t value);

/* Returns a random number below this one. bench_random is the generator's state. */
extern uint32_t bench_random;
uint32_t bench_any(uint32_t below);

#ifdef BOARD_SPI
/*
 * Sends a message (from `l` to `.`) and reads the reply after wait ticks, without its CRC. Returns
 * false if it is damaged.
 */
bool bench_ask(const char *message, uint32_t wait, char *reply);
#endif

/* Ends the test with this place and text unless ok. */
void bench_check(bool ok, const char *file, int line, const char *text);

#define CHECK(what) bench_check((what), __FILE__, __LINE__, #what)

#endif
