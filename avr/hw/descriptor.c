/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Describes this image, at a fixed address in flash. tools/descriptor.py fills in length and CRC
 * after linking.
 */
#include <avr/pgmspace.h>

#include "../core/settings.h"
#include "../core/version.h"

#ifdef BOARD_SPI
#define BOARD_NUMBER 2
#define DELTA_DIGITS FORM
#else
#define BOARD_NUMBER 1
#define DELTA_DIGITS 0
#endif

#define VERSION_MAJOR 2
#define VERSION_MINOR 1

/* 16 bytes behind the interrupt vectors (docs/design/firmware.md). */
struct descriptor {
	char magic[4];
	uint8_t layout;
	uint8_t board;
	uint8_t major;
	uint8_t minor;
	uint16_t length; /* bytes of the image, from address 0 */
	uint16_t form;   /* digits of a delta on a new board; 0 if it sends none */
	uint32_t crc;    /* CRC-32 of the image without these four bytes */
};

extern const struct descriptor descriptor;
__attribute__((section(".progmem.gcc_descriptor"), used, externally_visible))
const struct descriptor descriptor = {
	{ 'F', 'L', 'X', 'D' }, 1,      BOARD_NUMBER, VERSION_MAJOR,
	VERSION_MINOR,          0xffff, DELTA_DIGITS, 0xffffffff,
};

uint8_t version_major(void)
{
	return pgm_read_byte(&descriptor.major);
}

uint8_t version_minor(void)
{
	return pgm_read_byte(&descriptor.minor);
}
