# SPDX-License-Identifier: GPL-3.0-or-later
# Builds the module `tls` into the runtime, in place of MicroPython's own.
TLS_MOD_DIR := $(USERMOD_DIR)
SRC_USERMOD_C += $(addprefix $(TLS_MOD_DIR)/, tls.c ca_file.c)
CFLAGS_USERMOD += -I$(TLS_MOD_DIR)
