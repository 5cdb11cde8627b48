/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Turns each message of the SPI bus into its reply. */
#ifndef CORE_DIALOGUE_H
#define CORE_DIALOGUE_H

#include <stdint.h>

/* Executes a message that has come in. Called in each pass of the main loop. */
void dialogue_run(void);

/*
 * Sends the reply of this length in link.reply to the message of this epoch, unless the master has
 * begun another message. hw/serve_spi.c provides it and also wakes a master that waits; the host
 * tests provide their own.
 */
void dialogue_answer(uint8_t length, uint8_t epoch);

#endif
