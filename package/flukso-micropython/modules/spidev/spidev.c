// SPDX-License-Identifier: GPL-3.0-or-later
// Module `spidev`: Linux user-space SPI with the interface of the PyPI package, and transfers with
// a gap after each byte.

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <linux/spi/spidev.h>

#include "py/mphal.h"
#include "py/runtime.h"

// One ioctl carries an array of transfers whose size in bytes has 13 bits on MIPS: 255 of 32 bytes.
#define GAP_BYTES_MAX 255
// The kernel's spidev buffers so many bytes for a message, unless it has another bufsiz.
#define XFER_BYTES_MAX 4096
#define GAP_US_MAX 65535

typedef struct {
	mp_obj_base_t base;
	int fd; // -1 while closed
	uint8_t mode;
	uint8_t bits_per_word;
	uint32_t max_speed_hz;
} spidev_obj_t;

static const mp_obj_type_t spidev_type;

static mp_obj_t spidev_make_new(const mp_obj_type_t *type, size_t n_args, size_t n_kw,
				const mp_obj_t *args)
{
	mp_arg_check_num(n_args, n_kw, 0, 2, false);
	spidev_obj_t *self = mp_obj_malloc_with_finaliser(spidev_obj_t, type);
	self->fd = -1;
	self->mode = 0;
	self->bits_per_word = 8;
	self->max_speed_hz = 500000;
	if (n_args == 2) {
		mp_obj_t method[4];
		mp_load_method(MP_OBJ_FROM_PTR(self), MP_QSTR_open, method);
		method[2] = args[0];
		method[3] = args[1];
		mp_call_method_n_kw(2, 0, method);
	}
	return MP_OBJ_FROM_PTR(self);
}

static spidev_obj_t *open_self(mp_obj_t self_in)
{
	spidev_obj_t *self = MP_OBJ_TO_PTR(self_in);
	if (self->fd < 0) {
		mp_raise_OSError(EBADF);
	}
	return self;
}

static mp_obj_t spidev_close(mp_obj_t self_in)
{
	spidev_obj_t *self = MP_OBJ_TO_PTR(self_in);
	if (self->fd >= 0) {
		close(self->fd);
		self->fd = -1;
	}
	return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_1(spidev_close_obj, spidev_close);

// Opens the device and reads its settings from the kernel.
static void open_device(spidev_obj_t *self, const char *path)
{
	spidev_close(MP_OBJ_FROM_PTR(self));
	int fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0) {
		mp_raise_OSError(errno);
	}
	if (ioctl(fd, SPI_IOC_RD_MODE, &self->mode) < 0 ||
	    ioctl(fd, SPI_IOC_RD_BITS_PER_WORD, &self->bits_per_word) < 0 ||
	    ioctl(fd, SPI_IOC_RD_MAX_SPEED_HZ, &self->max_speed_hz) < 0) {
		int error = errno;
		close(fd);
		mp_raise_OSError(error);
	}
	self->fd = fd;
}

