/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Request and reply over the SPI bus: what happens between the end of a message and the reply to it. */
#ifndef CORE_DIALOGUE_H
#define CORE_DIALOGUE_H

#include <stdint.h>

/* Executes what has come in; all the time. Main loop. */
void dialogue_run(void);

/*
 * Gives the reply of that length in link.reply to the message of that epoch, unless the master has begun anew. Provided
 * by hw/serve_spi.c, which also has to wake a master that waits, and by the host tests.
 */
void dialogue_answer(uint8_t length, uint8_t epoch);

#endif
