/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The EEPROM as the core sees it. hw/eeprom.c provides it on the board, host/bench.c in the tests.
 */
#ifndef CORE_EEPROM_H
#define CORE_EEPROM_H

#include <stdbool.h>
#include <stdint.h>

#define EEPROM_BLANK 0xff /* an erased cell */

/* The values are those of the ATmega's bits EEPM1:0 in EECR. */
enum eeprom_mode {
	EEPROM_REPLACE = 0x00, /* erase and write, 3.4 ms */
	EEPROM_ERASE = 0x10,   /* 1.8 ms */
	EEPROM_WRITE = 0x20,   /* into an erased cell, 1.8 ms */
};

/* Reads one cell. Waits for an operation under way, at most 3.4 ms. Main loop. */
uint8_t eeprom_read(uint16_t at);

/*
 * Starts one operation. Returns false when one is under way or a record is being written. Main
 * loop.
 */
bool eeprom_start(uint16_t at, uint8_t value, enum eeprom_mode mode);

/* Returns true when eeprom_start() would start an operation. Main loop. */
bool eeprom_idle(void);

/* Starts to write one cell for journal_step(), while the EEPROM is ready. With interrupts off. */
void eeprom_poke(uint16_t at, uint8_t value);

/* Has journal_step() called whenever the EEPROM is ready. With interrupts off. */
void eeprom_call_journal(void);

#endif
