# SPDX-License-Identifier: GPL-3.0-or-later
# What the Flukso runtime takes from MicroPython's unix port.
PROG ?= micropython
FROZEN_MANIFEST ?= $(VARIANT_DIR)/manifest.py
USER_C_MODULES ?= $(VARIANT_DIR)/../modules
MBEDTLS_CONFIG_FILE = \"flukso_mbedtls.h\"

MICROPY_PY_BTREE = 0
MICROPY_PY_THREAD = 0
MICROPY_PY_TERMIOS = 0
MICROPY_PY_SOCKET = 1
MICROPY_PY_FFI = 0
MICROPY_PY_SSL = 1
MICROPY_SSL_MBEDTLS = 1
MICROPY_USE_READLINE = 0
MICROPY_VFS_FAT = 0
MICROPY_VFS_LFS1 = 0
MICROPY_VFS_LFS2 = 0

# What runs for every byte code: speed is worth the few kB.
%/py/map.o %/py/runtime.o %/py/obj.o %/py/objtype.o %/py/objfun.o %/py/objfloat.o %/py/bc.o %/py/qstr.o: CFLAGS += -O2
