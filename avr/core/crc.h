/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The CRC of the frames and short records (8 bits) and that of all stored data (16 bits). */
#ifndef CORE_CRC_H
#define CORE_CRC_H

#include <stdint.h>

/* One byte more of the Dallas/Maxim 1-Wire CRC (0x8C reflected), docs/protocols.md §1. */
uint8_t crc8_update(uint8_t crc, uint8_t byte);

/* One byte more of the CCITT CRC (0x1021, most significant bit first). */
uint16_t crc16_update(uint16_t crc, uint8_t byte);

#define CRC16_SEED 0xffff

/* CRC-16 of size bytes, going on from crc. */
uint16_t crc16_block(uint16_t crc, const void *data, uint8_t size);

#endif
