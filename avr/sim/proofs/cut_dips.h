/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Dips from which the supply recovers, followed by others at which it does not. */
#ifndef SIM_CUT_DIPS_H
#define SIM_CUT_DIPS_H

/*
 * Lets the supply dip at each of so many instants of a round of the main loop. After each dip it
 * recovers and falls again several times; at each of these falls the power is cut in a copy.
 */
void cut_sweep(int instants);

/* Makes random pulses, commands and dips, and cuts the power in a copy at each dip. */
void cut_life(int dips);

#endif
