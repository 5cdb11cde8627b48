// SPDX-License-Identifier: GPL-3.0-or-later
// Module `posix`: names to addresses without blocking the caller (libc's resolver, in a child process), and accept.

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "posix.h"

#define ADDRESSES_MAX \
	8 // more than any happy server has; bounds the answer to what a pipe holds at once
#define DESCRIPTORS_MAX 256 // what the daemon may have open, doubled
#define CHILD_LIFE_S 60     // a resolver that hangs does not outlive this

// What the child writes: for each address, its length in one byte, then the sockaddr.
static void write_addresses(int fd, const char *host, const char *port)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
	struct addrinfo *list = NULL;
	unsigned char out[ADDRESSES_MAX * (1 + sizeof(struct sockaddr_in6))];
	size_t len = 0;
	if (getaddrinfo(host, port, &hints, &list) != 0) {
		return;
	}
	for (int i = 0; list != NULL && i < ADDRESSES_MAX; i++, list = list->ai_next) {
		if (list->ai_addrlen <= sizeof(struct sockaddr_in6)) {
			out[len++] = (unsigned char)list->ai_addrlen;
			memcpy(out + len, list->ai_addr, list->ai_addrlen);
			len += list->ai_addrlen;
		}
	}
	while (write(fd, out, len) < 0 && errno == EINTR) {
	}
}

// The child lets go of the sockets, devices and locks of its parent, which may die before it.
static void close_all_but(int kept)
{
	for (int fd = STDERR_FILENO + 1; fd < DESCRIPTORS_MAX; fd++) {
		if (fd != kept) {
			close(fd);
		}
	}
}

// lookup(host, port) -> (pid, descriptor): non-blocking, gives the addresses and then the end; none were found when it
// only ends. The caller kills the child if it likes, waits for it, and closes the descriptor.
static mp_obj_t mod_lookup(mp_obj_t host_in, mp_obj_t port_in)
{
	const char *host = mp_obj_str_get_str(host_in);
	const char *port = mp_obj_str_get_str(port_in);
	int ends[2];
	if (pipe(ends) < 0) {
		mp_raise_OSError(errno);
	}
	pid_t pid = fork();
	if (pid < 0) {
		int error = errno;
		close(ends[0]);
		close(ends[1]);
		mp_raise_OSError(error);
	}
	if (pid == 0) {
		sigset_t none;
		sigemptyset(&none);
		sigprocmask(SIG_SETMASK, &none, NULL);
		signal(SIGINT, SIG_DFL);
		close_all_but(ends[1]);
		alarm(CHILD_LIFE_S);
		write_addresses(ends[1], host, port);
		_exit(0);
	}
	close(ends[1]);
	fcntl(ends[0], F_SETFD, FD_CLOEXEC);
	fcntl(ends[0], F_SETFL, O_NONBLOCK);
	mp_obj_t pair[2] = { MP_OBJ_NEW_SMALL_INT(pid), MP_OBJ_NEW_SMALL_INT(ends[0]) };
	return mp_obj_new_tuple(2, pair);
}
MP_DEFINE_CONST_FUN_OBJ_2(posix_lookup_obj, mod_lookup);

// accept(fd) -> descriptor of the next client, non-blocking; None when there is none. Whatever the length of its address.
static mp_obj_t mod_accept(mp_obj_t listener)
{
	int fd = accept((int)mp_obj_get_int(listener), NULL, NULL);
	if (fd < 0) {
		if (errno == EAGAIN || errno == EINTR || errno == ECONNABORTED) {
			return mp_const_none;
		}
		mp_raise_OSError(errno);
	}
	fcntl(fd, F_SETFD, FD_CLOEXEC);
	fcntl(fd, F_SETFL, O_NONBLOCK);
	return MP_OBJ_NEW_SMALL_INT(fd);
}
MP_DEFINE_CONST_FUN_OBJ_1(posix_accept_obj, mod_accept);

// unsent(fd) -> bytes written to a TCP socket that the other machine has not confirmed; 0 where the system does not say.
static mp_obj_t mod_unsent(mp_obj_t fd)
{
	int count = 0;
	if (ioctl((int)mp_obj_get_int(fd), TIOCOUTQ, &count) < 0) {
		count = 0;
	}
	return mp_obj_new_int(count);
}
MP_DEFINE_CONST_FUN_OBJ_1(posix_unsent_obj, mod_unsent);
