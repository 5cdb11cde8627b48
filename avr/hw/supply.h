/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The comparator of the supply. A fall below the threshold begins a save at once. */
#ifndef HW_SUPPLY_H
#define HW_SUPPLY_H

#include <stdbool.h>

void supply_init(void);

/* Returns true while the supply is low. Called in each pass of the main loop. */
bool supply_low(void);

#endif
