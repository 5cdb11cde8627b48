// SPDX-License-Identifier: GPL-3.0-or-later
// Module `posix`: the functions of its source files, for its table.
#ifndef FLUKSO_POSIX_H
#define FLUKSO_POSIX_H

#include "py/obj.h"
#include "py/runtime.h"

// Files and terminals: posix_files.c
MP_DECLARE_CONST_FUN_OBJ_VAR_BETWEEN(posix_open_obj);
MP_DECLARE_CONST_FUN_OBJ_1(posix_close_obj);
MP_DECLARE_CONST_FUN_OBJ_2(posix_read_obj);
MP_DECLARE_CONST_FUN_OBJ_2(posix_write_obj);
MP_DECLARE_CONST_FUN_OBJ_1(posix_fsync_obj);
MP_DECLARE_CONST_FUN_OBJ_1(posix_lockf_obj);
MP_DECLARE_CONST_FUN_OBJ_2(posix_chmod_obj);
MP_DECLARE_CONST_FUN_OBJ_1(posix_umask_obj);
MP_DECLARE_CONST_FUN_OBJ_2(posix_fchown_obj);
MP_DECLARE_CONST_FUN_OBJ_2(posix_mkfifo_obj);
MP_DECLARE_CONST_FUN_OBJ_2(posix_tty_raw_obj);

// Processes, signals and the system log: posix_process.c
MP_DECLARE_CONST_FUN_OBJ_0(posix_getpid_obj);
MP_DECLARE_CONST_FUN_OBJ_0(posix_getuid_obj);
MP_DECLARE_CONST_FUN_OBJ_2(posix_kill_obj);
MP_DECLARE_CONST_FUN_OBJ_VAR_BETWEEN(posix_spawn_obj);
MP_DECLARE_CONST_FUN_OBJ_VAR_BETWEEN(posix_wait_obj);
MP_DECLARE_CONST_FUN_OBJ_VAR(posix_signal_fd_obj);
MP_DECLARE_CONST_FUN_OBJ_1(posix_next_signal_obj);

// Names and sockets: posix_net.c
MP_DECLARE_CONST_FUN_OBJ_1(posix_accept_obj);
MP_DECLARE_CONST_FUN_OBJ_2(posix_lookup_obj);
MP_DECLARE_CONST_FUN_OBJ_1(posix_unsent_obj);

#endif
