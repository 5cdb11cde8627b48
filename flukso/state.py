# SPDX-License-Identifier: GPL-3.0-or-later
"""What outlives the process: the saved buffer, and the mark that the counters were reset."""

from flukso import buffer

BUFFER, RESET = "buffer.bin", "reset"
RESET_MAX = 128  # bytes of the mark
OUTAGE_S = 3600  # without an acknowledgement for so long, the server counts as away: then flash may be worth its wear


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


class Saver:
    """Saves the store every few minutes to its folder in RAM, and, when configured, during an outage now and then to flash."""

    def __init__(self, port, log, settings, mono: float):
        self._port = port
        self._log = log
        self._started = mono
        self._error = ""
        self.flash_writes = 0
        self.configure(settings, mono)

    def configure(self, settings, mono: float):
        self._settings = settings
        self._save_at = mono + settings.save_interval_s
        self._flash_at = mono + settings.flash_interval_s

    def tick(self, store, mono: float, last_ok: "float | None"):
        """Save what is due; last_ok: when the server took something last."""
        if mono >= self._save_at:
            self._save_at = mono + self._settings.save_interval_s
            self.save(store)
        if self._settings.flash_dir and mono >= self._flash_at:
            since = self._started if last_ok is None else last_ok
            if mono - since >= OUTAGE_S:
                self._flash_at = mono + self._settings.flash_interval_s
                self.flash_writes += 1
                self._write(self._settings.flash_dir, store)

    def save(self, store):
        """Save to the folder in RAM now; a failure is said once."""
        self._write(self._settings.state_dir, store)

    def _write(self, folder, store):
        try:
            save(self._port, folder, store)
            self._error = ""
        except OSError as error:
            if str(error) != self._error:
                self._log("warning", "what was read could not be saved in {}: {}".format(folder, error))
            self._error = str(error)


def reset_due(port, folder: str, config_path: str) -> bool:
    """Say whether the counters' reset that this very file asks for is still to be done."""
    try:
        return port.read_file(folder + "/" + RESET, RESET_MAX) != _mark(port, config_path)
    except OSError:
        return True


def note_reset(port, folder: str, config_path: "str | None"):
    """Note that the reset which the file asks for is done; None: before it, to see that it can be noted. Raises OSError."""
    port.make_folder(folder)
    port.write_durable(folder + "/" + RESET, b"" if config_path is None else _mark(port, config_path))


def _mark(port, config_path):
    return port.file_stamp(config_path).encode()
