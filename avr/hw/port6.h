/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Port 6: the UART behind an RS-485 driver, forwarded to and from the bus (docs/design/protocols.md §1). */
#ifndef HW_PORT6_H
#define HW_PORT6_H

void port6_init(void);

/* Moves bytes and follows the settings. Main loop. */
void port6_run(void);

#endif
