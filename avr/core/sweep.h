/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the sweeping of slots does for those that write into them. */
#ifndef CORE_SWEEP_H
#define CORE_SWEEP_H

#include <stdint.h>

#include "journal.h"

/* Leaves a worn slot of full records out for good, if enough others are there. Main loop. */
void sweep_retire_full(struct journal *now, uint8_t slot);

#endif
