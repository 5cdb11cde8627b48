/* SPDX-License-Identifier: GPL-3.0-or-later */
/* AIN1 against the bandgap, through timer 1's input capture. */
#include "supply.h"

#include "../core/keeper.h"
#include "board.h"
#include "vectors.h"

/* First what the charge of the capacitors is for, then everything else. */
CYCLES_MAX(TIMER1_CAPT_vect, 280);
void supply_dip(void)
{
	keeper_dip();
	led_set(0);
	TIMSK1 = _BV(OCIE1A); /* the tick's, and not this one */
}

void supply_init(void)
{
	DIDR1 = _BV(AIN1D);
	ACSR = _BV(ACBG) | _BV(ACIC);
}

/* The interrupt masks itself; it is armed again here, so that noise at the threshold is no storm. */
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