static mp_obj_t spidev_open(mp_obj_t self_in, mp_obj_t bus, mp_obj_t device)
{
	char path[40];
	snprintf(path, sizeof(path), "/dev/spidev%d.%d", (int)mp_obj_get_int(bus),
		 (int)mp_obj_get_int(device));
	open_device(MP_OBJ_TO_PTR(self_in), path);
	return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_3(spidev_open_obj, spidev_open);

static mp_obj_t spidev_open_path(mp_obj_t self_in, mp_obj_t path)
{
	open_device(MP_OBJ_TO_PTR(self_in), mp_obj_str_get_str(path));
	return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_2(spidev_open_path_obj, spidev_open_path);

static mp_obj_t spidev_fileno(mp_obj_t self_in)
{
	return MP_OBJ_NEW_SMALL_INT(open_self(self_in)->fd);
}
static MP_DEFINE_CONST_FUN_OBJ_1(spidev_fileno_obj, spidev_fileno);

static void transfer(const spidev_obj_t *self, const struct spi_ioc_transfer *parts, unsigned count)
{
	int result;
	MP_HAL_RETRY_SYSCALL(result, ioctl(self->fd, SPI_IOC_MESSAGE(count), parts),
			     mp_raise_OSError(err));
}

static void prepare(const spidev_obj_t *self, struct spi_ioc_transfer *part, const void *out,
		    void *in, size_t len)
{
	memset(part, 0, sizeof(*part));
	part->tx_buf = (uintptr_t)out;
	part->rx_buf = (uintptr_t)in;
	part->len = (uint32_t)len;
	part->speed_hz = self->max_speed_hz;
	part->bits_per_word = self->bits_per_word;
}

// xfer2(values[, speed_hz[, delay_us[, bits_per_word]]]) -> list: one transfer with the select line
// held throughout.
static mp_obj_t spidev_xfer2(size_t n_args, const mp_obj_t *args)
{
	spidev_obj_t *self = open_self(args[0]);
	mp_obj_t bytes = mp_call_function_1(MP_OBJ_FROM_PTR(&mp_type_bytes), args[1]);
	mp_buffer_info_t out;
	mp_get_buffer_raise(bytes, &out, MP_BUFFER_READ);
	if (out.len == 0 || out.len > XFER_BYTES_MAX) {
		mp_raise_ValueError(MP_ERROR_TEXT("1 to 4096 bytes"));
	}
	byte *in = m_new(byte, out.len);
	struct spi_ioc_transfer part;
	prepare(self, &part, out.buf, in, out.len);
	if (n_args > 2 && mp_obj_is_true(args[2])) {
		part.speed_hz = (uint32_t)mp_obj_get_int(args[2]);
	}
	if (n_args > 3) {
		part.delay_usecs = (uint16_t)mp_obj_get_int(args[3]);
	}
	if (n_args > 4 && mp_obj_is_true(args[4])) {
		part.bits_per_word = (uint8_t)mp_obj_get_int(args[4]);
	}
	transfer(self, &part, 1);
	mp_obj_list_t *list = MP_OBJ_TO_PTR(mp_obj_new_list(out.len, NULL));
	for (size_t i = 0; i < out.len; i++) {
		list->items[i] = MP_OBJ_NEW_SMALL_INT(in[i]);
	}
	m_del(byte, in, out.len);
	return MP_OBJ_FROM_PTR(list);
}
static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(spidev_xfer2_obj, 2, 5, spidev_xfer2);

// xfer_gap(bytes, gap_us) -> bytes: one ioctl of at most 255 one-byte transfers, each followed by
// the gap.
static mp_obj_t spidev_xfer_gap(mp_obj_t self_in, mp_obj_t data, mp_obj_t gap_in)
{
	spidev_obj_t *self = open_self(self_in);
	mp_buffer_info_t out;
	mp_get_buffer_raise(data, &out, MP_BUFFER_READ);
	mp_int_t gap_us = mp_obj_get_int(gap_in);
	if (out.len == 0 || out.len > GAP_BYTES_MAX || gap_us < 0 || gap_us > GAP_US_MAX) {
		mp_raise_ValueError(MP_ERROR_TEXT("1 to 255 bytes, gap 0 to 65535"));
	}
	struct spi_ioc_transfer parts[GAP_BYTES_MAX]; // 8 kB of stack, in this leaf alone
	vstr_t in;
	vstr_init_len(&in, out.len);
	for (size_t i = 0; i < out.len; i++) {
		prepare(self, &parts[i], (const byte *)out.buf + i, in.buf + i, 1);
		parts[i].delay_usecs = (uint16_t)gap_us;
	}
	transfer(self, parts, (unsigned)out.len);
	return mp_obj_new_bytes_from_vstr(&in);
}
static MP_DEFINE_CONST_FUN_OBJ_3(spidev_xfer_gap_obj, spidev_xfer_gap);

static void set_byte(const spidev_obj_t *self, unsigned long request, uint8_t *field,
		     mp_obj_t value)
{
	mp_int_t number = mp_obj_get_int(value);
	uint8_t wanted = (uint8_t)number;
	if (number < 0 || number > 255) {
		mp_raise_ValueError(MP_ERROR_TEXT("0 to 255"));
	}
	if (ioctl(self->fd, request, &wanted) < 0) {
		mp_raise_OSError(errno);
	}
	*field = wanted;
}

static void set_speed(spidev_obj_t *self, mp_obj_t value)
{
	mp_int_t number = mp_obj_get_int(value);
	uint32_t wanted = (uint32_t)number;
	if (number <= 0) {
		mp_raise_ValueError(MP_ERROR_TEXT("speed"));
	}
	if (ioctl(self->fd, SPI_IOC_WR_MAX_SPEED_HZ, &wanted) < 0) {
		mp_raise_OSError(errno);
	}
	self->max_speed_hz = wanted;
}

static void load_attr(spidev_obj_t *self, qstr attr, mp_obj_t *dest)
{
	if (attr == MP_QSTR_mode) {
		dest[0] = MP_OBJ_NEW_SMALL_INT(self->mode);
	} else if (attr == MP_QSTR_bits_per_word) {
		dest[0] = MP_OBJ_NEW_SMALL_INT(self->bits_per_word);
	} else if (attr == MP_QSTR_max_speed_hz) {
		dest[0] = mp_obj_new_int_from_uint(self->max_speed_hz);
	} else {
		dest[1] = MP_OBJ_SENTINEL; // a method
	}
}

static void spidev_attr(mp_obj_t self_in, qstr attr, mp_obj_t *dest)
{
	if (dest[0] == MP_OBJ_NULL) {
		load_attr(MP_OBJ_TO_PTR(self_in), attr, dest);
		return;
	}
	if (dest[1] == MP_OBJ_NULL) {
		return; // nothing can be deleted
	}
	spidev_obj_t *self = open_self(self_in);
	if (attr == MP_QSTR_mode) {
		set_byte(self, SPI_IOC_WR_MODE, &self->mode, dest[1]);
	} else if (attr == MP_QSTR_bits_per_word) {
		set_byte(self, SPI_IOC_WR_BITS_PER_WORD, &self->bits_per_word, dest[1]);
	} else if (attr == MP_QSTR_max_speed_hz) {
		set_speed(self, dest[1]);
	} else {
		return; // AttributeError
	}
	dest[0] = MP_OBJ_NULL;
}

static const mp_rom_map_elem_t spidev_locals_table[] = {
	{ MP_ROM_QSTR(MP_QSTR___del__), MP_ROM_PTR(&spidev_close_obj) },
	{ MP_ROM_QSTR(MP_QSTR_open), MP_ROM_PTR(&spidev_open_obj) },
	{ MP_ROM_QSTR(MP_QSTR_open_path), MP_ROM_PTR(&spidev_open_path_obj) },
	{ MP_ROM_QSTR(MP_QSTR_close), MP_ROM_PTR(&spidev_close_obj) },
	{ MP_ROM_QSTR(MP_QSTR_fileno), MP_ROM_PTR(&spidev_fileno_obj) },
	{ MP_ROM_QSTR(MP_QSTR_xfer2), MP_ROM_PTR(&spidev_xfer2_obj) },
	{ MP_ROM_QSTR(MP_QSTR_xfer_gap), MP_ROM_PTR(&spidev_xfer_gap_obj) },
};
static MP_DEFINE_CONST_DICT(spidev_locals, spidev_locals_table);

static MP_DEFINE_CONST_OBJ_TYPE(spidev_type, MP_QSTR_SpiDev, MP_TYPE_FLAG_NONE, make_new,
				spidev_make_new, attr, spidev_attr, locals_dict, &spidev_locals);

static const mp_rom_map_elem_t module_globals_table[] = {
	{ MP_ROM_QSTR(MP_QSTR___name__), MP_ROM_QSTR(MP_QSTR_spidev) },
	{ MP_ROM_QSTR(MP_QSTR_SpiDev), MP_ROM_PTR(&spidev_type) },
};
static MP_DEFINE_CONST_DICT(module_globals, module_globals_table);

const mp_obj_module_t spidev_module = {
	.base = { &mp_type_module },
	.globals = (mp_obj_dict_t *)&module_globals,
};
MP_REGISTER_MODULE(MP_QSTR_spidev, spidev_module);
