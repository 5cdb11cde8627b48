/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * One entry for all interrupts: to save and restore the registers takes 66 bytes, so they share it. A vector leaves its
 * number in r24, which the entry hands to vectors_dispatch() as its argument.
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
 * The bus has 250 µs for each byte and all interrupts below BUS go before it: these look after it on their way, so that
 * it waits for two other interrupts at most.
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

/* Saves what a function may change, r24 having been saved by the vector. */
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

/* The last bit is out: the driver listens again. */
CYCLES_MAX(USART_TX_vect, 20);
ISR(USART_TX_vect, ISR_NAKED)
{
	__asm__("cbi %0, %1\n\treti" ::"I"(_SFR_IO_ADDR(PORTD)), "I"(RS485_BIT));
}
#else
VECTOR(USART_UDRE_vect, UART)
#endif
