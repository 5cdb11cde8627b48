/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The running simulation: a board, its clock and its clients. */
#ifndef SIM_SIM_H
#define SIM_SIM_H

#include <stdbool.h>
#include <stdint.h>

#include "../models/board.h"
#include "clock.h"
#include "server.h"

struct sim {
	struct board *board;
	struct clock clock;
	struct server server;
	bool quit;
};

/* The real clocks. */
uint64_t real_ns(void);     /* monotonic */
int64_t real_wall_ns(void); /* since 1970 */

#endif
