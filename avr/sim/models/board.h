/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The sensor board: simavr's ATmega168 with our own peripherals, supply and time. */
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
	const uint8_t *flash; /* the firmware's image */
	size_t flash_len;
	uint8_t *eeprom;           /* EEPROM_BYTES, kept by the caller */
	const struct trace *trace; /* may be NULL */
	uint32_t seed;             /* for the garbage in RAM and in half-written cells */
};

struct board {
	avr_t *avr;
	enum board_kind kind;
	/* At base_ns the CPU was at base_cycle; since then it runs at freq_hz. */
	uint64_t base_ns, base_cycle;
	uint32_t freq_hz, crystal_hz;
	uint64_t now_ns; /* how far the board has run */
	uint64_t stop_cycle;
	bool powered;
	int reset_flags;             /* MCUSR bits of a reset that is due, or 0 */
	bool cut_due;                /* the power goes after this instruction */
	bool started;                /* the CPU has run since the power came */
	uint64_t clock_change_until; /* cycle up to which CLKPCE is set */
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

/*
 * Returns a board at time 0 with power, which has not run yet; NULL if simavr lacks the ATmega168.
 */
struct board *board_new(const struct board_config *config);

/* Runs to a simulated time. The CPU may go past it by part of an instruction. */
void board_run_to(struct board *b, uint64_t ns);

/* Returns the CPU's simulated time, also within an instruction. */
uint64_t board_now_ns(const struct board *b);

/* Sets an event's time; EVENT_NEVER cancels it. */
void board_event(struct board *b, enum event_id id, uint64_t due_ns);

uint64_t board_ns_of_cycle(const struct board *b, uint64_t cycle);

/* Cuts the power at once, unless it is off. */
void board_cut(struct board *b);

/* Switches the power on, unless it is on. */
void board_power(struct board *b);

/* Resets the board by its reset pin. */
void board_reset(struct board *b);

/*
 * Makes the main program loop for ever until a reset; interrupts go on. Returns false if the board
 * has no power or its flash has no endless loop to jump to. The CPU may run ahead as in
 * board_read_ram().
 */
bool board_hang(struct board *b);

/* Reset the board or cut its power after the present instruction. */
void board_reset_later(struct board *b, int mcusr_flags);
void board_cut_later(struct board *b);

/*
 * Copies RAM at a time when no interrupt runs and the firmware has not touched these bytes for a
 * while, so that no value is half written. The CPU may run ahead by up to 2 ms for this.
 */
bool board_read_ram(struct board *b, uint16_t addr, uint8_t *out, size_t len);

uint8_t board_random_byte(struct board *b);

/* Raises or clears an interrupt whose flag one of our models keeps. */
void board_line(struct board *b, avr_int_vector_t *vector, bool active);

/* Returns simavr's module of this kind. */
avr_io_t *board_module(const struct board *b, const char *kind);

void board_on_write(struct board *b, uint16_t addr, avr_io_write_t fn);
void board_on_read(struct board *b, uint16_t addr, avr_io_read_t fn);

/* Changes the CPU's clock from this cycle on. */
void board_set_clock(struct board *b, uint32_t freq_hz);

/* Takes over some registers of the CPU: registers.c. */
void registers_attach(struct board *b);

bool board_led(const struct board *b);
bool board_rs485(const struct board *b);

#endif
