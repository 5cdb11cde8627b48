/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "drivers.h"

#include <inttypes.h>
#include <stdio.h>

#include "bus.h"

uint64_t drivers_furthest(const struct sim *sim)
{
	uint64_t furthest = spi_active(sim->board) ? spi_end_ns(sim->board) : 0;

	for (int i = 0; i < SERVER_CLIENTS; i++) {
		const struct client *c = &sim->server.client[i];

		if (c->used && c->waiting && c->until_ns > furthest)
			furthest = c->until_ns;
	}
	return furthest;
}

/*
 * A driver with a transfer under way counts as waiting. A transfer on the bus also belongs to one
 * of the drivers, but it is unknown to which, so each such transfer stands for one driver until it
 * ends.
 */
uint64_t drivers_limit(const struct sim *sim)
{
	uint64_t earliest = UINT64_MAX;
	int idle = 0;

	for (int i = 0; i < SERVER_CLIENTS; i++) {
		const struct client *c = &sim->server.client[i];

		if (!c->used || !c->driver)
			continue;
		if (c->waiting && c->until_ns < earliest)
			earliest = c->until_ns;
		else if (!c->waiting && !c->queued && !c->clocking)
			idle++;
	}
	if (idle == 0)
		return earliest;
	if (idle > bus_foreign(sim) || !spi_active(sim->board))
		return 0;
	uint64_t end = spi_end_ns(sim->board);

	return end < earliest ? end : earliest;
}

void drivers_send_time(const struct sim *sim, struct client *c)
{
	uint64_t now = sim->board->now_ns;
	char text[64];
	static const char *const NTP[] = { "", " 0", " 1" };
	int n = snprintf(text, sizeof(text), "ok %" PRIu64 " %" PRId64 "%s\n", now / 1000,
			 clock_wall_ns(&sim->clock, now) / 1000, NTP[sim->clock.ntp]);

	client_send(c, text, (size_t)n);
}

void drivers_answer(struct sim *sim)
{
	for (int i = 0; i < SERVER_CLIENTS; i++) {
		struct client *c = &sim->server.client[i];

		if (c->used && c->waiting && c->until_ns <= sim->board->now_ns) {
			c->waiting = false;
			drivers_send_time(sim, c);
		}
	}
}
