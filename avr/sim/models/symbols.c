/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "symbols.h"

#include <fcntl.h>
#include <gelf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SYMBOLS_MAX = 4096 }; /* a firmware of 16 KB has a few hundred */

/* avr-gcc places data memory here. */
static const uint64_t DATA_BASE = 0x800000, DATA_END = 0x810000;

static bool is_data(const GElf_Sym *sym)
{
	return sym->st_value >= DATA_BASE && sym->st_value < DATA_END;
}

static bool is_constant(const GElf_Sym *sym)
{
	return sym->st_shndx == SHN_ABS && sym->st_value <= UINT16_MAX;
}

static int add(struct symbols *s, const char *name, const GElf_Sym *sym)
{
	if (!name || !*name || !(is_data(sym) || is_constant(sym)) || s->count == SYMBOLS_MAX)
		return 0;
	struct symbol *more = realloc(s->symbol, (s->count + 1) * sizeof(*more));

	if (!more)
		return -1;
	s->symbol = more;
	more[s->count].name = strdup(name);
	if (!more[s->count].name)
		return -1;
	more[s->count].constant = is_constant(sym);
	more[s->count].addr = (uint16_t)sym->st_value; /* DATA_BASE has no bits in the low half */
	more[s->count].size = (uint16_t)sym->st_size;
	s->count++;
	return 0;
}

static int read_table(struct symbols *s, Elf *elf, Elf_Scn *scn, const GElf_Shdr *header)
{
	Elf_Data *data = elf_getdata(scn, NULL);

	if (!data || header->sh_entsize == 0)
		return -1;
	for (size_t i = 0; i < header->sh_size / header->sh_entsize; i++) {
		GElf_Sym sym;

		if (!gelf_getsym(data, (int)i, &sym) ||
		    add(s, elf_strptr(elf, header->sh_link, sym.st_name), &sym))
			return -1;
	}
	return 0;
}

static int read_elf(struct symbols *s, Elf *elf)
{
	Elf_Scn *scn = NULL;
	GElf_Shdr header;

	while ((scn = elf_nextscn(elf, scn)) != NULL) {
		if (gelf_getshdr(scn, &header) && header.sh_type == SHT_SYMTAB)
			return read_table(s, elf, scn, &header);
	}
	return -1;
}

int symbols_load(struct symbols *s, const char *path, char *err, size_t err_len)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	int result = -1;

	memset(s, 0, sizeof(*s));
	if (fd < 0) {
		snprintf(err, err_len, "cannot be opened");
		return -1;
	}
	elf_version(EV_CURRENT);
	Elf *elf = elf_begin(fd, ELF_C_READ, NULL);

	if (elf && elf_kind(elf) == ELF_K_ELF)
		result = read_elf(s, elf);
	if (elf)
		elf_end(elf);
	close(fd);
	if (result)
		snprintf(err, err_len, "not an ELF file with symbols");
	return result;
}

static const struct symbol *find(const struct symbols *s, const char *name, bool constant)
{
	for (size_t i = 0; i < s->count; i++) {
		if (s->symbol[i].constant == constant && strcmp(s->symbol[i].name, name) == 0)
			return &s->symbol[i];
	}
	return NULL;
}

const struct symbol *symbols_find(const struct symbols *s, const char *name)
{
	return find(s, name, false);
}

bool symbols_constant(const struct symbols *s, const char *name, uint16_t *value)
{
	const struct symbol *symbol = find(s, name, true);

	if (symbol)
		*value = symbol->addr;
	return symbol != NULL;
}
