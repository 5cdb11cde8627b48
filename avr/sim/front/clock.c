/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "clock.h"

static const int64_t CAUGHT_UP_NS = 5000000; /* less than this counts as on time */
static const double LAG_MAX_NS = 200e6;      /* of a longer delay, the rest is not made up for */

void clock_init(struct clock *c, double speed, int64_t wall_ns, bool catch_up, uint64_t real_ns)
{
	c->wall_minus_sim_ns = wall_ns;
	c->catch_up = catch_up;
	c->ntp = NTP_UNKNOWN;
	clock_speed(c, speed, 0, real_ns);
}

void clock_speed(struct clock *c, double speed, uint64_t sim_ns, uint64_t real_ns)
{
	c->speed = speed;
	c->sim_base_ns = sim_ns;
	c->real_base_ns = real_ns;
}

void clock_set_wall(struct clock *c, int64_t wall_ns, uint64_t sim_ns)
{
	c->wall_minus_sim_ns = wall_ns - (int64_t)sim_ns;
	if (c->ntp == NTP_SYNCHRONISED)
		c->ntp = NTP_UNSYNCHRONISED; /* as in a kernel whose clock was set */
}

int64_t clock_wall_ns(const struct clock *c, uint64_t sim_ns)
{
	return c->wall_minus_sim_ns + (int64_t)sim_ns;
}

static uint64_t paced(struct clock *c, uint64_t sim_ns, uint64_t real_ns)
{
	double passed = (double)(real_ns - c->real_base_ns) * c->speed;
	uint64_t target = c->sim_base_ns + (uint64_t)passed;

	if (target > sim_ns && (double)(target - sim_ns) > LAG_MAX_NS * c->speed) {
		clock_speed(c, c->speed, sim_ns, real_ns);
		target = sim_ns;
	}
	return target;
}

uint64_t clock_horizon(struct clock *c, uint64_t sim_ns, uint64_t real_ns, int64_t real_wall_ns,
		       uint64_t until_ns)
{
	uint64_t wall_limit = UINT64_MAX;

	if (c->catch_up) {
		int64_t behind = real_wall_ns - clock_wall_ns(c, sim_ns);

		if (behind <= CAUGHT_UP_NS) {
			c->catch_up = false;
			clock_speed(c, 1, sim_ns, real_ns);
		} else {
			wall_limit = sim_ns + (uint64_t)behind;
		}
	}
	uint64_t limit = until_ns;

	if (c->speed >= SPEED_MAX)
		limit = UINT64_MAX;
	else if (c->speed > 0)
		limit = paced(c, sim_ns, real_ns);
	return limit < wall_limit ? limit : wall_limit;
}
