# SPDX-License-Identifier: GPL-3.0-or-later
# Empty: tools/ipk.py compiles nothing for the host.
