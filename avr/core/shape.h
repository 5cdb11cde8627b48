/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What distinguishes the two boards for the core: numbers of inputs, rates, constants. */
#ifndef CORE_SHAPE_H
#define CORE_SHAPE_H

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
/* 2000/3 samples/s × 3600 s/h × 1e-12 Wh / 4096 × 2^48, rounded: energy_watt() */
#define WATT_FACTOR 164927ul
#else
#define SENSORS 4
#define ANALOGS 2
#define PORTS 4
#define TICKS_PER_S 1250u
#define MS_STEP 4u
#define MS_WHOLE 5u
#define WATT_FACTOR 154619ul /* 625 samples/s, as above */
#endif

#define FIRST_PULSE_PORT ANALOGS
#define UNMAPPED 0xff /* a port that no sensor uses */

/* RAM that the C start-up leaves alone: it survives every reset but power-on. */
#ifdef __AVR__
#define NOINIT __attribute__((section(".noinit")))
#else
#define NOINIT
#endif

/* Keeps the compiler from moving stores across it; the order is seen by an interrupt or after a reset. */
#define ORDER() __asm__ volatile("" ::: "memory")

#endif
