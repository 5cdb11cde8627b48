# SPDX-License-Identifier: GPL-3.0-or-later
# Included by the packages that carry microdot, the framework of the LAN API: the one module of it that is used.

MICRODOT_VERSION:=2.7.0
MICRODOT_FILE:=microdot-$(MICRODOT_VERSION).py

define Download/microdot
  FILE:=$(MICRODOT_FILE)
  URL:=@GITHUB/miguelgrinberg/microdot/v$(MICRODOT_VERSION)/src/microdot
  URL_FILE:=microdot.py
  HASH:=d9e0bea681d15965e8c683f642e03536fbed34e0bc55fe5000324208924936c1
endef
$(eval $(call Download,microdot))

# The package microdot in the folder $(1).
define InstallMicrodot
	$(INSTALL_DIR) $(1)/microdot
	$(INSTALL_DATA) $(DL_DIR)/$(MICRODOT_FILE) $(1)/microdot/microdot.py
	echo 'from microdot.microdot import Microdot, Request, Response' >$(1)/microdot/__init__.py
endef
