/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Paces simulated time by the real clock, and keeps the simulated wall clock. Does no input or
 * output.
 */
#ifndef SIM_CLOCK_H
#define SIM_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

static const double SPEED_MAX = 1e6; /* `max`: no pacing */

enum clock_ntp {
	NTP_UNKNOWN,
	NTP_UNSYNCHRONISED,
	NTP_SYNCHRONISED
}; /* what drivers hear about the wall clock */

struct clock {
	double speed; /* simulated seconds a real second; 0 stands still; SPEED_MAX is unpaced */
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
 * Returns how far simulated time may go now. until_ns is the latest time that anyone waits for, or
 * 0. Time that a slow machine loses is not made up for.
 */
uint64_t clock_horizon(struct clock *c, uint64_t sim_ns, uint64_t real_ns, int64_t real_wall_ns,
		       uint64_t until_ns);

#endif
