/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The core on the host: a fake EEPROM with its times, a fake supply, a fake master, and checks. */
#ifndef HOST_BENCH_H
#define HOST_BENCH_H

#include <stdbool.h>
#include <stdint.h>

#define BENCH_CELLS 512

/* What the EEPROM holds and how often each cell was erased. */
extern uint8_t bench_cells[BENCH_CELLS];
extern uint32_t bench_wear[BENCH_CELLS];

/* Operations begun so far; when as many as bench_cut_at have begun the power fails in the way of bench_cut_stage. */
enum bench_stage { BENCH_BEFORE, BENCH_ERASED, BENCH_HALF, BENCH_WRITTEN };

extern uint32_t bench_ops;
extern uint32_t bench_cut_at; /* 0: never */
extern enum bench_stage bench_cut_stage;
extern uint8_t
	bench_cut_value; /* bits that half an erasure has set, or that half a write has left */
extern bool bench_stuck[BENCH_CELLS]; /* cells that are worn out: they hold 0 for ever */
extern bool bench_dead;               /* the power has failed */
extern bool bench_low;                /* the supply is under the threshold */
extern bool bench_led;                /* the LED is lit */
extern uint32_t bench_seconds;        /* passes that ended a second */

/* Erases the EEPROM and forgets wear and cuts. */
void bench_blank(void);

/* Power-on with garbage in RAM, or a reset that keeps it. */
void bench_power_on(void);
void bench_reset(void);
void bench_reset_by_watchdog(void);

/* Lets the board live for so many ticks. */
void bench_run(uint32_t ticks);

/* The supply falls: the interrupt. */
void bench_dip(void);

#ifdef BOARD_SPI
/* Sends a message (from `l` to `.`), reads the reply after wait ticks; text of it without CRC in reply[]. False: damaged. */
bool bench_ask(const char *message, uint32_t wait, char *reply);
#endif

/* Fails the test with its place and text unless ok. */
void bench_check(bool ok, const char *file, int line, const char *text);

#define CHECK(what) bench_check((what), __FILE__, __LINE__, #what)

#endif
