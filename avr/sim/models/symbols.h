/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Where the firmware's variables are, from its ELF file. */
#ifndef SIM_SYMBOLS_H
#define SIM_SYMBOLS_H

#include <stddef.h>
#include <stdint.h>

struct symbol {
	char *name;
	uint16_t addr; /* in data memory */
	uint16_t size;
};

struct symbols {
	struct symbol *symbol;
	size_t count;
};

/* Reads the data symbols; 0, or -1 with the reason in err. */
int symbols_load(struct symbols *s, const char *path, char *err, size_t err_len);

const struct symbol *symbols_find(const struct symbols *s, const char *name);

#endif
