/* SPDX-License-Identifier: GPL-3.0-or-later */
/* AIN1 against the bandgap, through timer 1's input capture. */
#include "supply.h"

#include "../core/keeper.h"
#include "board.h"
#include "vectors.h"

/* The supply must be good for so long before the next dip is an interrupt: noise at the threshold is no storm. */
#define GOOD_TICKS (TICKS_PER_S / 500) /* 2 ms */

/* First what the charge of the capacitors is for, then everything else. */
void supply_dip(void)
{
	keeper_dip();
	led_set(0);
	TIMSK1 &= (uint8_t)~_BV(ICIE1);
}

void supply_init(void)
{
	DIDR1 = _BV(AIN1D);
	ACSR = _BV(ACBG) | _BV(ACIC);
}

static void arm(void)
{
	TIFR1 = _BV(ICF1);
	TIMSK1 |= _BV(ICIE1);
}

bool supply_low(uint8_t ticks)
{
	static uint8_t good;

	if (ACSR & _BV(ACO)) {
		good = 0;
		return true;
	}
	if (good < GOOD_TICKS) {
		good = (uint8_t)(good + ticks);
		if (good >= GOOD_TICKS)
			arm();
	}
	return false;
}
