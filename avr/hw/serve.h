/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the board says to the world: the SPI bus of generation 2, the serial line of generation 1. */
#ifndef HW_SERVE_H
#define HW_SERVE_H

void serve_init(void);

/* All the time. Main loop. */
void serve_run(void);

/* Once a second, when the powers are new. Main loop. */
void serve_second(void);

#endif
