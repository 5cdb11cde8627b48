# SPDX-License-Identifier: GPL-3.0-or-later
# Stands for OpenWrt's package.mk: writes what a package's Makefile says into OUT, and runs its own install recipe.
# Set by tools/ipk.py: TOPDIR, BUILD_DIR (where sources or a ready program lie), OUT (where the packages are laid out).

PKG_BUILD_DIR?=$(BUILD_DIR)/$(PKG_NAME)
PKG_BUILD_DIR_READY?=
PKGARCH:=

define Build/Prepare/Default
endef

define Build/Compile/Default
endef

# One value a line, named as opkg's control file names it; what is empty is left out by tools/ipk.py.
define Fields
Package: $(1)
Version: $(VERSION)
Depends: $(DEPENDS)
Provides: $(PROVIDES)
Conflicts: $(CONFLICTS)
License: $(PKG_LICENSE)
LicenseFiles: $(PKG_LICENSE_FILES)
Maintainer: $(PKG_MAINTAINER)
Section: $(SECTION)
Require-User: $(USERID)
URL: $(URL)
Architecture: $(PKGARCH)
Title: $(TITLE)
endef

# ready: the program was built elsewhere (the static runtime), so the Makefile's own build is left out.
define BuildPackage
$(eval PKGARCH:=)
$(eval DEPENDS:=)
$(eval PROVIDES:=)
$(eval CONFLICTS:=)
$(eval USERID:=)
$(eval VERSION:=$(PKG_VERSION)-$(PKG_RELEASE))
$(eval $(value Package/$(1)))
$(file >$(OUT)/$(1).fields,$(call Fields,$(1)))
$(file >$(OUT)/$(1).description,$(Package/$(1)/description))
$(file >$(OUT)/$(1).conffiles,$(Package/$(1)/conffiles))
$(if $(Package/$(1)/postinst),$(file >$(OUT)/$(1).postinst,$(Package/$(1)/postinst)))
.PHONY: install-$(1)
all: install-$(1)
install-$(1): $(if $(PKG_BUILD_DIR_READY),,build)
	$$(call Package/$(1)/install,$(OUT)/$(1))
endef

.PHONY: all build
all:
build:
	mkdir -p $(PKG_BUILD_DIR)
	$(call Build/Prepare)
	$(call Build/Compile)
