/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Transfers run in the order of their arrival. */
#include "bus.h"

#include <string.h>

static const uint64_t UNFINISHED_NS = 1000000000; /* an unfinished frame that is older is dropped */

void bus_queue(struct sim *sim, struct client *c)
{
	c->queued = true;
	c->order = sim->server.orders++;
}

static void refuse(struct client *c)
{
	uint8_t out[FRAME_MAX_ANSWER];

	client_send(c, out, frame_answer(out, FRAME_MALFORMED, NULL, 0));
}

static void take_from(struct sim *sim, struct client *c)
{
	while (!c->queued && !c->clocking && client_has_room(c)) {
		enum frame_event event = frame_next(&c->reader);

		if (event == FRAME_NONE)
			return;
		if (event == FRAME_REFUSE) {
			refuse(c);
			continue;
		}
		memcpy(c->mosi, c->reader.data, c->reader.count);
		c->count = c->reader.count;
		c->gap_us = c->reader.gap_us;
		c->by_command = false;
		bus_queue(sim, c);
	}
}

void bus_take(struct sim *sim, uint64_t real_now)
{
	for (int i = 0; i < SERVER_CLIENTS; i++) {
		struct client *c = &sim->server.client[i];

		if (!c->used || c->gone || c->kind != LINE_BUS)
			continue;
		take_from(sim, c);
		while (!c->queued && !c->clocking && client_has_room(c) &&
		       frame_unfinished(&c->reader) && real_now > c->heard_ns + UNFINISHED_NS) {
			frame_give_up(&c->reader);
			take_from(sim, c);
		}
	}
}

static void answer(struct client *c, bool lost_power)
{
	if (c->by_command) {
		char text[2 * FRAME_MAX_BYTES + 5] = "ok ";

		command_to_hex(text + 3, c->miso, c->count);
		size_t len = strlen(text);

		text[len] = '\n';
		client_send(c, text, len + 1);
		return;
	}
	uint8_t out[FRAME_MAX_ANSWER];

	client_send(c, out,
		    frame_answer(out, lost_power ? FRAME_NO_POWER : FRAME_DONE, c->miso, c->count));
}

static struct client *clocking(struct sim *sim)
{
	for (int i = 0; i < SERVER_CLIENTS; i++) {
		if (sim->server.client[i].used && sim->server.client[i].clocking)
			return &sim->server.client[i];
	}
	return NULL;
}

static struct client *next_queued(struct sim *sim)
{
	struct client *best = NULL;

	for (int i = 0; i < SERVER_CLIENTS; i++) {
		struct client *c = &sim->server.client[i];

		if (c->used && c->queued && (!best || c->order < best->order))
			best = c;
	}
	return best;
}

void bus_turn(struct sim *sim)
{
	if (spi_active(sim->board))
		return;
	struct client *c = clocking(sim);

	if (c) {
		c->clocking = false;
		answer(c, sim->board->spi.lost_power);
		client_release(c);
	}
	c = next_queued(sim);
	if (c) {
		c->queued = false;
		c->clocking = true;
		spi_start(sim->board, c->mosi, c->miso, c->count, c->gap_us);
	}
}

int bus_foreign(const struct sim *sim)
{
	int n = 0;

	for (int i = 0; i < SERVER_CLIENTS; i++) {
		const struct client *c = &sim->server.client[i];

		if (c->used && (c->queued || c->clocking) && !c->driver)
			n++;
	}
	return n;
}
