/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cut_state.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct cut cut = { .noting = true };

void cut_start_over(void)
{
	uint32_t now[RIG_SENSORS];

	if (!rig_settled(&cut.rig, now)) {
		fprintf(stderr, "power-cut: the counters do not settle\n");
		exit(2);
	}
	history_clear(&cut.history, now);
}

bool cut_ask_settings(char out[SETTINGS_TEXT])
{
	static const char *const ASK[] = { "gp", "gm03", "gf00", "gn04", "go03", "ga" };
	char reply[RIG_REPLY];

	out[0] = '\0';
	for (size_t i = 0; i < sizeof(ASK) / sizeof(ASK[0]); i++) {
		if (!rig_ask(&cut.rig, ASK[i], 20, reply) ||
		    strlen(out) + strlen(reply) >= SETTINGS_TEXT)
			return false;
		strcat(out, reply);
	}
	return true;
}
