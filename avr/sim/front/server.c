/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "server.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <termios.h>
#include <unistd.h>

enum { BACKLOG = 64 };

static const uint64_t TTY_RETRY_NS = 500000000;

static int fail(int fd, const char *url, const char *what, char *err, size_t err_len)
{
	snprintf(err, err_len, "%s: %s", url, what);
	if (fd >= 0)
		close(fd);
	return -1;
}

static void set_flags(int fd)
{
	fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
	fcntl(fd, F_SETFD, FD_CLOEXEC);
}

/* Removes a socket file on which nobody answers: its program has died. */
static void remove_stale(const struct sockaddr_un *addr)
{
	struct stat st;
	int fd;

	if (lstat(addr->sun_path, &st) || !S_ISSOCK(st.st_mode))
		return;
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	if (fd < 0)
		return;
	if (connect(fd, (const struct sockaddr *)addr, sizeof(*addr)) && errno == ECONNREFUSED)
		unlink(addr->sun_path);
	close(fd);
}

static int listen_unix(const char *url, char *err, size_t err_len)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	const char *path = url + strlen("unix:");

	if (strlen(path) >= sizeof(addr.sun_path))
		return fail(-1, url, "path too long", err, err_len);
	strcpy(addr.sun_path, path);
	remove_stale(&addr);
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&addr, sizeof(addr)) || listen(fd, BACKLOG))
		return fail(fd, url, strerror(errno), err, err_len);
	return fd;
}

static int listen_tcp(const char *url, char *err, size_t err_len)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE }, *found;
	char host[256];
	const char *rest = url + strlen("tcp:"), *colon = strrchr(rest, ':');
	size_t n = colon ? (size_t)(colon - rest) : sizeof(host);
	int one = 1;

	if (n >= sizeof(host) || !colon[1])
		return fail(-1, url, "expected tcp:HOST:PORT", err, err_len);
	memcpy(host, rest, n);
	host[n] = '\0';
	if (getaddrinfo(n ? host : NULL, colon + 1, &hints, &found))
		return fail(-1, url, "unknown host or port", err, err_len);
	int fd = socket(found->ai_family, SOCK_STREAM, 0);

	if (fd >= 0)
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	int bad = fd < 0 || bind(fd, found->ai_addr, found->ai_addrlen) || listen(fd, BACKLOG);

	freeaddrinfo(found);
	return bad ? fail(fd, url, strerror(errno), err, err_len) : fd;
}

static int open_tty(const char *url)
{
	struct termios t;
	int fd = open(url + strlen("tty:"), O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);

	if (fd >= 0 && tcgetattr(fd, &t) == 0) {
		cfmakeraw(&t);
		cfsetspeed(&t, B115200);
		tcsetattr(fd, TCSANOW, &t);
	}
	return fd;
}

static struct client *free_slot(struct server *s)
{
	for (int i = 0; i < SERVER_CLIENTS; i++) {
		if (!s->client[i].used)
			return &s->client[i];
	}
	return NULL;
}

static bool add_client(struct server *s, int fd, int listener, uint64_t real_ns)
{
	struct client *c = free_slot(s);

	if (!c) {
		close(fd);
		return false;
	}
	memset(c, 0, sizeof(*c));
	c->used = true;
	c->fd = fd;
	c->listener = listener;
	c->kind = s->listener[listener].kind;
	c->heard_ns = real_ns;
	return true;
}

static void try_tty(struct server *s, int i, uint64_t real_ns)
{
	struct listener *l = &s->listener[i];

	if (l->open || real_ns < l->retry_ns)
		return;
	int fd = open_tty(l->url);

	l->retry_ns = real_ns + TTY_RETRY_NS;
	l->open = fd >= 0 && add_client(s, fd, i, real_ns);
}

int server_listen(struct server *s, const char *url, enum line_kind kind, char *err, size_t err_len)
{
	struct listener *l = &s->listener[s->listeners];
	int fd = -1;

	if (s->listeners == SERVER_LISTENERS)
		return fail(-1, url, "too many sockets", err, err_len);
	if (strncmp(url, "unix:", 5) == 0)
		fd = listen_unix(url, err, err_len);
	else if (strncmp(url, "tcp:", 4) == 0)
		fd = listen_tcp(url, err, err_len);
	else if (access(url + strlen("tty:"), R_OK | W_OK))
		return fail(-1, url, strerror(errno), err, err_len);
	if (fd < 0 && strncmp(url, "tty:", 4) != 0)
		return -1;
	if (fd >= 0)
		set_flags(fd);
	l->fd = fd;
	l->kind = kind;
	l->url = url;
	s->listeners++;
	if (fd < 0)
		try_tty(s, s->listeners - 1, 0);
	return 0;
}

