// SPDX-License-Identifier: GPL-3.0-or-later
// Module `posix`: resolves names without blocking the caller, by libc's resolver in a child
// process; and accepts clients.

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "posix.h"

#define ADDRESSES_MAX 8     // more than a server usually has; the answer then fits a pipe
#define DESCRIPTORS_MAX 256 // twice as many as the daemon may have open
#define CHILD_LIFE_S 60     // after which a resolver that hangs is ended

// The child writes for each address its length in one byte, then the sockaddr.
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

// Closes the parent's sockets, devices and locks in the child, because the parent may end first.
static void close_all_but(int kept)
{
	for (int fd = STDERR_FILENO + 1; fd < DESCRIPTORS_MAX; fd++) {
		if (fd != kept) {
			close(fd);
		}
	}
}

// lookup(host, port) -> (pid, descriptor). The non-blocking descriptor gives the addresses and then
// the end; only the end means that none were found. The caller may kill the child, waits for it,
// and closes the descriptor.
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

// accept(fd) -> non-blocking descriptor of the next client, with an address of any length; None if
// there is none.
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

// unsent(fd) -> bytes of a TCP socket that the other machine has not confirmed; 0 if the system
// does not say.
static mp_obj_t mod_unsent(mp_obj_t fd)
{
	int count = 0;
	if (ioctl((int)mp_obj_get_int(fd), TIOCOUTQ, &count) < 0) {
		count = 0;
	}
	return mp_obj_new_int(count);
}
MP_DEFINE_CONST_FUN_OBJ_1(posix_unsent_obj, mod_unsent);
