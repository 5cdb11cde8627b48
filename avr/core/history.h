/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Loads what historic firmware left in the EEPROM (docs/design/protocols.md §1). */
#ifndef CORE_HISTORY_H
#define CORE_HISTORY_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Loads settings and counter[SENSORS] from a historic image. Returns false, having changed neither,
 * when there is none.
 */
bool history_load(uint32_t *counter);

#endif
