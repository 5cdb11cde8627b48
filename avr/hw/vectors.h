/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the interrupts do; all of them come through one entry (vectors.c), with interrupts off. */
#ifndef HW_VECTORS_H
#define HW_VECTORS_H

/* The supply fell: supply.c. */
void supply_dip(void);

/* A byte on the bus, at most once in 250 µs (922 cycles): serve_spi.c. */
void serve_byte(void);

/* A byte came in: port6.c; the next may go out: serve_uart.c. */
void port6_receive(void);
void serve_send(void);

/* Every TICK_UNITS × 8 cycles: tick.c. */
void tick_beat(void);

/* At each edge of a pulse input, at most PULSE_EDGES_A_BEAT times in two ticks: tick.c. */
void tick_edge_first(void);
void tick_edge_second(void);

/* Each 1.8 ms while a record is being written: eeprom.c. */
void eeprom_ready(void);

#endif
