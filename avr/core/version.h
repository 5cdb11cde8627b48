/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The version of this firmware, from the descriptor in flash. */
#ifndef CORE_VERSION_H
#define CORE_VERSION_H

#include <stdint.h>

uint8_t version_major(void);
uint8_t version_minor(void);

#endif
