/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "events.h"

#include "board.h"

uint64_t events_next_ns(const struct board *b)
{
	uint64_t next = EVENT_NEVER;

	for (int i = 0; i < EVENT_COUNT; i++) {
		if (b->events.due_ns[i] < next)
			next = b->events.due_ns[i];
	}
	return next;
}

static void fire(struct board *b, enum event_id id)
{
	switch (id) {
	case EVENT_SPI:
		spi_event(b);
		break;
	case EVENT_EEPROM:
		eeprom_event(b);
		break;
	case EVENT_ADC:
		adc_event(b);
		break;
	case EVENT_UART_TX:
		uart_tx_event(b);
		break;
	case EVENT_UART_RX:
		uart_rx_event(b);
		break;
	case EVENT_WATCHDOG:
		watchdog_event(b);
		break;
	case EVENT_INPUT0:
	case EVENT_INPUT1:
		inputs_event(b, (int)id - EVENT_INPUT0);
		break;
	case EVENT_CLAMPS:
		clamps_event(b);
		break;
	case EVENT_COUNT:
		break;
	}
}

void events_fire_due(struct board *b)
{
	while (events_next_ns(b) <= b->now_ns) {
		for (int i = 0; i < EVENT_COUNT; i++) {
			if (b->events.due_ns[i] <= b->now_ns) {
				b->events.due_ns[i] = EVENT_NEVER;
				fire(b, (enum event_id)i);
			}
		}
	}
}
