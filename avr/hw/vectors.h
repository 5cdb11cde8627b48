/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the interrupts do. All come through one entry (vectors.c) and run with interrupts off. */
#ifndef HW_VECTORS_H
#define HW_VECTORS_H

#include <avr/interrupt.h>

/*
 * States beside an interrupt's function how many CPU cycles it may take, from entering the vector
 * to the end of reti. The number becomes a symbol of the ELF file and takes no flash; `make budget`
 * compares the longest run with it.
 */
#define CYCLES_MAX(vector, cycles) CYCLES_SYMBOL(vector, cycles)
#define CYCLES_SYMBOL(vector, cycles) \
	__asm__(".global cycles_max" #vector "\n.set cycles_max" #vector ", " #cycles)

/* The supply fell below the threshold: supply.c. */
void supply_dip(void);

/* A byte ended on the bus, at most each 250 µs (922 cycles): serve_spi.c. */
void serve_byte(void);

/* The UART received a byte (port6.c) or can take the next one (serve_uart.c). */
void port6_receive(void);
void serve_send(void);

/* Each tick, which is TICK_UNITS × 8 cycles: tick.c. */
void tick_beat(void);

/* At each edge of a pulse input, at most PULSE_EDGES_A_BEAT times in two ticks: tick.c. */
void tick_edge_first(void);
void tick_edge_second(void);

/* Each 1.8 ms while a record is being written: eeprom.c. */
void eeprom_ready(void);

#endif