bool client_has_room(const struct client *c)
{
	return CLIENT_OUT - c->out_len >= CLIENT_ANSWER;
}

void client_send(struct client *c, const void *bytes, size_t len)
{
	if (c->gone || len > CLIENT_OUT - c->out_len)
		return;
	memcpy(c->out + c->out_len, bytes, len);
	c->out_len += len;
}

void client_release(struct client *c)
{
	if (c->gone && !c->clocking)
		c->used = false;
}

static void hang_up(struct server *s, struct client *c, uint64_t real_ns)
{
	struct listener *l = &s->listener[c->listener];

	if (c->gone)
		return;
	close(c->fd);
	c->gone = true;
	c->queued = false;
	c->driver = false;
	c->waiting = false;
	if (l->fd < 0) {
		l->open = false;
		l->retry_ns = real_ns + TTY_RETRY_NS;
	}
	client_release(c);
}

static size_t room_in(const struct client *c)
{
	return c->kind == LINE_BUS ? frame_room(&c->reader) : sizeof(c->line) - c->line_len;
}

static void read_from(struct server *s, struct client *c, uint64_t real_ns)
{
	uint8_t buf[COMMAND_LINE];
	size_t room = room_in(c);

	if (!room)
		return;
	ssize_t n = read(c->fd, buf, room < sizeof(buf) ? room : sizeof(buf));

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		hang_up(s, c, real_ns);
		return;
	}
	c->heard_ns = real_ns;
	if (c->kind == LINE_BUS) {
		frame_feed(&c->reader, buf, (size_t)n);
	} else {
		memcpy(c->line + c->line_len, buf, (size_t)n);
		c->line_len += (size_t)n;
	}
}

static void write_to(struct server *s, struct client *c, uint64_t real_ns)
{
	ssize_t n = write(c->fd, c->out, c->out_len);

	if (n < 0) {
		if (errno != EAGAIN && errno != EINTR)
			hang_up(s, c, real_ns);
		return;
	}
	c->out_len -= (size_t)n;
	memmove(c->out, c->out + n, c->out_len);
}

int server_polls(const struct server *s, struct pollfd fds[SERVER_POLLS])
{
	int n = 0;

	for (int i = 0; i < s->listeners; i++) {
		if (s->listener[i].fd >= 0)
			fds[n++] = (struct pollfd){ .fd = s->listener[i].fd, .events = POLLIN };
	}
	for (int i = 0; i < SERVER_CLIENTS; i++) {
		const struct client *c = &s->client[i];

		if (!c->used || c->gone)
			continue;
		short events = (short)((room_in(c) ? POLLIN : 0) | (c->out_len ? POLLOUT : 0));

		fds[n++] = (struct pollfd){ .fd = c->fd, .events = events };
	}
	return n;
}

static void accept_all(struct server *s, int i, uint64_t real_ns)
{
	int one = 1, got;

	while ((got = accept(s->listener[i].fd, NULL, NULL)) >= 0) {
		set_flags(got);
		setsockopt(got, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
		add_client(s, got, i, real_ns);
	}
}

static void serve_listener(struct server *s, int fd, uint64_t real_ns)
{
	for (int i = 0; i < s->listeners; i++) {
		if (s->listener[i].fd == fd)
			accept_all(s, i, real_ns);
	}
}

static struct client *client_of(struct server *s, int fd)
{
	for (int i = 0; i < SERVER_CLIENTS; i++) {
		if (s->client[i].used && !s->client[i].gone && s->client[i].fd == fd)
			return &s->client[i];
	}
	return NULL;
}

void server_serve(struct server *s, const struct pollfd *fds, int n, uint64_t real_ns)
{
	for (int i = 0; i < n; i++) {
		struct client *c;

		if (!fds[i].revents)
			continue;
		c = client_of(s, fds[i].fd);
		if (!c) {
			serve_listener(s, fds[i].fd, real_ns);
			continue;
		}
		if (fds[i].revents & POLLOUT)
			write_to(s, c, real_ns);
		if (!c->gone && (fds[i].revents & (POLLIN | POLLHUP | POLLERR)))
			read_from(s, c, real_ns);
	}
	for (int i = 0; i < s->listeners; i++) {
		if (s->listener[i].fd < 0)
			try_tty(s, i, real_ns);
	}
}

void server_close(struct server *s)
{
	for (int i = 0; i < SERVER_CLIENTS; i++) {
		if (s->client[i].used && !s->client[i].gone)
			close(s->client[i].fd);
	}
	for (int i = 0; i < s->listeners; i++) {
		if (s->listener[i].fd >= 0)
			close(s->listener[i].fd);
		if (strncmp(s->listener[i].url, "unix:", 5) == 0)
			unlink(s->listener[i].url + 5);
	}
	s->listeners = 0;
}
