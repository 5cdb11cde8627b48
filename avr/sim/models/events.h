/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The board's events and their times, in nanoseconds of simulated time. */
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

/* Returns the time of the next event, or EVENT_NEVER. */
uint64_t events_next_ns(const struct board *b);

/* Handles all events that are due, also those that become due meanwhile. Each such chain ends. */
void events_fire_due(struct board *b);

#endif
