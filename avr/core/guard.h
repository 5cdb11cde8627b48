/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Switches interrupts off for a short stretch of the main loop; does nothing on the host. */
#ifndef CORE_GUARD_H
#define CORE_GUARD_H

#include <stdint.h>

#ifdef __AVR__
static inline uint8_t guard_enter(void)
{
	uint8_t state;

	__asm__ volatile("in %0, __SREG__\n\tcli" : "=r"(state)::"memory");
	return state;
}

static inline void guard_leave(uint8_t state)
{
	__asm__ volatile("out __SREG__, %0" ::"r"(state) : "memory");
}
#else
static inline uint8_t guard_enter(void)
{
	return 0;
}

static inline void guard_leave(uint8_t state)
{
	(void)state;
}
#endif

#endif
