/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The EEPROM as the core sees it; hw/eeprom.c and the host tests provide it. */
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

/* Reads one cell; waits for an operation under way (at most 3.4 ms). Main loop. */
uint8_t eeprom_read(uint16_t at);

/* Starts one operation; false when one is under way or a record is being written. Main loop. */
bool eeprom_start(uint16_t at, uint8_t value, enum eeprom_mode mode);

/* True when eeprom_start() would start. Main loop. */
bool eeprom_idle(void);

/* Starts writing one cell for journal_step(), with the EEPROM known to be ready. Interrupts are off. */
void eeprom_poke(uint16_t at, uint8_t value);

/* Asks for journal_step() whenever the EEPROM is ready. Interrupts are off. */
void eeprom_call_journal(void);

#endif
