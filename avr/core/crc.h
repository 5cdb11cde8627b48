/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The CRC-8 of frames, short records and tails, and the CRC-16 of other stored data. */
#ifndef CORE_CRC_H
#define CORE_CRC_H

#include <stdint.h>

/* Adds a byte to the Dallas/Maxim 1-Wire CRC (0x8C reflected; docs/design/protocols.md §1). */
uint8_t crc8_update(uint8_t crc, uint8_t byte);

/* Adds a byte to the CCITT CRC (0x1021, most significant bit first). */
uint16_t crc16_update(uint16_t crc, uint8_t byte);

#define CRC16_SEED 0xffff

/* Adds size bytes to the CRC-16. */
uint16_t crc16_block(uint16_t crc, const void *data, uint8_t size);

#endif
