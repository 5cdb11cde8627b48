// SPDX-License-Identifier: GPL-3.0-or-later
// Module `posix`: files, locks and serial lines, by descriptor.

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include "posix.h"
#include "py/mphal.h"

// open(path, flags[, mode]) -> descriptor, closed on exec. The default mode is 0600.
static mp_obj_t mod_open(size_t n_args, const mp_obj_t *args)
{
	const char *path = mp_obj_str_get_str(args[0]);
	int flags = (int)mp_obj_get_int(args[1]) | O_CLOEXEC;
	mode_t mode = n_args > 2 ? (mode_t)mp_obj_get_int(args[2]) : 0600;
	int fd;
	MP_HAL_RETRY_SYSCALL(fd, open(path, flags, mode), mp_raise_OSError(err));
	return MP_OBJ_NEW_SMALL_INT(fd);
}
MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(posix_open_obj, 2, 3, mod_open);

static mp_obj_t mod_close(mp_obj_t fd)
{
	if (close((int)mp_obj_get_int(fd)) < 0 && errno != EINTR) {
		mp_raise_OSError(errno);
	}
	return mp_const_none;
}
MP_DEFINE_CONST_FUN_OBJ_1(posix_close_obj, mod_close);

// read(fd, limit) -> bytes, empty at the end; None if a non-blocking descriptor has none now.
static mp_obj_t mod_read(mp_obj_t fd, mp_obj_t limit)
{
	vstr_t data;
	vstr_init(&data, (size_t)mp_obj_get_int(limit));
	ssize_t len;
	MP_HAL_RETRY_SYSCALL(len, read((int)mp_obj_get_int(fd), data.buf, data.alloc), {
		if (err == EAGAIN) {
			return mp_const_none;
		}
		mp_raise_OSError(err);
	});
	data.len = (size_t)len;
	return mp_obj_new_bytes_from_vstr(&data);
}
MP_DEFINE_CONST_FUN_OBJ_2(posix_read_obj, mod_read);

// write(fd, bytes) -> how many were written; None if a non-blocking descriptor takes none now.
static mp_obj_t mod_write(mp_obj_t fd, mp_obj_t data_in)
{
	mp_buffer_info_t data;
	mp_get_buffer_raise(data_in, &data, MP_BUFFER_READ);
	ssize_t len;
	MP_HAL_RETRY_SYSCALL(len, write((int)mp_obj_get_int(fd), data.buf, data.len), {
		if (err == EAGAIN) {
			return mp_const_none;
		}
		mp_raise_OSError(err);
	});
	return MP_OBJ_NEW_SMALL_INT(len);
}
MP_DEFINE_CONST_FUN_OBJ_2(posix_write_obj, mod_write);

static mp_obj_t mod_fsync(mp_obj_t fd)
{
	int result;
	MP_HAL_RETRY_SYSCALL(result, fsync((int)mp_obj_get_int(fd)), mp_raise_OSError(err));
	return mp_const_none;
}
MP_DEFINE_CONST_FUN_OBJ_1(posix_fsync_obj, mod_fsync);

// lockf(fd) -> 0 if this process now holds the lock of the whole file, else the holder's pid. Never
// waits.
static mp_obj_t mod_lockf(mp_obj_t fd_in)
{
	int fd = (int)mp_obj_get_int(fd_in);
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	if (fcntl(fd, F_SETLK, &lock) == 0) {
		return MP_OBJ_NEW_SMALL_INT(0);
	}
	if (errno != EACCES && errno != EAGAIN) {
		mp_raise_OSError(errno);
	}
	lock.l_type = F_WRLCK;
	if (fcntl(fd, F_GETLK, &lock) < 0) {
		mp_raise_OSError(errno);
	}
	// It was released meanwhile, or a process of another pid namespace holds it. Report it as
	// held, by an unknown process.
	return MP_OBJ_NEW_SMALL_INT(lock.l_type == F_UNLCK || lock.l_pid <= 0 ? -1 : lock.l_pid);
}
MP_DEFINE_CONST_FUN_OBJ_1(posix_lockf_obj, mod_lockf);

static mp_obj_t mod_chmod(mp_obj_t path, mp_obj_t mode)
{
	if (chmod(mp_obj_str_get_str(path), (mode_t)mp_obj_get_int(mode)) < 0) {
		mp_raise_OSError(errno);
	}
	return mp_const_none;
}
MP_DEFINE_CONST_FUN_OBJ_2(posix_chmod_obj, mod_chmod);

static mp_obj_t mod_umask(mp_obj_t mask)
{
	return MP_OBJ_NEW_SMALL_INT(umask((mode_t)mp_obj_get_int(mask)));
}
MP_DEFINE_CONST_FUN_OBJ_1(posix_umask_obj, mod_umask);

// fchown(fd, user name): gives the file to this user and the user's group. KeyError if there is no
// such user.
static mp_obj_t mod_fchown(mp_obj_t fd, mp_obj_t name)
{
	const struct passwd *entry = getpwnam(mp_obj_str_get_str(name));
	if (entry == NULL) {
		mp_raise_type_arg(&mp_type_KeyError, name);
	}
	if (fchown((int)mp_obj_get_int(fd), entry->pw_uid, entry->pw_gid) < 0) {
		mp_raise_OSError(errno);
	}
	return mp_const_none;
}
MP_DEFINE_CONST_FUN_OBJ_2(posix_fchown_obj, mod_fchown);

static mp_obj_t mod_mkfifo(mp_obj_t path, mp_obj_t mode)
{
	if (mkfifo(mp_obj_str_get_str(path), (mode_t)mp_obj_get_int(mode)) < 0) {
		mp_raise_OSError(errno);
	}
	return mp_const_none;
}
MP_DEFINE_CONST_FUN_OBJ_2(posix_mkfifo_obj, mod_mkfifo);

static speed_t speed_of(mp_int_t baud)
{
	static const struct {
		mp_int_t baud;
		speed_t speed;
	} table[] = {
		{ 4800, B4800 }, // the boards of generation 1
		{ 9600, B9600 },   { 19200, B19200 },   { 38400, B38400 },
		{ 57600, B57600 }, { 115200, B115200 }, { 230400, B230400 },
	};
	for (size_t i = 0; i < MP_ARRAY_SIZE(table); i++) {
		if (table[i].baud == baud) {
			return table[i].speed;
		}
	}
	mp_raise_ValueError(MP_ERROR_TEXT("baud"));
}

// tty_raw(fd, baud): sets 8N1 without flow control, echo or translation, and drops what was
// received.
static mp_obj_t mod_tty_raw(mp_obj_t fd_in, mp_obj_t baud)
{
	int fd = (int)mp_obj_get_int(fd_in);
	speed_t speed = speed_of(mp_obj_get_int(baud));
	struct termios line;
	if (tcgetattr(fd, &line) < 0) {
		mp_raise_OSError(errno);
	}
	cfmakeraw(&line);
	line.c_cflag &= (tcflag_t) ~(CSTOPB | CRTSCTS);
	line.c_cflag |= CLOCAL | CREAD;
	line.c_cc[VMIN] = 1;
	line.c_cc[VTIME] = 0;
	if (cfsetispeed(&line, speed) < 0 || cfsetospeed(&line, speed) < 0 ||
	    tcsetattr(fd, TCSAFLUSH, &line) < 0) {
		mp_raise_OSError(errno);
	}
	return mp_const_none;
}
MP_DEFINE_CONST_FUN_OBJ_2(posix_tty_raw_obj, mod_tty_raw);
