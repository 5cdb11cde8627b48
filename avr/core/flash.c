/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "flash.h"

#include "shape.h"

SHARED void flash_copy(void *to, const void *from, uint8_t size)
{
	uint8_t *out = to;
	const uint8_t *in = from;

	while (size--)
		*out++ = flash_byte(in++);
}
