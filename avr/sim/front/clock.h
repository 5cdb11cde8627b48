/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Pacing: how far simulated time may go, given the real one; and the simulated wall clock. Pure. */
#ifndef SIM_CLOCK_H
#define SIM_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

static const double SPEED_MAX = 1e6; /* `max`: no pacing */

enum clock_ntp {
	NTP_UNKNOWN,
	NTP_UNSYNCHRONISED,
	NTP_SYNCHRONISED
}; /* what drivers are told of the wall clock */

struct clock {
	double speed; /* simulated seconds a real second; 0: stands; SPEED_MAX: as fast as it goes */
	uint64_t sim_base_ns, real_base_ns;
	int64_t wall_minus_sim_ns;
	bool catch_up;
	enum clock_ntp ntp;
};

void clock_init(struct clock *c, double speed, int64_t wall_ns, bool catch_up, uint64_t real_ns);
void clock_speed(struct clock *c, double speed, uint64_t sim_ns, uint64_t real_ns);
void clock_set_wall(struct clock *c, int64_t wall_ns, uint64_t sim_ns);
int64_t clock_wall_ns(const struct clock *c, uint64_t sim_ns);

/*
 * Up to here simulated time may go now. until_ns: the furthest time that somebody waits for (0: nobody does).
 * A machine that is too slow for the speed is not made up for.
 */
uint64_t clock_horizon(struct clock *c, uint64_t sim_ns, uint64_t real_ns, int64_t real_wall_ns,
		       uint64_t until_ns);

#endif
