/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Drivers: those without whom simulated time does not move; and all who wait for a time. */
#ifndef SIM_DRIVERS_H
#define SIM_DRIVERS_H

#include "sim.h"

/* The furthest time that somebody waits for, or 0. */
uint64_t drivers_furthest(const struct sim *sim);

/* Up to here the drivers let time go (UINT64_MAX: there are none). */
uint64_t drivers_limit(const struct sim *sim);

/* Answers those whose time has come. */
void drivers_answer(struct sim *sim);

/* Writes `ok SIM_US WALL_US` for a client. */
void drivers_send_time(const struct sim *sim, struct client *c);

#endif
