// SPDX-License-Identifier: GPL-3.0-or-later
// Module `posix`: the system calls that the daemon needs and MicroPython lacks. Errors are OSError
// with errno.

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/timex.h>
#include <time.h>

#include "posix.h"

// monotonic() -> float: seconds of a clock that cannot be set.
static mp_obj_t mod_monotonic(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return mp_obj_new_float((mp_float_t)now.tv_sec + (mp_float_t)now.tv_nsec * 1e-9);
}
static MP_DEFINE_CONST_FUN_OBJ_0(posix_monotonic_obj, mod_monotonic);

// adjtimex() -> (state, status) of the kernel's clock. Changes nothing, because modes is 0.
static mp_obj_t mod_adjtimex(void)
{
	struct timex clock = { .modes = 0 };
	int state = adjtimex(&clock);
	if (state < 0) {
		mp_raise_OSError(errno);
	}
	mp_obj_t pair[2] = { MP_OBJ_NEW_SMALL_INT(state), MP_OBJ_NEW_SMALL_INT(clock.status) };
	return mp_obj_new_tuple(2, pair);
}
static MP_DEFINE_CONST_FUN_OBJ_0(posix_adjtimex_obj, mod_adjtimex);

#define FUNCTION(name) { MP_ROM_QSTR(MP_QSTR_##name), MP_ROM_PTR(&posix_##name##_obj) }
#define CONSTANT(name) { MP_ROM_QSTR(MP_QSTR_##name), MP_ROM_INT(name) }

static const mp_rom_map_elem_t module_globals_table[] = {
	{ MP_ROM_QSTR(MP_QSTR___name__), MP_ROM_QSTR(MP_QSTR_posix) },
	FUNCTION(monotonic),
	FUNCTION(adjtimex),
	FUNCTION(open),
	FUNCTION(close),
	FUNCTION(read),
	FUNCTION(write),
	FUNCTION(fsync),
	FUNCTION(lockf),
	FUNCTION(chmod),
	FUNCTION(umask),
	FUNCTION(fchown),
	FUNCTION(mkfifo),
	FUNCTION(tty_raw),
	FUNCTION(getpid),
	FUNCTION(getuid),
	FUNCTION(kill),
	FUNCTION(spawn),
	FUNCTION(wait),
	FUNCTION(signal_fd),
	FUNCTION(next_signal),
	FUNCTION(accept),
	FUNCTION(lookup),
	FUNCTION(unsent),
	CONSTANT(O_RDONLY),
	CONSTANT(O_WRONLY),
	CONSTANT(O_RDWR),
	CONSTANT(O_CREAT),
	CONSTANT(O_EXCL),
	CONSTANT(O_TRUNC),
	CONSTANT(O_APPEND),
	CONSTANT(O_NONBLOCK),
	CONSTANT(O_NOCTTY),
	CONSTANT(O_NOFOLLOW),
	CONSTANT(SIGHUP),
	CONSTANT(SIGINT),
	CONSTANT(SIGTERM),
	CONSTANT(SIGKILL),
	CONSTANT(SIGUSR1),
};
static MP_DEFINE_CONST_DICT(module_globals, module_globals_table);

const mp_obj_module_t posix_module = {
	.base = { &mp_type_module },
	.globals = (mp_obj_dict_t *)&module_globals,
};
MP_REGISTER_MODULE(MP_QSTR_posix, posix_module);
