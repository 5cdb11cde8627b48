/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pass.h"

#include "keeper.h"
#include "meter.h"
#include "shape.h"

/*
 * Accounts one input a pass, so that each has its turn in 10 ms: what a failing supply may miss is
 * 0.4 Wh of a clamp of 500 A. The LED is lit for two such rounds when a counter has moved in the
 * two before.
 */
static void account_next(bool low)
{
	static uint8_t turn;
	static bool moved;

	if (meter_account(turn < COUNTED_PORTS ? turn : (uint8_t)(turn - COUNTED_PORTS)))
		moved = true;
	if (++turn < 2 * COUNTED_PORTS)
		return;
	turn = 0;
	pass_led(moved && !low);
	moved = false;
}

bool pass_run(uint16_t now, uint8_t ticks, bool low)
{
	static uint16_t second; /* the tick at which the present second began */

	meter_tick(now);
	account_next(low);
	keeper_run(low, ticks);
	if ((uint16_t)(now - second) < TICKS_PER_S)
		return false;
	second = (uint16_t)(second + TICKS_PER_S);
	meter_second();
	keeper_second();
	return true;
}
