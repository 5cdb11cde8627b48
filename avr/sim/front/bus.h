/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The bus: takes frames from the lines, clocks one transfer after the other, answers. */
#ifndef SIM_BUS_H
#define SIM_BUS_H

#include "sim.h"

/* Takes complete frames out of the clients' input, drops unfinished ones that have stood too long. */
void bus_take(struct sim *sim, uint64_t real_now);

/* Queues a transfer of a client that has none; mosi, count and gap_us are set. */
void bus_queue(struct sim *sim, struct client *c);

/* Answers a transfer that is over and starts the next one. */
void bus_turn(struct sim *sim);

/* Transfers waiting or running for lines that are not drivers themselves. */
int bus_foreign(const struct sim *sim);

#endif
