/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The firmware's write to SPDR goes out with the next byte; without one, the last byte received
 * does.
 */
#include "spi_slave.h"

#include "board.h"

enum { SPR_SPIF = 0x80, SPR_WCOL = 0x40, SPR_SPI2X = 0x01, SPCR_SPE = 0x40, SPCR_MSTR = 0x10 };

static bool listening(const struct board *b)
{
	const avr_t *avr = b->avr;
	uint8_t spcr = avr->data[b->spi.io->r_spcr];

	return b->powered && (spcr & SPCR_SPE) && !(spcr & SPCR_MSTR) &&
	       !(avr->data[b->spi.io->disabled.reg] >> b->spi.io->disabled.bit & 1);
}

static void clear_flag(struct board *b)
{
	b->spi.flag_seen = false;
	avr_clear_interrupt(b->avr, &b->spi.io->spi);
}

static void access_data(struct board *b)
{
	if (b->spi.flag_seen) {
		clear_flag(b);
		b->avr->data[b->spi.io->r_spsr] &= (uint8_t)~SPR_WCOL;
	}
}

static uint8_t spdr_read(struct avr_t *avr, avr_io_addr_t addr, void *param)
{
	struct board *b = param;

	access_data(b);
	avr->data[addr] = b->spi.received;
	return b->spi.received;
}

static void spdr_write(struct avr_t *avr, avr_io_addr_t addr, uint8_t v, void *param)
{
	struct board *b = param;

	(void)addr;
	access_data(b);
	if (b->spi.shifting)
		avr->data[b->spi.io->r_spsr] |= SPR_WCOL;
	else
		b->spi.shift = v;
}

static uint8_t spsr_read(struct avr_t *avr, avr_io_addr_t addr, void *param)
{
	struct board *b = param;

	if (avr->data[addr] & (SPR_SPIF | SPR_WCOL))
		b->spi.flag_seen = true;
	return avr->data[addr];
}

static void spsr_write(struct avr_t *avr, avr_io_addr_t addr, uint8_t v, void *param)
{
	(void)param;
	avr->data[addr] = (uint8_t)((avr->data[addr] & ~SPR_SPI2X) | (v & SPR_SPI2X));
}

static void spcr_write(struct avr_t *avr, avr_io_addr_t addr, uint8_t v, void *param)
{
	struct board *b = param;

	avr->data[addr] = v;
	if ((avr->data[b->spi.io->r_spsr] & SPR_SPIF) && (v & 0x80))
		board_line(b, &b->spi.io->spi, true);
}

void spi_attach(struct board *b)
{
	avr_spi_t *io = (avr_spi_t *)board_module(b, "spi");

	b->spi.io = io;
	board_on_read(b, io->r_spdr, spdr_read);
	board_on_write(b, io->r_spdr, spdr_write);
	board_on_read(b, io->r_spsr, spsr_read);
	board_on_write(b, io->r_spsr, spsr_write);
	board_on_write(b, io->r_spcr, spcr_write);
}

void spi_reset(struct board *b)
{
	b->spi.shift = 0;
	b->spi.received = 0;
	b->spi.shifting = false;
	b->spi.flag_seen = false;
}

static void start_byte(struct board *b)
{
	struct spi_slave *s = &b->spi;

	s->clocked = s->out[s->done];
	s->shifting = listening(b);
	s->answer = s->shifting ? s->shift : 0xFF;
	if (!b->powered)
		s->lost_power = true;
}

static void end_byte(struct board *b)
{
	struct spi_slave *s = &b->spi;

	/* The SPI was switched off or reset meanwhile, so the bits are lost. */
	if (s->shifting && listening(b)) {
		s->in[s->done] = s->answer;
		s->received = s->clocked;
		s->shift = s->clocked;
		s->shifting = false;
		s->flag_seen = false;
		avr_raise_interrupt(b->avr, &s->io->spi);
	} else {
		s->in[s->done] = 0xFF;
	}
	s->shifting = false;
	if (!b->powered)
		s->lost_power = true;
	s->done++;
}

void spi_start(struct board *b, const uint8_t *out, uint8_t *in, uint16_t count, uint32_t gap_us)
{
	struct spi_slave *s = &b->spi;

	s->out = out;
	s->in = in;
	s->count = count;
	s->done = 0;
	s->gap_ns = gap_us * 1000;
	s->active = true;
	s->lost_power = false;
	start_byte(b);
	/*
	 * Not b->now_ns: reading RAM may have let the CPU run ahead, and it needs its time for each
	 * byte.
	 */
	board_event(b, EVENT_SPI, board_now_ns(b) + SPI_BYTE_NS);
}

/* Ends a byte, or begins the next one a gap later. */
void spi_event(struct board *b)
{
	struct spi_slave *s = &b->spi;

	if (!s->active)
		return;
	if (s->clocked_in_gap) {
		s->clocked_in_gap = false;
		if (s->done == s->count) {
			s->active = false;
			return;
		}
		start_byte(b);
		board_event(b, EVENT_SPI, b->now_ns + SPI_BYTE_NS);
		return;
	}
	end_byte(b);
	s->clocked_in_gap = true;
	board_event(b, EVENT_SPI, b->now_ns + s->gap_ns);
}

bool spi_active(const struct board *b)
{
	return b->spi.active;
}

uint64_t spi_end_ns(const struct board *b)
{
	const struct spi_slave *s = &b->spi;
	uint64_t left = s->count - s->done;
	uint64_t end = b->events.due_ns[EVENT_SPI];

	if (!s->clocked_in_gap)
		return end + s->gap_ns + (left - 1) * (SPI_BYTE_NS + s->gap_ns);
	return end + left * (SPI_BYTE_NS + s->gap_ns);
}
