/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The output rises when the divided supply falls below the bandgap. */
#include "comparator.h"

#include "board.h"

enum {
	ACD = 0x80,
	ACBG = 0x40,
	ACO = 0x20,
	ACI = 0x10,
	ACIE = 0x08,
	ACIC = 0x04,
	ACIS = 0x03,
	BANDGAP_UV = 1100000,
	AIN0_UV = 0, /* not connected on the board */
	SUPPLY_MV = 5000,
	RESERVED = 0xF0, /* an address without a register */
};

static uint8_t *status(struct board *b)
{
	return &b->avr->data[b->comparator.io->r_acsr];
}

/* The divider is 4.4 to 1. */
static bool output(struct board *b)
{
	uint64_t ain1_uv = (uint64_t)b->comparator.supply_mv * 10000 / 44;
	uint64_t plus_uv = *status(b) & ACBG ? BANDGAP_UV : AIN0_UV;

	return !(*status(b) & ACD) && plus_uv > ain1_uv;
}

/* ACIS: 0 either edge, 2 falling, 3 rising. */
static bool edge_counts(uint8_t acis, bool rose)
{
	return acis == 0 || (acis == 2 && !rose) || (acis == 3 && rose);
}

static void evaluate(struct board *b)
{
	bool now = output(b), before = *status(b) & ACO;

	if (now == before)
		return;
	*status(b) = (uint8_t)((*status(b) & ~ACO) | (now ? ACO : 0));
	if (edge_counts(*status(b) & ACIS, now))
		avr_raise_interrupt(b->avr, &b->comparator.io->ac);
	if (*status(b) & ACIC)
		avr_raise_irq(b->comparator.capture, now);
}

static void status_write(struct avr_t *avr, avr_io_addr_t addr, uint8_t v, void *param)
{
	struct board *b = param;
	uint8_t old = avr->data[addr];

	avr->data[addr] = (uint8_t)((v & ~(ACO | ACI)) | (old & ACO) | (old & ACI & ~(v & ACI)));
	if (!(avr->data[addr] & ACI))
		board_line(b, &b->comparator.io->ac, false);
	else if (v & ACIE)
		board_line(b, &b->comparator.io->ac, true);
	if ((v & ACIC) && !(old & ACIC))
		b->comparator.capture->value = (old & ACO) != 0; /* connecting it makes no edge */
	evaluate(b);
}

void comparator_attach(struct board *b)
{
	b->comparator.io = (avr_acomp_t *)board_module(b, "ac");
	b->comparator.capture =
		avr_io_getirq(b->avr, AVR_IOCTL_TIMER_GETIRQ('1'), TIMER_IRQ_IN_ICP);
	b->comparator.supply_mv = SUPPLY_MV;
	/*
	 * simavr's own comparator would act at each write to the ADC. A bit that is always set
	 * switches it off.
	 */
	b->comparator.io->disabled = (avr_regbit_t)AVR_IO_REGBIT(RESERVED, 0);
	board_on_write(b, b->comparator.io->r_acsr, status_write);
}

void comparator_reset(struct board *b)
{
	b->avr->data[RESERVED] = 1;
	b->comparator.capture->value = 0;
	*status(b) = (uint8_t)(output(b) ? ACO : 0);
}

void comparator_supply(struct board *b, uint32_t mv)
{
	b->comparator.supply_mv = mv;
	if (b->powered)
		evaluate(b);
}
