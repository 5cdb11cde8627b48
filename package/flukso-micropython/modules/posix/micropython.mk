# SPDX-License-Identifier: GPL-3.0-or-later
# Builds the module `posix` into the runtime.
POSIX_MOD_DIR := $(USERMOD_DIR)
SRC_USERMOD_C += $(addprefix $(POSIX_MOD_DIR)/, posix.c posix_files.c posix_process.c posix_net.c)
CFLAGS_USERMOD += -I$(POSIX_MOD_DIR)
