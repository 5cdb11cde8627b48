/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The addresses of the firmware's variables, and its constants, from its ELF file. */
#ifndef SIM_SYMBOLS_H
#define SIM_SYMBOLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct symbol {
	char *name;
	bool constant;
	uint16_t addr; /* in data memory; a constant's value */
	uint16_t size;
};

struct symbols {
	struct symbol *symbol;
	size_t count;
};

/* Reads variables and constants. Returns 0, or -1 with the reason in err. */
int symbols_load(struct symbols *s, const char *path, char *err, size_t err_len);

/* Returns the variable of that name, or NULL. */
const struct symbol *symbols_find(const struct symbols *s, const char *name);

/* Gives the value of the constant of that name. Returns false if there is none. */
bool symbols_constant(const struct symbols *s, const char *name, uint16_t *value);

#endif
