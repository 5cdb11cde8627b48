/* SPDX-License-Identifier: GPL-3.0-or-later */
/* fluksosim: starts the board and serves the clients. */
#define _GNU_SOURCE
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "bus.h"
#include "control.h"
#include "drivers.h"
#include "../models/files.h"
#include "options.h"
#include "pty.h"
#include "sim.h"

enum { ERR_LEN = 512, PATH_LEN = 4096 };

static const uint64_t SLICE_NS = 1000000; /* of simulated time, between which sockets are served */
static const uint64_t NAP_NS = 4000000;   /* of real time, while nothing is on the bus */
static const uint64_t NAP_BUSY_NS = 500000; /* while a transfer runs, so that nobody waits */
/* While time stands still, only unfinished frames can expire. */
static const uint64_t STANDING_NAP_NS = 200000000;

static volatile sig_atomic_t stopped;
static uint8_t flash[FLASH_BYTES];
static struct trace trace;
static struct sim sim;
static struct pty pty = { .master = -1 };

static void on_signal(int number)
{
	(void)number;
	stopped = 1;
}

static uint64_t clock_read(clockid_t id)
{
	struct timespec t;

	clock_gettime(id, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

uint64_t real_ns(void)
{
	return clock_read(CLOCK_MONOTONIC);
}

int64_t real_wall_ns(void)
{
	return (int64_t)clock_read(CLOCK_REALTIME);
}

static int bad(const char *what)
{
	fprintf(stderr, "fluksosim: %s\n", what);
	return -1;
}

static int load_symbols(const struct options *o)
{
	char path[PATH_LEN], why[ERR_LEN];

	if (!o->elf && (!files_elf_name(o->hex, path, sizeof(path)) || access(path, R_OK)))
		return 0;
	const char *elf = o->elf ? o->elf : path;

	if (symbols_load(&sim.board->symbols, elf, why, sizeof(why)) == 0)
		return 0;
	fprintf(stderr, "fluksosim: %s: %s\n", elf, why);
	return -1;
}

static int make_board(const struct options *o)
{
	char err[ERR_LEN];
	struct board_config config = { .kind = o->kind, .flash = flash, .seed = o->seed };

	if (files_flash(o->hex, flash, &config.flash_len, err, sizeof(err)))
		return bad(err);
	if (o->trace) {
		if (files_trace(o->trace, &trace, err, sizeof(err)))
			return bad(err);
		config.trace = &trace;
	}
	if (files_eeprom(o->eeprom, &config.eeprom, err, sizeof(err)))
		return bad(err);
	sim.board = board_new(&config);
	if (!sim.board)
		return bad("this simavr has no ATmega168");
	for (int k = 0; k < o->clamps; k++)
		clamps_set(sim.board, k, o->clamp[k][0], o->clamp[k][1]);
	return load_symbols(o);
}

static int open_lines(const struct options *o)
{
	char err[ERR_LEN];

	for (int i = 0; i < o->listens; i++) {
		if (server_listen(&sim.server, o->listen[i], LINE_BUS, err, sizeof(err)))
			return bad(err);
	}
	for (int i = 0; i < o->controls; i++) {
		if (server_listen(&sim.server, o->control[i], LINE_CONTROL, err, sizeof(err)))
			return bad(err);
	}
	if (o->pty_link && pty_open(&pty, o->pty_link, err, sizeof(err)))
		return bad(err);
	return 0;
}

/* Runs at most one slice. Returns the real time that may pass before the next. */
static uint64_t run_slice(uint64_t now)
{
	struct board *b = sim.board;
	uint64_t limit = drivers_limit(&sim);
	uint64_t horizon =
		clock_horizon(&sim.clock, b->now_ns, now, real_wall_ns(), drivers_furthest(&sim));
	uint64_t to = horizon < limit ? horizon : limit;
	bool behind = to > b->now_ns;

	if (to > b->now_ns + SLICE_NS)
		to = b->now_ns + SLICE_NS;
	if (spi_active(b) && to > spi_end_ns(b) && spi_end_ns(b) > b->now_ns)
		to = spi_end_ns(b);
	if (behind)
		board_run_to(b, to);
	if (behind && b->now_ns < horizon && b->now_ns < limit)
		return 0;
	if (limit <= b->now_ns || sim.clock.speed <= 0)
		return behind ? 0 : STANDING_NAP_NS;
	return spi_active(b) ? NAP_BUSY_NS : NAP_NS;
}

static void wait_and_serve(uint64_t nap_ns, bool watch_parent, const sigset_t *unblocked)
{
	struct pollfd fds[SERVER_POLLS + 2];
	int n = server_polls(&sim.server, fds), more = n;
	struct timespec nap = { .tv_sec = 0, .tv_nsec = (long)nap_ns };

	if (watch_parent)
		fds[more++] = (struct pollfd){ .fd = STDIN_FILENO, .events = POLLIN };
	if (pty.master >= 0)
		fds[more++] = (struct pollfd){ .fd = pty.master, .events = POLLIN };
	bool news = ppoll(fds, (nfds_t)more, &nap, unblocked) > 0;

	for (int i = n; news && i < more; i++) {
		char sink[64];

		if (fds[i].fd == STDIN_FILENO && fds[i].revents &&
		    read(STDIN_FILENO, sink, sizeof(sink)) <= 0)
			sim.quit = true;
	}
	server_serve(&sim.server, fds, news ? n : 0, real_ns());
	if (pty.master >= 0)
		pty_pass(&pty, sim.board);
}

/* Handles requests and answers until nothing more happens without time. */
static void serve_requests(void)
{
	uint64_t now = real_ns();

	bus_turn(&sim);
	drivers_answer(&sim);
	control_take(&sim, now);
	bus_take(&sim, now);
	bus_turn(&sim);
}

static void flush_last_answers(void)
{
	struct pollfd fds[SERVER_POLLS];
	int n = server_polls(&sim.server, fds);

	if (poll(fds, (nfds_t)n, 0) > 0)
		server_serve(&sim.server, fds, n, real_ns());
}

static void serve(const struct options *o, const sigset_t *unblocked)
{
	while (!sim.quit && !stopped) {
		uint64_t nap = run_slice(real_ns());

		wait_and_serve(nap, o->die_with_parent, unblocked);
		serve_requests();
	}
	flush_last_answers();
}

static void catch_signals(sigset_t *unblocked)
{
	struct sigaction act = { .sa_handler = on_signal };
	sigset_t block;

	signal(SIGPIPE, SIG_IGN);
	sigaction(SIGTERM, &act, NULL);
	sigaction(SIGINT, &act, NULL);
	sigemptyset(&block);
	sigaddset(&block, SIGTERM);
	sigaddset(&block, SIGINT);
	sigprocmask(SIG_BLOCK, &block, unblocked); /* signals arrive in ppoll() only */
	sigdelset(unblocked, SIGTERM);
	sigdelset(unblocked, SIGINT);
}

int main(int argc, char **argv)
{
	struct options options;
	char err[ERR_LEN];
	sigset_t unblocked;

	if (options_parse(&options, argc, argv, err, sizeof(err))) {
		bad(err);
		return 2;
	}
	catch_signals(&unblocked);
	if (make_board(&options) || open_lines(&options)) {
		server_close(&sim.server);
		return 2;
	}
	int64_t wall_ns = options.wall_given ? (int64_t)(options.wall_s * 1e9) : real_wall_ns();

	clock_init(&sim.clock, options.speed, wall_ns, options.catch_up, real_ns());
	puts("fluksosim: ready");
	fflush(stdout);
	serve(&options, &unblocked);
	server_close(&sim.server);
	if (pty.master >= 0)
		pty_close(&pty);
	return 0;
}
