/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Single, free-running and triggered conversions, with the data sheet's clock counts. */
#include "adc_model.h"

#include <math.h>

#include "board.h"

enum {
	ADEN = 0x80,
	ADSC = 0x40,
	ADATE = 0x20,
	ADIF = 0x10,
	ADIE = 0x08,
	ADPS = 0x07,
	ADLAR = 0x20,
	ADTS = 0x07,
	CODE_MAX = 1023,
	MUX_BANDGAP = 14,
	REFS_INTERNAL = 0xC0,
};

/* In half ADC clocks, from the data sheet's table "ADC conversion time". */
enum {
	SAMPLE_FIRST = 27,
	SAMPLE_SINGLE = 3,
	SAMPLE_AUTO = 4,
	TOTAL_FIRST = 50,
	TOTAL_SINGLE = 26,
	TOTAL_AUTO = 27
};

static uint8_t *control(struct board *b)
{
	return &b->avr->data[b->adc.io->r_adcsra];
}

static uint64_t half_clocks(struct board *b, int halves)
{
	int shift = *control(b) & ADPS;

	return ((uint64_t)halves << (shift ? shift : 1)) / 2;
}

static void start(struct board *b, bool auto_triggered)
{
	struct adc_model *a = &b->adc;
	int sample = a->first ? SAMPLE_FIRST : auto_triggered ? SAMPLE_AUTO : SAMPLE_SINGLE;
	int total = a->first ? TOTAL_FIRST : auto_triggered ? TOTAL_AUTO : TOTAL_SINGLE;
	uint64_t now = b->avr->cycle;

	a->converting = true;
	a->sampled = false;
	a->first = false;
	a->mux = b->avr->data[a->io->r_admux];
	a->end_cycle = now + half_clocks(b, total);
	*control(b) |= ADSC;
	board_event(b, EVENT_ADC, board_ns_of_cycle(b, now + half_clocks(b, sample)));
}

static void refresh(struct board *b)
{
	board_line(b, &b->adc.io->adc, (*control(b) & ADIF) && (*control(b) & ADIE));
}

static void control_write(struct avr_t *avr, avr_io_addr_t addr, uint8_t v, void *param)
{
	struct board *b = param;
	struct adc_model *a = &b->adc;
	uint8_t old = avr->data[addr];
	uint8_t flag = (uint8_t)(old & ADIF & ~(v & ADIF));

	avr->data[addr] = (uint8_t)((v & ~(ADIF | ADSC)) | flag | (a->converting ? ADSC : 0));
	/* The comparator's input depends on ADEN. */
	if (!(v & ADEN)) {
		a->converting = false;
		avr->data[addr] &= (uint8_t)~ADSC;
		board_event(b, EVENT_ADC, EVENT_NEVER);
	} else {
		if (!(old & ADEN))
			a->first = true;
		if ((v & ADSC) && !a->converting)
			start(b, false);
	}
	refresh(b);
}

static uint16_t aligned(struct board *b)
{
	bool left = b->avr->data[b->adc.io->r_admux] & ADLAR;

	return (uint16_t)(left ? b->adc.result << 6 : b->adc.result);
}

static uint8_t low_read(struct avr_t *avr, avr_io_addr_t addr, void *param)
{
	struct board *b = param;

	b->adc.locked = true;
	avr->data[addr] = (uint8_t)aligned(b);
	return avr->data[addr];
}

static uint8_t high_read(struct avr_t *avr, avr_io_addr_t addr, void *param)
{
	struct board *b = param;

	b->adc.locked = false;
	avr->data[addr] = (uint8_t)(aligned(b) >> 8);
	return avr->data[addr];
}

static void adcsrb_write(struct avr_t *avr, avr_io_addr_t addr, uint8_t v, void *param)
{
	(void)param;
	avr->data[addr] = v;
}

static uint16_t convert(struct board *b)
{
	int mux = b->adc.mux & 0x0F;
	double code = 0;

	if (mux < CLAMPS) {
		code = floor(clamps_steps(b, mux, b->now_ns) + 0.5);
		b->adc.samples[mux]++;
	} else if (mux == MUX_BANDGAP) {
		code = CODE_MAX;
	}
	if ((b->adc.mux & 0xC0) != REFS_INTERNAL)
		code *= 1.1 /
			3.3; /* AVcc as the reference, which the field's firmware does not use */
	return (uint16_t)(code < 0 ? 0 : code > CODE_MAX ? CODE_MAX : code);
}

static void finish(struct board *b)
{
	struct adc_model *a = &b->adc;

	a->converting = false;
	*control(b) &= (uint8_t)~ADSC;
	/* A result that comes between reading ADCL and ADCH is lost. */
	if (!a->locked)
		a->result = a->value;
	if (!(*control(b) & ADIF))
		avr_raise_interrupt(b->avr, &a->io->adc);
	*control(b) |= ADIF;
	refresh(b);
	if ((*control(b) & ADATE) && (b->avr->data[a->io->r_adcsrb] & ADTS) == 0)
		start(b, false);
}

void adc_event(struct board *b)
{
	struct adc_model *a = &b->adc;

	if (!a->converting || !b->powered)
		return;
	if (a->sampled) {
		finish(b);
		return;
	}
	a->sampled = true;
	a->value = convert(b);
	board_event(b, EVENT_ADC, board_ns_of_cycle(b, a->end_cycle));
}

/* Starts a conversion if the flag that rose is the trigger; param holds board and source. */
struct trigger {
	struct board *b;
	uint8_t source;
};

static void on_flag(struct avr_irq_t *irq, uint32_t value, void *param)
{
	const struct trigger *t = param;
	struct board *b = t->b;

	if (!value || irq->value || !b->powered)
		return;
	if ((*control(b) & (ADEN | ADATE)) != (ADEN | ADATE))
		return;
	if ((b->avr->data[b->adc.io->r_adcsrb] & ADTS) == t->source && !b->adc.converting)
		start(b, true);
}

static void attach_triggers(struct board *b)
{
	static const struct {
		uint8_t source, vector;
	} TABLE[] = {
		{ 1, 23 }, { 2, 1 }, { 3, 14 }, { 4, 16 }, { 5, 12 }, { 6, 13 }, { 7, 10 },
	};
	enum { N = sizeof(TABLE) / sizeof(TABLE[0]) };
	static struct trigger trigger[N]; /* one board a process */

	for (int i = 0; i < N; i++) {
		avr_irq_t *irq = avr_get_interrupt_irq(b->avr, TABLE[i].vector);

		trigger[i].b = b;
		trigger[i].source = TABLE[i].source;
		if (irq)
			avr_irq_register_notify(irq + AVR_INT_IRQ_PENDING, on_flag, &trigger[i]);
	}
}

void adc_attach(struct board *b)
{
	struct adc_model *a = &b->adc;

	a->io = (avr_adc_t *)board_module(b, "adc");
	board_on_write(b, a->io->r_adcsra, control_write);
	board_on_write(b, a->io->r_adcsrb, adcsrb_write);
	board_on_read(b, a->io->r_adcl, low_read);
	board_on_read(b, a->io->r_adch, high_read);
	attach_triggers(b);
}

void adc_reset(struct board *b)
{
	b->adc.converting = false;
	b->adc.locked = false;
	b->adc.result = 0;
	board_event(b, EVENT_ADC, EVENT_NEVER);
}
