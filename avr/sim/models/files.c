/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "eeprom_model.h"
#include "../shared/ihex.h"

enum { FILE_MAX_BYTES = 512 * 1024 * 1024 };

static int fail(const char *path, const char *what, char *err, size_t err_len)
{
	snprintf(err, err_len, "%s: %s", path, what);
	return -1;
}

static int read_all(const char *path, char **text, size_t *len, char *err, size_t err_len)
{
	FILE *f = fopen(path, "rb");
	struct stat st;

	*text = NULL;
	if (!f || fstat(fileno(f), &st)) {
		int bad = fail(path, strerror(errno), err, err_len);

		if (f)
			fclose(f);
		return bad;
	}
	if (!S_ISREG(st.st_mode) || st.st_size > FILE_MAX_BYTES) {
		fclose(f);
		return fail(path, "not a file, or too large", err, err_len);
	}
	*text = malloc((size_t)st.st_size + 1);
	*len = *text ? fread(*text, 1, (size_t)st.st_size, f) : 0;
	fclose(f);
	return *text ? 0 : fail(path, "out of memory", err, err_len);
}

static long read_hex(const char *path, uint8_t *image, size_t size, char *err, size_t err_len)
{
	char *text, why[200];
	size_t len;

	memset(image, 0xFF, size);
	if (read_all(path, &text, &len, err, err_len))
		return -1;
	long n = ihex_parse(text, len, image, size, why, sizeof(why));

	free(text);
	return n < 0 ? fail(path, why, err, err_len) : n;
}

int files_flash(const char *path, uint8_t flash[FLASH_BYTES], size_t *len, char *err,
		size_t err_len)
{
	long n = read_hex(path, flash, FLASH_BYTES, err, err_len);

	if (n < 0)
		return -1;
	if (n == 0)
		return fail(path, "no code in it", err, err_len);
	*len = (size_t)n;
	return 0;
}

int files_trace(const char *path, struct trace *trace, char *err, size_t err_len)
{
	char *text, why[200];
	size_t len;

	if (read_all(path, &text, &len, err, err_len))
		return -1;
	int bad = trace_parse(trace, text, len, why, sizeof(why));

	free(text);
	return bad ? fail(path, why, err, err_len) : 0;
}

static int map_file(const char *path, uint8_t **cells, char *err, size_t err_len)
{
	struct stat st;
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);

	if (fd < 0 || fstat(fd, &st)) {
		int bad = fail(path, strerror(errno), err, err_len);

		if (fd >= 0)
			close(fd);
		return bad;
	}
	if (!S_ISREG(st.st_mode) || (st.st_size != 0 && st.st_size != EEPROM_BYTES)) {
		close(fd);
		return fail(path, "an EEPROM file has 512 bytes", err, err_len);
	}
	if (st.st_size == 0 && ftruncate(fd, EEPROM_BYTES)) {
		close(fd);
		return fail(path, strerror(errno), err, err_len);
	}
	*cells = mmap(NULL, EEPROM_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	if (*cells == MAP_FAILED)
		return fail(path, strerror(errno), err, err_len);
	if (st.st_size == 0)
		memset(*cells, 0xFF, EEPROM_BYTES);
	return 0;
}

int files_eeprom(const char *path, uint8_t **cells, char *err, size_t err_len)
{
	size_t n = path ? strlen(path) : 0;
	bool hex = n > 4 && strcmp(path + n - 4, ".eep") == 0;

	if (path && !hex)
		return map_file(path, cells, err, err_len);
	*cells = malloc(EEPROM_BYTES);
	if (!*cells)
		return fail(hex ? path : "EEPROM", "out of memory", err, err_len);
	memset(*cells, 0xFF, EEPROM_BYTES);
	return hex && read_hex(path, *cells, EEPROM_BYTES, err, err_len) < 0 ? -1 : 0;
}

int files_elf_name(const char *hex, char *out, size_t out_len)
{
	const char *slash = strrchr(hex, '/'), *dot = strrchr(hex, '.');
	size_t stem = dot && (!slash || dot > slash) ? (size_t)(dot - hex) : strlen(hex);

	return (size_t)snprintf(out, out_len, "%.*s.elf", (int)stem, hex) < out_len;
}
