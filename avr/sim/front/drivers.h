/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Drivers, for which simulated time waits; and all clients that wait for a time. */
#ifndef SIM_DRIVERS_H
#define SIM_DRIVERS_H

#include "sim.h"

/* Returns the latest time that a client waits for, or 0. */
uint64_t drivers_furthest(const struct sim *sim);

/* Returns how far the drivers let time go; UINT64_MAX if there are none. */
uint64_t drivers_limit(const struct sim *sim);

/* Answers the clients whose time has come. */
void drivers_answer(struct sim *sim);

/* Writes `ok SIM_US WALL_US` for a client. */
void drivers_send_time(const struct sim *sim, struct client *c);

#endif
