/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The bus: takes frames from the clients, clocks one transfer after the other, and answers. */
#ifndef SIM_BUS_H
#define SIM_BUS_H

#include "sim.h"

/* Takes complete frames out of the clients' input and drops unfinished ones that are too old. */
void bus_take(struct sim *sim, uint64_t real_now);

/* Queues the transfer in a client's mosi, count and gap_us. It must have no other. */
void bus_queue(struct sim *sim, struct client *c);

/* Answers a transfer that has ended and starts the next one. */
void bus_turn(struct sim *sim);

/* Returns how many transfers wait or run for clients that are not drivers. */
int bus_foreign(const struct sim *sim);

#endif
