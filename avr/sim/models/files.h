/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Reads the files that a board needs: firmware, EEPROM, trace. */
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
 * Gives EEPROM_BYTES of memory. It is the mapped file, which is created if it is missing; or a copy
 * of an Intel hex file if path ends with .eep; or, if path is NULL, erased memory without a file.
 */
int files_eeprom(const char *path, uint8_t **cells, char *err, size_t err_len);

/* Writes the image's name with .elf as its ending. Returns false if it does not fit. */
int files_elf_name(const char *hex, char *out, size_t out_len);

#endif
