/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Single EEPROM operations for the main loop, and the interrupt that writes the journal's records.
 */
#include "../core/eeprom.h"

#include <avr/io.h>

#include "../core/guard.h"
#include "../core/journal.h"
#include "../core/shape.h"
#include "vectors.h"

/* Starts an operation with interrupts off, because EEPE must follow EEMPE within four cycles. */
static inline void start(uint16_t at, uint8_t value, uint8_t mode)
{
	EEAR = at;
	EEDR = value;
	EECR = (uint8_t)((EECR & _BV(EERIE)) | mode);
	__asm__ volatile("sbi %0, %1\n\tsbi %0, %2" ::"I"(_SFR_IO_ADDR(EECR)), "I"(EEMPE),
			 "I"(EEPE));
}

SHARED uint8_t eeprom_read(uint16_t at)
{
	uint8_t guard, value;

	for (;;) {
		guard = guard_enter();
		if (!(EECR & _BV(EEPE)))
			break;
		guard_leave(guard);
	}
	EEAR = at;
	EECR |= _BV(EERE);
	value = EEDR;
	guard_leave(guard);
	return value;
}

bool eeprom_idle(void)
{
	return !(EECR & (_BV(EEPE) | _BV(EERIE)));
}

bool eeprom_start(uint16_t at, uint8_t value, enum eeprom_mode mode)
{
	uint8_t bits = mode == EEPROM_WRITE ? _BV(EEPM1) : mode == EEPROM_ERASE ? _BV(EEPM0) : 0;
	uint8_t guard = guard_enter();
	bool idle = eeprom_idle();

	if (idle)
		start(at, value, bits);
	guard_leave(guard);
	return idle;
}

void eeprom_poke(uint16_t at, uint8_t value)
{
	start(at, value, _BV(EEPM1));
}

void eeprom_call_journal(void)
{
	EECR |= _BV(EERIE);
}

CYCLES_MAX(EE_READY_vect, 370);
void eeprom_ready(void)
{
	if (!journal_step())
		EECR &= (uint8_t)~_BV(EERIE);
}
