/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tables that stay in flash, which the AVR reads by special instructions. */
#ifndef CORE_FLASH_H
#define CORE_FLASH_H

#include <stdint.h>

#ifdef __AVR__
#define FLASH __attribute__((__progmem__))

static inline uint8_t flash_byte(const uint8_t *at)
{
	uint8_t value;

	__asm__("lpm %0, Z" : "=r"(value) : "z"(at));
	return value;
}
#else
#define FLASH

static inline uint8_t flash_byte(const uint8_t *at)
{
	return *at;
}
#endif

/* Copies size bytes out of flash. */
void flash_copy(void *to, const void *from, uint8_t size);

#endif
