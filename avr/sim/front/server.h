/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Sockets, ttys and their clients, with bounded buffers in both directions. */
#ifndef SIM_SERVER_H
#define SIM_SERVER_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../shared/command.h"
#include "frame.h"

enum {
	SERVER_CLIENTS = 32,   /* a test has a handful; one more is closed at once */
	SERVER_LISTENERS = 16, /* of both kinds */
	CLIENT_OUT = 32768,    /* unsent answers; reading stops while the largest might not fit */
	CLIENT_ANSWER = 8320,  /* the largest answer: 4096 bytes in hex */
	SERVER_POLLS = SERVER_CLIENTS + SERVER_LISTENERS,
};

enum line_kind { LINE_BUS, LINE_CONTROL };

struct client {
	bool used;
	bool gone; /* closed; the slot waits for the end of its transfer */
	int fd;
	int listener; /* of a tty, which is opened again later */
	enum line_kind kind;
	uint64_t heard_ns; /* real time of the last input */
	/* Input. */
	struct frame_reader reader;
	char line[COMMAND_LINE];
	size_t line_len;
	bool overlong;
	/* Output. */
	uint8_t out[CLIENT_OUT];
	size_t out_len;
	/* Waiting for simulated time. */
	bool driver;
	bool waiting;
	uint64_t until_ns;
	/* Its transfer, one at a time. */
	bool queued, clocking;
	bool by_command; /* the answer is a line of hex, not a frame */
	uint64_t order;
	uint16_t count, gap_us;
	uint8_t mosi[FRAME_MAX_BYTES], miso[FRAME_MAX_BYTES];
};

struct listener {
	int fd; /* -1 for a tty */
	enum line_kind kind;
	const char *url;
	bool open;         /* of a tty: a client has it */
	uint64_t retry_ns; /* of a tty: not opened before */
};

struct server {
	struct client client[SERVER_CLIENTS];
	struct listener listener[SERVER_LISTENERS];
	int listeners;
	uint64_t orders;
};

/* Opens a URL (docs/contributing/simulator.md). Returns 0, or -1 with the reason in err. */
int server_listen(struct server *s, const char *url, enum line_kind kind, char *err,
		  size_t err_len);

/* Fills the table for poll(). Returns its length. */
int server_polls(const struct server *s, struct pollfd fds[SERVER_POLLS]);

/* Accepts, reads and writes as poll() reported. */
void server_serve(struct server *s, const struct pollfd *fds, int n, uint64_t real_ns);

/* Returns true while another answer fits. Only then may a client's next request be taken. */
bool client_has_room(const struct client *c);
void client_send(struct client *c, const void *bytes, size_t len);

/* Frees a slot that is closed and whose transfer has ended. */
void client_release(struct client *c);

/* Closes everything and removes the sockets' files. */
void server_close(struct server *s);

#endif
