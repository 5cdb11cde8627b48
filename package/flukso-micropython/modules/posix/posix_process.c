// SPDX-License-Identifier: GPL-3.0-or-later
// Module `posix`: processes, signals as a descriptor, and the system log.

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "posix.h"
#include "py/mphal.h"

#define ARGUMENTS_MAX 16 // avrdude needs the most: 12

extern char **environ;

static mp_obj_t mod_getpid(void)
{
	return MP_OBJ_NEW_SMALL_INT(getpid());
}
MP_DEFINE_CONST_FUN_OBJ_0(posix_getpid_obj, mod_getpid);

static mp_obj_t mod_getuid(void)
{
	return MP_OBJ_NEW_SMALL_INT(getuid());
}
MP_DEFINE_CONST_FUN_OBJ_0(posix_getuid_obj, mod_getuid);

static mp_obj_t mod_kill(mp_obj_t pid, mp_obj_t signal_number)
{
	if (kill((pid_t)mp_obj_get_int(pid), (int)mp_obj_get_int(signal_number)) < 0) {
		mp_raise_OSError(errno);
	}
	return mp_const_none;
}
MP_DEFINE_CONST_FUN_OBJ_2(posix_kill_obj, mod_kill);

// Unblocks all signals in the child and restores SIGPIPE, which MicroPython ignores.
static int spawn_clean(pid_t *pid, char **argv, const posix_spawn_file_actions_t *actions)
{
	sigset_t none, pipe_alone;
	posix_spawnattr_t attributes;
	sigemptyset(&none);
	sigemptyset(&pipe_alone);
	sigaddset(&pipe_alone, SIGPIPE);
	posix_spawnattr_init(&attributes);
	posix_spawnattr_setsigmask(&attributes, &none);
	posix_spawnattr_setsigdefault(&attributes, &pipe_alone);
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
	int error = posix_spawnp(pid, argv[0], actions, &attributes, argv, environ);
	posix_spawnattr_destroy(&attributes);
	return error;
}

// spawn(arguments[, out_fd]) -> pid: starts a program from PATH, without a shell. stdout and stderr
// go to out_fd.
static mp_obj_t mod_spawn(size_t n_args, const mp_obj_t *args)
{
	size_t count;
	mp_obj_t *items;
	char *argv[ARGUMENTS_MAX + 1];
	mp_obj_get_array(args[0], &count, &items);
	if (count == 0 || count > ARGUMENTS_MAX) {
		mp_raise_ValueError(MP_ERROR_TEXT("1 to 16 arguments"));
	}
	for (size_t i = 0; i < count; i++) {
		argv[i] = (char *)mp_obj_str_get_str(items[i]);
	}
	argv[count] = NULL;
	posix_spawn_file_actions_t actions;
	posix_spawn_file_actions_init(&actions);
	if (n_args > 1) {
		int out = (int)mp_obj_get_int(args[1]);
		posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
		posix_spawn_file_actions_adddup2(&actions, out, STDERR_FILENO);
	}
	pid_t pid;
	int error = spawn_clean(&pid, argv, &actions);
	posix_spawn_file_actions_destroy(&actions);
	if (error != 0) {
		mp_raise_OSError(error);
	}
	return MP_OBJ_NEW_SMALL_INT(pid);
}
MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(posix_spawn_obj, 1, 2, mod_spawn);

// wait(pid[, block]) -> exit status (128 + signal if it was killed), or None while it runs.
static mp_obj_t mod_wait(size_t n_args, const mp_obj_t *args)
{
	int status;
	int options = n_args > 1 && mp_obj_is_true(args[1]) ? 0 : WNOHANG;
	pid_t pid;
	MP_HAL_RETRY_SYSCALL(pid, waitpid((pid_t)mp_obj_get_int(args[0]), &status, options),
			     mp_raise_OSError(err));
	if (pid == 0) {
		return mp_const_none;
	}
	return MP_OBJ_NEW_SMALL_INT(WIFEXITED(status) ? WEXITSTATUS(status)
						      : 128 + WTERMSIG(status));
}
MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(posix_wait_obj, 1, 2, mod_wait);

// signal_fd(signal, ...) -> descriptor that becomes readable when one of these signals comes. They
// have no other effect any more.
static mp_obj_t mod_signal_fd(size_t n_args, const mp_obj_t *args)
{
	sigset_t set;
	sigemptyset(&set);
	for (size_t i = 0; i < n_args; i++) {
		sigaddset(&set, (int)mp_obj_get_int(args[i]));
	}
	int fd = signalfd(-1, &set, 0);
	if (fd < 0) {
		mp_raise_OSError(errno);
	}
	// Not by signalfd's flags, which kernels before 2.6.27 lack.
	fcntl(fd, F_SETFD, FD_CLOEXEC);
	fcntl(fd, F_SETFL, O_NONBLOCK);
	sigprocmask(SIG_BLOCK, &set, NULL);
	return MP_OBJ_NEW_SMALL_INT(fd);
}
MP_DEFINE_CONST_FUN_OBJ_VAR(posix_signal_fd_obj, 1, mod_signal_fd);

// next_signal(fd) -> the number of a signal that came, or None.
static mp_obj_t mod_next_signal(mp_obj_t fd)
{
	struct signalfd_siginfo info;
	ssize_t len;
	MP_HAL_RETRY_SYSCALL(len, read((int)mp_obj_get_int(fd), &info, sizeof(info)), {
		if (err == EAGAIN) {
			return mp_const_none;
		}
		mp_raise_OSError(err);
	});
	return len == sizeof(info) ? MP_OBJ_NEW_SMALL_INT(info.ssi_signo) : mp_const_none;
}
MP_DEFINE_CONST_FUN_OBJ_1(posix_next_signal_obj, mod_next_signal);
