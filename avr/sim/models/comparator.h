/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The analog comparator of AIN1 (supply / 4.4) with the bandgap, which feeds Timer1's input
 * capture.
 */
#ifndef SIM_COMPARATOR_H
#define SIM_COMPARATOR_H

#include <avr_acomp.h>
#include <avr_timer.h>
#include <stdint.h>

struct comparator {
	avr_acomp_t *io;
	struct avr_irq_t *capture; /* Timer1's input capture */
	uint32_t supply_mv;        /* before the divider */
};

struct board;

void comparator_attach(struct board *b);
void comparator_reset(struct board *b);
void comparator_supply(struct board *b, uint32_t mv);

#endif
