/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The comparator of AIN1 with the bandgap, which interrupts through timer 1's input capture. */
#include "supply.h"

#include "../core/keeper.h"
#include "board.h"
#include "vectors.h"

/* The save comes first, because the capacitors' charge is limited. */
CYCLES_MAX(TIMER1_CAPT_vect, 280);
void supply_dip(void)
{
	keeper_dip();
	led_set(0);
	TIMSK1 = _BV(OCIE1A); /* masks this interrupt and keeps the tick's */
}

void supply_init(void)
{
	DIDR1 = _BV(AIN1D);
	ACSR = _BV(ACBG) | _BV(ACIC);
}

/*
 * The interrupt masks itself and is armed again here, so that noise at the threshold cannot flood
 * the board.
 */
bool supply_low(void)
{
	if (ACSR & _BV(ACO))
		return true;
	if (!(TIMSK1 & _BV(ICIE1))) {
		TIFR1 = _BV(ICF1);
		TIMSK1 = _BV(ICIE1) | _BV(OCIE1A);
	}
	return false;
}
