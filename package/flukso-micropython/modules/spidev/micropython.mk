# SPDX-License-Identifier: GPL-3.0-or-later
# Builds the module `spidev` into the runtime.
SPIDEV_MOD_DIR := $(USERMOD_DIR)
SRC_USERMOD_C += $(SPIDEV_MOD_DIR)/spidev.c
