/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The board's UART on a pseudo-terminal. */
#ifndef SIM_PTY_H
#define SIM_PTY_H

#include <stddef.h>
#include <stdint.h>

#include "../models/board.h"

struct pty {
	int master, slave; /* the slave stays open, so that the line never hangs up */
	const char *link;
};

/* Opens it and makes the symbolic link. Returns 0, or -1 with the reason in err. */
int pty_open(struct pty *p, const char *link, char *err, size_t err_len);

/* Passes bytes in both directions. Bytes that nobody reads are dropped. */
void pty_pass(struct pty *p, struct board *b);

void pty_close(struct pty *p);

#endif
