/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Takes over what a historic firmware left in the EEPROM (docs/protocols.md §1). */
#ifndef CORE_HISTORY_H
#define CORE_HISTORY_H

#include <stdbool.h>
#include <stdint.h>

/* True when there was a historic image: settings and counter[SENSORS] hold what it says then; else both are unchanged. */
bool history_take(uint32_t *counter);

#endif
