/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The supply's comparator: a fall under the threshold begins a record at once. */
#ifndef HW_SUPPLY_H
#define HW_SUPPLY_H

#include <stdbool.h>
#include <stdint.h>

void supply_init(void);

/* True while the supply is low. Main loop, all the time; ticks are those since the last call. */
bool supply_low(uint8_t ticks);

#endif
