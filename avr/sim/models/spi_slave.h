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
	uint8_t shift;    /* the byte that the master reads next */
	uint8_t received; /* the buffer behind SPDR */
	bool shifting;
	bool flag_seen; /* SPSR was read with SPIF set; the next SPDR access clears it */
	/* The master's transfer. */
	const uint8_t *out;
	uint8_t *in;
	uint16_t count, done;
	uint32_t gap_ns;
	bool active;
	bool lost_power;
	bool clocked_in_gap; /* a byte has ended and its gap runs */
	uint8_t clocked;     /* the byte on the wire */
	uint8_t answer;      /* the shift register when the byte began */
};

struct board;

void spi_attach(struct board *b);
void spi_reset(struct board *b);
void spi_event(struct board *b);

/*
 * Starts to clock count bytes. in and out must live until spi_active() is false. One transfer at a
 * time.
 */
void spi_start(struct board *b, const uint8_t *out, uint8_t *in, uint16_t count, uint32_t gap_us);

bool spi_active(const struct board *b);

/* Returns when the transfer will end, its last gap included. */
uint64_t spi_end_ns(const struct board *b);

#endif
