/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "old_eeprom.h"

#include <stdio.h>
#include <string.h>

#include "../core/crc.h"
#include "../core/eeprom.h"
#include "../core/layout.h"

static void put(uint8_t *at, uint32_t value, int bytes)
{
	for (int i = 0; i < bytes; i++)
		at[i] = (uint8_t)(value >> 8 * i);
}

static void any_counters(struct old_eeprom *old)
{
	for (int i = 0; i < SENSORS; i++)
		old->counter[i] = bench_any(3) ? bench_any(0xfffffffe) : bench_any(70000);
}

#ifdef BOARD_SPI
/*
 * Bit 0 of kind: hardware 2.1 instead of 2.0. Bit 1: the fields in reversed order
 * (docs/design/protocols.md §1).
 */
void old_eeprom_historic(struct old_eeprom *old, int kind)
{
	bool fractions = kind & 1, reversed = kind & 2;
	int size = fractions ? 8 : 6, guard = reversed ? 6 * size + 16 : 0;
	uint8_t *sensors = old->cells + (reversed ? 0 : 17),
		*map = old->cells + (reversed ? 6 * size : 11);
	uint8_t *enabled = old->cells + (reversed ? 6 * size + 6 : 10),
		*events = enabled + (reversed ? 1 : -4);
	uint8_t *version = events + (reversed ? 4 : -5);
	struct settings *want = &old->settings;

	memset(old->cells, EEPROM_BLANK, sizeof(old->cells));
	settings_default();
	*want = settings;
	any_counters(old);
	old->cells[guard] = 0xbe;
	put(version, 2, 2);
	version[2] = fractions;
	put(version + 3, 1, 2);
	want->hardware[2] = fractions;
	want->watchdogs = (uint16_t)bench_any(100);
	want->brownouts = (uint16_t)bench_any(1000);
	put(events, want->watchdogs, 2);
	put(events + 2, want->brownouts, 2);
	*enabled = 0;
	for (int i = 0; i < SENSORS; i++, sensors += size) {
		want->map[i] = map[i] = (uint8_t)bench_any(SENSORS);
		want->enabled[i] = (uint8_t)bench_any(2);
		*enabled |= (uint8_t)(want->enabled[i] << i);
		want->constant[i].whole = (uint16_t)bench_any(0x10000);
		want->constant[i].fraction = fractions ? (uint16_t)bench_any(1000) : 0;
		put(sensors, old->counter[i], 4);
		put(sensors + 4, want->constant[i].whole, 2);
		if (fractions)
			put(sensors + 6, want->constant[i].fraction, 2);
	}
}
#else
void old_eeprom_historic(struct old_eeprom *old, int kind)
{
	uint8_t *at = old->cells;

	(void)kind;
	memset(old->cells, EEPROM_BLANK, sizeof(old->cells));
	settings_default();
	old->settings = settings;
	any_counters(old);
	for (int i = 0; i < SENSORS; i++, at += 37) {
		for (int k = 0; k < 16; k++) {
			char text[3];

			old->settings.id[i][k] = (uint8_t)bench_any(256);
			snprintf(text, sizeof(text), "%02x", old->settings.id[i][k]);
			memcpy(at + 2 * k, text, 2);
		}
		at[32] = 0;
		put(at + 33, old->counter[i], 4);
	}
}
#endif

static uint8_t never_blank(uint8_t crc)
{
	return crc == EEPROM_BLANK ? 0 : crc;
}

static void put_full(struct old_eeprom *old, int slot, uint16_t sequence)
{
	uint8_t *at = old->cells + FULL_AT + slot * FULL_SIZE;
	uint16_t crc;

	put(at, sequence, 2);
	for (int i = 0; i < SENSORS; i++)
		put(at + 2 + 4 * i, old->counter[i], 4);
	crc = crc16_block(CRC16_SEED, at, FULL_SIZE - 2);
	put(at + FULL_SIZE - 2, crc, 1);
	at[FULL_SIZE - 1] = never_blank((uint8_t)(crc >> 8));
}

static void put_short(struct old_eeprom *old, int slot, uint16_t sequence, int number)
{
	uint8_t *at = old->cells + SHORT_AT + slot * SHORT_SIZE;
	uint8_t crc = crc8_update(crc8_update(0, (uint8_t)sequence), (uint8_t)(sequence >> 8));

	at[0] = (uint8_t)(sequence << 4 | number);
	for (int i = 0; i < SENSORS; i++)
		put(at + 1 + 2 * i, old->counter[i], 2);
	for (int i = 0; i < SHORT_SIZE - 1; i++)
		crc = crc8_update(crc, at[i]);
	at[SHORT_SIZE - 1] = never_blank(crc);
}

static void put_settings(struct old_eeprom *old, int which, uint8_t serial)
{
	old->settings.serial = serial;
	old->settings.crc = settings_crc(&old->settings);
	memcpy(old->cells + SETTINGS_AT + (size_t)which * SETTINGS_SIZE, &old->settings,
	       SETTINGS_SIZE);
}

static void count_on(struct old_eeprom *old)
{
	for (int i = 0; i < SENSORS; i++)
		old->counter[i] += bench_any(3000);
}

void old_eeprom_layout_1(struct old_eeprom *old, int records, int shorts)
{
	uint16_t sequence = (uint16_t)bench_any(0x10000);
	int slot = (int)bench_any(FULL_SLOTS_1), copies = 1 + (int)bench_any(2);
	uint8_t serial = (uint8_t)bench_any(256);

	memset(old->cells, EEPROM_BLANK, sizeof(old->cells));
	settings_default();
	old->settings = settings;
	any_counters(old);
	for (int k = 0; k < records; k++) {
		slot = (slot + 1) % FULL_SLOTS_1;
		count_on(old);
		put_full(old, slot, ++sequence);
	}
	for (int k = 1; k <= 2; k++)
		memset(old->cells + FULL_AT + (slot + k) % FULL_SLOTS_1 * FULL_SIZE, EEPROM_BLANK,
		       FULL_SIZE);
	for (int k = 1; k <= shorts; k++) {
		count_on(old);
		put_short(old, k % SHORT_SLOTS, sequence, k);
	}
	for (int k = 0; k < copies; k++) {
		old->settings.watchdogs = (uint16_t)bench_any(100);
		put_settings(old, k, serial++);
	}
	old->settings.brownouts = (uint16_t)(old->settings.brownouts + (shorts > 0));
}
