/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A pseudo-terminal whose link has a fixed name. */
#define _GNU_SOURCE
#include "pty.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

enum { CHUNK = 256 };

static void make_raw(int fd)
{
	struct termios t;

	if (tcgetattr(fd, &t) == 0) {
		cfmakeraw(&t);
		tcsetattr(fd, TCSANOW, &t);
	}
}

int pty_open(struct pty *p, const char *link, char *err, size_t err_len)
{
	struct stat st;
	char name[64];

	p->link = link;
	p->master = posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
	if (p->master < 0 || grantpt(p->master) || unlockpt(p->master) ||
	    ptsname_r(p->master, name, sizeof(name))) {
		snprintf(err, err_len, "pty: %s", strerror(errno));
		return -1;
	}
	p->slave = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (p->slave >= 0)
		make_raw(p->slave);
	if (lstat(link, &st) == 0 && S_ISLNK(st.st_mode))
		unlink(link);
	if (p->slave < 0 || symlink(name, link)) {
		snprintf(err, err_len, "%s: %s", link, strerror(errno));
		return -1;
	}
	return 0;
}

void pty_pass(struct pty *p, struct board *b)
{
	uint8_t buf[CHUNK];
	size_t n = uart_ring_take(&b->uart.line_out, buf, sizeof(buf));

	if (n && write(p->master, buf, n) < 0 && errno != EAGAIN)
		return;
	size_t room = uart_send_room(b);
	ssize_t got = room ? read(p->master, buf, room < sizeof(buf) ? room : sizeof(buf)) : 0;

	if (got > 0)
		uart_send(b, buf, (size_t)got);
}

void pty_close(struct pty *p)
{
	unlink(p->link);
	close(p->slave);
	close(p->master);
}
