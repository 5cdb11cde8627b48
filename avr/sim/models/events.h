/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is due on the board and when, in nanoseconds of simulated time. */
#ifndef SIM_EVENTS_H
#define SIM_EVENTS_H

#include <stdint.h>

enum event_id {
	EVENT_SPI,
	EVENT_EEPROM,
	EVENT_ADC,
	EVENT_UART_TX,
	EVENT_UART_RX,
	EVENT_WATCHDOG,
	EVENT_INPUT0,
	EVENT_INPUT1,
	EVENT_CLAMPS,
	EVENT_COUNT,
};

static const uint64_t EVENT_NEVER = UINT64_MAX;

struct events {
	uint64_t due_ns[EVENT_COUNT];
};

struct board;

/* When the next event is due; EVENT_NEVER when none is. */
uint64_t events_next_ns(const struct board *b);

/* Lets what is due happen, also what that makes due now; each such chain is finite. */
void events_fire_due(struct board *b);

#endif
