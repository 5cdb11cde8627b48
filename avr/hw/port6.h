/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Port 6: forwards bytes between the bus and the UART with its RS-485 driver
 * (docs/design/protocols.md §1).
 */
#ifndef HW_PORT6_H
#define HW_PORT6_H

void port6_init(void);

/* Forwards bytes and applies the settings. Main loop. */
void port6_run(void);

#endif
