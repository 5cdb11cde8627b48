/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The sensor board: simavr's ATmega168 with our peripherals, supply and time. */
#ifndef SIM_BOARD_H
#define SIM_BOARD_H

#include <sim_avr.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "adc_model.h"
#include "clamp.h"
#include "comparator.h"
#include "eeprom_model.h"
#include "events.h"
#include "inputs.h"
#include "probe.h"
#include "spi_slave.h"
#include "symbols.h"
#include "uart_model.h"
#include "watchdog_model.h"

enum board_kind { BOARD_SPI, BOARD_UART };

enum { MCUSR_PORF = 1, MCUSR_EXTRF = 2, MCUSR_WDRF = 8 };

struct board_config {
	enum board_kind kind;
	const uint8_t *flash; /* image */
	size_t flash_len;
	uint8_t *eeprom;           /* EEPROM_BYTES, kept by the caller */
	const struct trace *trace; /* may be NULL */
	uint32_t seed;             /* of the garbage that RAM and half-written cells hold */
};

struct board {
	avr_t *avr;
	enum board_kind kind;
	/* time: at base_ns the CPU stood at base_cycle, running at freq_hz */
	uint64_t base_ns, base_cycle;
	uint32_t freq_hz, crystal_hz;
	uint64_t now_ns; /* up to here the board has run */
	uint64_t stop_cycle;
	bool powered;
	int reset_flags;             /* a reset is due: MCUSR bits */
	bool cut_due;                /* the power goes at this cycle */
	bool started;                /* a first cycle has run since the power came */
	uint64_t clock_change_until; /* cycle up to which CLKPCE stands */
	uint32_t random;
	uint64_t power_ons, resets, crashes;
	struct events events;
	struct probe probe;
	struct spi_slave spi;
	struct eeprom_model eeprom;
	struct adc_model adc;
	struct comparator comparator;
	struct watchdog_model watchdog;
	struct uart_model uart;
	struct clamps clamps;
	struct inputs {
		struct input input[INPUTS];
	} inputs;
	struct symbols symbols;
};

/* A board with power on at time 0, nothing run yet; NULL when simavr lacks the part. */
struct board *board_new(const struct board_config *config);

/* Runs to a simulated time; the CPU may pass it by part of an instruction. */
void board_run_to(struct board *b, uint64_t ns);

/* Simulated time as the CPU sees it now, also within an instruction. */
uint64_t board_now_ns(const struct board *b);

/* An event's time; EVENT_NEVER calls it off. */
void board_event(struct board *b, enum event_id id, uint64_t due_ns);

uint64_t board_ns_of_cycle(const struct board *b, uint64_t cycle);

void board_cut(struct board *b);   /* at once; without power already: nothing */
void board_power(struct board *b); /* power-on reset; with power already: nothing */
void board_reset(struct board *b); /* external */

/*
 * The main program loops for ever from here on, interrupts go on, until a reset; false when the board is without power, or
 * has no endless loop in its flash. The CPU may run ahead for it as for board_read_ram().
 */
bool board_hang(struct board *b);

/* A reset from inside an instruction: takes place after it. */
void board_reset_later(struct board *b, int mcusr_flags);
void board_cut_later(struct board *b);

/*
 * Copies RAM when the firmware is in none of its interrupts and has not touched these bytes for a while,
 * so that no half-written value is read: the CPU may run ahead by at most 2 ms for it.
 */
bool board_read_ram(struct board *b, uint16_t addr, uint8_t *out, size_t len);

uint8_t board_random_byte(struct board *b);

/* Sets or withdraws an interrupt whose flag our models keep. */
void board_line(struct board *b, avr_int_vector_t *vector, bool active);

/* Finds simavr's module of a kind. */
avr_io_t *board_module(const struct board *b, const char *kind);

void board_on_write(struct board *b, uint16_t addr, avr_io_write_t fn);
void board_on_read(struct board *b, uint16_t addr, avr_io_read_t fn);

/* The CPU's clock from this cycle on. */
void board_set_clock(struct board *b, uint32_t freq_hz);

/* Takes over registers of the CPU; registers.c. */
void registers_attach(struct board *b);

bool board_led(const struct board *b);
bool board_rs485(const struct board *b);

#endif
