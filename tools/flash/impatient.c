/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Preloaded into avrdude: three times a run it waits 250 ms for a silence on the line, which the programmer of these tests keeps anyway.
 * Nothing else is shortened: an answer is waited for as long as ever.
 */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <string.h>
#include <sys/select.h>

#define SILENCE_US 250000 /* avrdude's serial_drain */
/* An answer that comes later than this would be taken for that to the next question. */
#define SHORTER_US 60000

int select(int count, fd_set *reading, fd_set *writing, fd_set *failing, struct timeval *limit)
{
	int (*real)(int, fd_set *, fd_set *, fd_set *, struct timeval *) =
		(int (*)(int, fd_set *, fd_set *, fd_set *, struct timeval *))dlsym(RTLD_NEXT,
										    "select");

	if (strcmp(program_invocation_short_name, "avrdude") == 0 && limit && limit->tv_sec == 0 &&
	    limit->tv_usec <= SILENCE_US && limit->tv_usec > SHORTER_US)
		limit->tv_usec = SHORTER_US;
	return real(count, reading, writing, failing, limit);
}
