/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How the two boards differ for the core: numbers of inputs, rates, constants. */
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
#define TICKS_PER_S 2000u /* each tick converts one channel */
#define MS_STEP 1u        /* a tick is MS_STEP / MS_WHOLE ms */
#define MS_WHOLE 2u
/* Timer units of 8 cycles in 10 µs: 3.6864 MHz / 8 × 10 µs = 4.608 */
#define HOLD_UNITS 576u
#define HOLD_WHOLE 125u
/*
 * An ADC code of 1 is 0.0024 W × constant (2000/3 samples/s × 3600 s/h × 1e-9). Scaled by 60, a
 * watt is 25000 parts.
 */
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
/* An ADC code of 1 is 0.00225 W × constant. Scaled by 63, a watt is 28000 parts. */
#define POWER_SCALE 63u
#define POWER_WATT (28000u / 4u)
#endif

#define FIRST_PULSE_PORT ANALOGS
#define COUNTED_PORTS (ANALOGS + PULSES) /* the UART's port counts nothing */
#define UNMAPPED 0xff                    /* a port that no sensor uses */

/* RAM that the C start-up code does not clear: it survives every reset but power-on. */
#ifdef __AVR__
#define NOINIT __attribute__((section(".noinit")))
#else
#define NOINIT
#endif

/* Keeps the compiler from inlining a function, because flash is scarcer than time. */
#ifdef __AVR__
/* The section lies below the main loop, so that relative calls reach it. */
#define SHARED __attribute__((noinline, section(".lowtext")))
#else
#define SHARED __attribute__((noinline))
#endif

/*
 * Hides from the compiler where a pointer points. It then uses 2-byte instructions relative to the
 * pointer instead of 4-byte ones with absolute addresses.
 */
#ifdef __AVR__
#define BASE(pointer) __asm__("" : "+b"(pointer))
#else
#define BASE(pointer) ((void)0)
#endif

/* Returns 1 << number. One function for all, because the AVR shifts one place at a time. */
uint8_t bit(uint8_t number);

/*
 * Keeps the compiler from moving stores across it, where an interrupt or a reset would see their
 * order.
 */
#define ORDER() __asm__ volatile("" ::: "memory")

#endif
