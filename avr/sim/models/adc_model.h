/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The ADC: samples the clamps at the time that the data sheet states, and returns codes of 10 bits.
 */
#ifndef SIM_ADC_MODEL_H
#define SIM_ADC_MODEL_H

#include <avr_adc.h>
#include <stdbool.h>
#include <stdint.h>

struct board;

struct adc_model {
	avr_adc_t *io;
	bool converting;
	bool sampled;
	bool first; /* the first conversion after ADEN is longer */
	bool auto_triggered;
	uint8_t mux; /* latched at the start */
	uint16_t value;
	uint16_t result; /* the data register */
	bool locked;     /* ADCL was read, ADCH not yet */
	uint64_t end_cycle;
	uint64_t samples[3];
};

void adc_attach(struct board *b);
void adc_reset(struct board *b);
void adc_event(struct board *b);

#endif
