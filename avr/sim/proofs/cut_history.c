/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cut_history.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void history_clear(struct history *h, const uint32_t now[RIG_SENSORS])
{
	h->count = 0;
	history_add(h, now);
}

int history_find(const struct history *h, const uint32_t state[RIG_SENSORS])
{
	for (int i = h->count - 1; i >= 0; i--) {
		if (memcmp(h->state[i], state, sizeof(h->state[i])) == 0)
			return i;
	}
	return -1;
}

void history_add(struct history *h, const uint32_t now[RIG_SENSORS])
{
	if (h->count && memcmp(h->state[h->count - 1], now, sizeof(h->state[0])) == 0)
		return;
	if (h->count == HISTORY) {
		fprintf(stderr, "power-cut: too many states\n");
		exit(2);
	}
	memcpy(h->state[h->count++], now, sizeof(h->state[0]));
}
