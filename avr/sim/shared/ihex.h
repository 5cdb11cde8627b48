/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Reads Intel hex files strictly. */
#ifndef SIM_IHEX_H
#define SIM_IHEX_H

#include <stddef.h>
#include <stdint.h>

/*
 * Reads the text into image[0 … size - 1], which the caller has filled with 0xFF. Returns the
 * number of bytes up to the highest one written, or -1 with reason and line in err.
 */
long ihex_parse(const char *text, size_t len, uint8_t *image, size_t size, char *err,
		size_t err_len);

#endif
