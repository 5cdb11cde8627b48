/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * All interrupts share one entry, because saving and restoring the registers takes 66 bytes. A
 * vector puts its number into r24, where vectors_dispatch() expects its argument.
 */
#include "vectors.h"

#include <avr/interrupt.h>
#include <stdint.h>

#include "../core/keeper.h"
#include "board.h"

/* The number of each interrupt. */
#define DIP 0
#define EDGE_FIRST 1
#define EDGE_SECOND 2
#define BUS 3
#define BEAT 4
#define UART 5
#define READY 6
#define HANG 7

#define OWN __attribute__((used, externally_visible))

OWN void vectors_dispatch(uint8_t number);
__attribute__((naked)) OWN void vectors_entry(void);

/*
 * A byte of the bus must be handled within 250 µs, but the interrupts numbered below BUS have
 * priority. They handle a waiting byte before they return, so that it never waits for more than two
 * other interrupts.
 */
void vectors_dispatch(uint8_t number)
{
	if (number == DIP)
		supply_dip();
	else if (number == EDGE_FIRST)
		tick_edge_first();
	else if (number == EDGE_SECOND)
		tick_edge_second();
#ifdef BOARD_SPI
	if (number == BUS || (number < BUS && SPSR & _BV(SPIF)))
		serve_byte();
#endif
	if (number == BEAT)
		tick_beat();
	else if (number == READY)
		eeprom_ready();
	else if (number == HANG)
		keeper_hang();
	else if (number == UART)
#ifdef BOARD_SPI
		port6_receive();
#else
		serve_send();
#endif
}

/* Saves the registers that a function may change; the vector has saved r24. */
void vectors_entry(void)
{
	__asm__("push r0\n\t"
		"in r0, __SREG__\n\t"
		"push r0\n\t"
		"push r1\n\t"
		"clr r1\n\t"
		"push r18\n\tpush r19\n\tpush r20\n\tpush r21\n\tpush r22\n\tpush r23\n\t"
		"push r25\n\tpush r26\n\tpush r27\n\tpush r30\n\tpush r31\n\t"
		"rcall vectors_dispatch\n\t"
		"pop r31\n\tpop r30\n\tpop r27\n\tpop r26\n\tpop r25\n\t"
		"pop r23\n\tpop r22\n\tpop r21\n\tpop r20\n\tpop r19\n\tpop r18\n\t"
		"pop r1\n\t"
		"pop r0\n\t"
		"out __SREG__, r0\n\t"
		"pop r0\n\t"
		"pop r24\n\t"
		"reti");
}

#define VECTOR(name, number)                                                            \
	ISR(name, ISR_NAKED)                                                            \
	{                                                                               \
		__asm__("push r24\n\tldi r24, %0\n\trjmp vectors_entry" ::"i"(number)); \
	}

VECTOR(TIMER1_CAPT_vect, DIP)
VECTOR(TIMER1_COMPA_vect, BEAT)
VECTOR(INT0_vect, EDGE_FIRST)
VECTOR(INT1_vect, EDGE_SECOND)
VECTOR(EE_READY_vect, READY)
CYCLES_MAX(WDT_vect, 280); /* keeper_hang() in core/keeper.c */
VECTOR(WDT_vect, HANG)
#ifdef BOARD_SPI
VECTOR(SPI_STC_vect, BUS)
VECTOR(USART_RX_vect, UART)

/* Switches the driver back to listening when the last bit has been sent. */
CYCLES_MAX(USART_TX_vect, 20);
ISR(USART_TX_vect, ISR_NAKED)
{
	__asm__("cbi %0, %1\n\treti" ::"I"(_SFR_IO_ADDR(PORTD)), "I"(RS485_BIT));
}
#else
VECTOR(USART_UDRE_vect, UART)
#endif
