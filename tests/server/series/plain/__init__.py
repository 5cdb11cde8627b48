# SPDX-License-Identifier: GPL-3.0-or-later
"""A second series store, as plain as the contract allows: it proves what the suite asks of one."""
