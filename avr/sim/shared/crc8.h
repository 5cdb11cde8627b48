/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The CRC-8 of the 1-Wire bus (0x8C reflected, start 0; docs/design/protocols.md §1). */
#ifndef SIM_CRC8_H
#define SIM_CRC8_H

#include <stddef.h>
#include <stdint.h>

uint8_t crc8(const uint8_t *data, size_t len);

#endif
