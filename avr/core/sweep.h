/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Retires a slot that a record found worn out. */
#ifndef CORE_SWEEP_H
#define CORE_SWEEP_H

#include <stdint.h>

#include "journal.h"

/* Never uses a worn slot of full records again, provided that enough others remain. Main loop. */
void sweep_retire_full(struct journal *now, uint8_t slot);

#endif
