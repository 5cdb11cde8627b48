# SPDX-License-Identifier: GPL-3.0-or-later
"""Everything that differs between interpreters and machines; the only place that may ask which
interpreter runs.
"""

import sys


def load():
    """Return the port module of this interpreter."""
    if sys.implementation.name == "micropython":
        from flukso.ports import micropython

        return micropython
    from flukso.ports import cpython

    return cpython


def load_process():
    """Return the module of this interpreter that runs programs and holds locks."""
    if sys.implementation.name == "micropython":
        from flukso.ports import micropython_process

        return micropython_process
    from flukso.ports import cpython_process

    return cpython_process
