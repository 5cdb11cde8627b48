/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The board's connection: the SPI bus of generation 2, the serial line of generation 1. */
#ifndef HW_SERVE_H
#define HW_SERVE_H

void serve_init(void);

/* Handles messages, or sends the next line. Called each time the main loop wakes up. */
void serve_run(void);

/* Called once a second by the main loop, when the powers are new. */
void serve_second(void);

#endif
