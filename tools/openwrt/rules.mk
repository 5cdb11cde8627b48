# SPDX-License-Identifier: GPL-3.0-or-later
# What the feed's Makefiles expect of OpenWrt's rules.mk, for tools/ipk.py: names of folders and tools, nothing that compiles.

INCLUDE_DIR:=$(TOPDIR)/include
BUILD_DIR?=$(error BUILD_DIR is set by tools/ipk.py)
BUILD_VARIANT:=

INSTALL_DIR:=install -d -m0755
INSTALL_BIN:=install -m0755
INSTALL_DATA:=install -m0644
INSTALL_CONF:=install -m0600
CP:=cp -fpR
LN:=ln -sf
RM:=rm -rf
SHELL:=/bin/sh
