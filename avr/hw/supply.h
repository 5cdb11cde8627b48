/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The supply's comparator: a fall under the threshold begins a record at once. */
#ifndef HW_SUPPLY_H
#define HW_SUPPLY_H

#include <stdbool.h>

void supply_init(void);

/* True while the supply is low. Main loop, all the time. */
bool supply_low(void);

#endif
