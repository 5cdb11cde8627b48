/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The ATmega168's SPI in slave mode, and the master that clocks it. */
#ifndef SIM_SPI_SLAVE_H
#define SIM_SPI_SLAVE_H

#include <avr_spi.h>
#include <stdbool.h>
#include <stdint.h>

enum { SPI_BYTE_NS = 16000 }; /* eight bits at 500 kHz */

struct spi_slave {
	avr_spi_t *io;
	uint8_t shift;    /* what the master reads next */
	uint8_t received; /* the buffer behind SPDR */
	bool shifting;
	bool flag_seen; /* SPSR was read with SPIF set: the next SPDR access clears it */
	/* the master's transfer */
	const uint8_t *out;
	uint8_t *in;
	uint16_t count, done;
	uint32_t gap_ns;
	bool active;
	bool lost_power;
	bool clocked_in_gap; /* the byte is done, its gap runs */
	uint8_t clocked;     /* byte on the wire */
	uint8_t answer;      /* what the shift register held when it started */
};

struct board;

void spi_attach(struct board *b);
void spi_reset(struct board *b);
void spi_event(struct board *b);

/*
 * Starts clocking count bytes; in and out must live until the transfer is no longer active.
 * Only one at a time.
 */
void spi_start(struct board *b, const uint8_t *out, uint8_t *in, uint16_t count, uint32_t gap_us);

bool spi_active(const struct board *b);

/* When the running transfer, its last gap included, will be over. */
uint64_t spi_end_ns(const struct board *b);

#endif
