// SPDX-License-Identifier: GPL-3.0-or-later
// The MicroPython features of the Flukso runtime: only what the daemon uses
// (docs/design/runtime.md).
#ifndef FLUKSO_MPCONFIGVARIANT_H
#define FLUKSO_MPCONFIGVARIANT_H

#define MICROPY_CONFIG_ROM_LEVEL (MICROPY_CONFIG_ROM_LEVEL_EXTRA_FEATURES)
#define MICROPY_PY_SYS_PATH_DEFAULT ".frozen:/usr/lib/micropython"

// In a static link MicroPython's small vsnprintf would also replace the one that libc's syslog()
// calls.
#define MICROPY_USE_INTERNAL_PRINTF (0)

#define MICROPY_ASYNC_KBD_INTR (1)
#define MICROPY_FLOAT_IMPL (MICROPY_FLOAT_IMPL_DOUBLE)
#define MICROPY_FLOAT_USE_NATIVE_FLT16 (0)
#define MICROPY_LONGINT_IMPL (MICROPY_LONGINT_IMPL_MPZ)
#define MICROPY_STREAMS_POSIX_API (1)
#define MICROPY_PERSISTENT_CODE_LOAD (1)
#define MICROPY_MALLOC_USES_ALLOCATED_SIZE (1)
#define MICROPY_MEM_STATS (0)
#define MICROPY_DEBUG_PRINTERS (0)
#define MICROPY_OPT_COMPUTED_GOTO (1)
#define MICROPY_OPT_MAP_LOOKUP_CACHE_SIZE \
	(1024) // bytes; with 128 the daemon's names evict each other, which is 8 % slower
#define MICROPY_ENABLE_EMERGENCY_EXCEPTION_BUF (1)
#define MICROPY_EMERGENCY_EXCEPTION_BUF_SIZE (256)
#define MICROPY_ERROR_REPORTING (MICROPY_ERROR_REPORTING_NORMAL)
#define MICROPY_WARNINGS (0)
#define MICROPY_PY_STR_BYTES_CMP_WARN (0)

// os, time, hashlib, select in the forms of the unix port.
#define MICROPY_PY_OS_INCLUDEFILE "ports/unix/modos.c"
#define MICROPY_PY_OS_ERRNO (0)
#define MICROPY_PY_OS_GETENV_PUTENV_UNSETENV (1)
#define MICROPY_PY_OS_SYSTEM (0)
#define MICROPY_PY_OS_URANDOM (0)
#define MICROPY_PY_TIME (1)
#define MICROPY_PY_TIME_TIME_TIME_NS (1)
#define MICROPY_PY_TIME_CUSTOM_SLEEP (1)
#define MICROPY_PY_TIME_INCLUDEFILE "ports/unix/modtime.c"
#define MICROPY_PY_HASHLIB_SHA1 (1)
#define MICROPY_PY_SELECT_POSIX_OPTIMISATIONS (1)
#define MICROPY_PY_SELECT_SELECT (0)

// TLS is modules/tls, which always verifies. MicroPython's module is left out; its build of mbedtls
// is used.
#undef MICROPY_PY_SSL
#define MICROPY_PY_SSL (0)

// Features that the daemon does not use.
#define MICROPY_EMIT_X64 (0)
#define MICROPY_EMIT_X86 (0)
#define MICROPY_HELPER_REPL (1) // main.c does not build without it
#define MICROPY_REPL_AUTO_INDENT (0)
#define MICROPY_KBD_EXCEPTION (1)
#define MICROPY_PY_BUILTINS_HELP (0)
#define MICROPY_PY_BUILTINS_HELP_MODULES (0)
#define MICROPY_PY_BUILTINS_COMPLEX (0)
#define MICROPY_PY_BUILTINS_INPUT (0)
#define MICROPY_PY_BUILTINS_COMPILE (0)
#define MICROPY_PY_CMATH (0)
#define MICROPY_PY_CRYPTOLIB (0)
#define MICROPY_PY_DEFLATE (1) // crc32 of binascii, for the saved buffer, is built only with it
#define MICROPY_PY_FRAMEBUF (0)
#define MICROPY_PY_MACHINE (0)
#define MICROPY_PY_MATH (0)
#define MICROPY_PY_ONEWIRE (0)
#define MICROPY_PY_OS_DUPTERM (0)
#define MICROPY_PY_PLATFORM (0)
#define MICROPY_PY_RANDOM (0)
#define MICROPY_PY_UCTYPES (0)
#define MICROPY_PY_WEBSOCKET (0)
#define MICROPY_PY_MARSHAL (0)
#define MICROPY_PY_MICROPYTHON_MEM_INFO (0)
#define MICROPY_PY_VFS (0)
#define MICROPY_VFS_ROM (0)

#endif
