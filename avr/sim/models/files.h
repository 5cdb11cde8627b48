/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Files that a board is made from: firmware, EEPROM, trace. */
#ifndef SIM_FILES_H
#define SIM_FILES_H

#include <stddef.h>
#include <stdint.h>

#include "../shared/trace.h"

enum { FLASH_BYTES = 16384 };

/* All return 0, or -1 with one line in err. */
int files_flash(const char *path, uint8_t flash[FLASH_BYTES], size_t *len, char *err,
		size_t err_len);
int files_trace(const char *path, struct trace *trace, char *err, size_t err_len);

/*
 * EEPROM_BYTES of memory: a mapped file, made when it is missing, or with the ending .eep a copy of Intel hex.
 * path NULL: erased cells that are kept nowhere.
 */
int files_eeprom(const char *path, uint8_t **cells, char *err, size_t err_len);

/* The image's name with .elf in place of its ending; false when it does not fit. */
int files_elf_name(const char *hex, char *out, size_t out_len);

#endif
