/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The watchdog in all its modes: interrupt, reset, interrupt then reset. */
#ifndef SIM_WATCHDOG_MODEL_H
#define SIM_WATCHDOG_MODEL_H

#include <avr_watchdog.h>
#include <stdint.h>

struct watchdog_model {
	avr_io_t hook; /* comes before simavr's module and catches the wdr instruction */
	avr_watchdog_t *io;
	uint64_t change_until; /* cycle up to which WDCE is set */
	uint64_t fired;        /* interrupts and resets */
};

struct board;

void watchdog_attach(struct board *b);
void watchdog_reset(struct board *b);
void watchdog_event(struct board *b);

/* Called when its interrupt was entered. */
void watchdog_entered(struct board *b);

#endif
