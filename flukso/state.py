# SPDX-License-Identifier: GPL-3.0-or-later
"""What outlives the process: the saved buffer in its folder, and the mark that the counters were reset."""

from flukso import buffer

BUFFER, RESET = "buffer.bin", "reset"
RESET_MAX = 128  # bytes of the mark


def restore(port, folder: str, log):
    """Return the Store saved in the folder, an empty one when there is none. A damaged file is put aside as `.damaged` and reported."""
    path = folder + "/" + BUFFER
    try:
        data = port.read_file(path, buffer.DUMP_MAX)
    except OSError:
        return buffer.Store()
    try:
        return buffer.load(data)
    except buffer.BufferError_ as error:
        log("warning", "the saved buffer {} is damaged ({}): put aside as {}.damaged".format(path, error, BUFFER))
        try:
            port.rename(path, path + ".damaged")
        except OSError as trouble:
            log("warning", "it could not be put aside: {}".format(trouble))
    return buffer.Store()


def save(port, folder: str, store):
    """Save the store durably. Raises OSError."""
    port.make_folder(folder)
    port.write_durable(folder + "/" + BUFFER, store.dump())


def reset_due(port, folder: str, config_path: str) -> bool:
    """Say whether the counters' reset that this very file asks for is still to be done."""
    try:
        return port.read_file(folder + "/" + RESET, RESET_MAX) != _mark(port, config_path)
    except OSError:
        return True


def note_reset(port, folder: str, config_path: str | None):
    """Note that the reset which the file asks for is done; None: before it, to see that it can be noted. Raises OSError."""
    port.make_folder(folder)
    port.write_durable(folder + "/" + RESET, b"" if config_path is None else _mark(port, config_path))


def _mark(port, config_path):
    return port.file_stamp(config_path).encode()
