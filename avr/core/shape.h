/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What distinguishes the two boards for the core: numbers of inputs, rates, constants. */
#ifndef CORE_SHAPE_H
#define CORE_SHAPE_H

#include <stdint.h>

#if defined(BOARD_SPI) == defined(BOARD_UART)
#error "define exactly one of BOARD_SPI and BOARD_UART"
#endif

#define PULSES 2 /* S0 inputs of both boards */

#ifdef BOARD_SPI
#define SENSORS 6
#define ANALOGS 3
#define PORTS 6           /* 3 clamps, 2 pulses, the UART */
#define TICKS_PER_S 2000u /* conversions a second, all channels together */
#define MS_STEP 1u        /* the millisecond clock gains MS_STEP / MS_WHOLE a tick */
#define MS_WHOLE 2u
/* Timer units of 8 cycles in 10 µs: 3.6864 MHz / 8 × 10 µs = 4.608 */
#define HOLD_UNITS 576u
#define HOLD_WHOLE 125u
/* A code of 1 is 0.0024 W × constant (2000/3 samples/s × 3600 s/h × 1e-9): with 60 a watt is 25000 parts. */
#define POWER_SCALE 60u
#define POWER_WATT (25000u / 4u)
#else
#define SENSORS 4
#define ANALOGS 2
#define PORTS 4
#define TICKS_PER_S 1250u
#define MS_STEP 4u
#define MS_WHOLE 5u
#define HOLD_UNITS 5u /* 1.25 */
#define HOLD_WHOLE 4u
/* A code of 1 is 0.00225 W × constant: with 63 a watt is 28000 parts. */
#define POWER_SCALE 63u
#define POWER_WATT (28000u / 4u)
#endif

#define FIRST_PULSE_PORT ANALOGS
#define UNMAPPED 0xff /* a port that no sensor uses */

/* RAM that the C start-up leaves alone: it survives every reset but power-on. */
#ifdef __AVR__
#define NOINIT __attribute__((section(".noinit")))
#else
#define NOINIT
#endif

/* One copy of a function that the compiler would rather inline: flash is dearer than time. */
#ifdef __AVR__
/* It lies below the main loop, so that this has all of the flash within reach of its short calls. */
#define SHARED __attribute__((noinline, section(".lowtext")))
#else
#define SHARED __attribute__((noinline))
#endif

/*
 * Makes the compiler forget where a pointer points, so that it reaches the fields of a structure by 2-byte instructions
 * relative to it instead of 4-byte ones with their addresses.
 */
#ifdef __AVR__
#define BASE(pointer) __asm__("" : "+b"(pointer))
#else
#define BASE(pointer) ((void)0)
#endif

/* The bit of that number. A function, as the AVR shifts one place at a time. */
uint8_t bit(uint8_t number);

/* Keeps the compiler from moving stores across it; the order is seen by an interrupt or after a reset. */
#define ORDER() __asm__ volatile("" ::: "memory")

#endif
