# SPDX-License-Identifier: GPL-3.0-or-later
"""Keeps what outlives the process: saved buffer, mark of a counter reset, whether it was killed."""

from flukso import backlog
from flukso.buffer import SavedBufferError
from flukso.messages import trouble

BUFFER, RESET = "buffer.bin", "reset"
ENOENT = 2  # no such file, on every system
# bytes: written beside the configuration by whoever renders it (docs/guide/openwrt.md)
NOTED, NOTED_MAX = (".errors", 4096)
FLASH_NOTED = ".flash"  # the same, of flash that cannot be written
UPGRADE_NOTED = ".upgrade"  # the same, what the last upgrade of the router's packages came to
RESET_MAX = 128  # bytes of the mark
RUN, RUN_MAX = "run", 16  # bytes: whether a daemon runs, and how many were killed
# without an acknowledgement for so long, the server counts as away: then flash may be worth its
# wear
OUTAGE_S = 3600


def restore(port, settings, log):
    """Return the Store saved in RAM, else the one in flash, else an empty one.

    A damaged file is put aside and reported.
    """
    for folder in (settings.state_dir, settings.flash_dir):
        store = _restored(port, folder, log) if folder else None
        if store is not None:
            return store
    return backlog.Store()


def _restored(port, folder, log):
    """Return the Store saved in this folder, None when there is none that can be believed."""
    path = folder + "/" + BUFFER
    try:
        return backlog.load(port.read_file(path, backlog.DUMP_MAX))
    except OSError as error:
        if error.args[:1] != (ENOENT,):
            log("warning", "the saved buffer cannot be read: {}".format(trouble(error)))
        return None
    except SavedBufferError as error:
        log(
            "warning",
            "the saved buffer {} is damaged ({}): put aside as {}.damaged".format(
                path, error, BUFFER
            ),
        )
    try:
        port.rename(path, path + ".damaged")
    except OSError as error:
        log("warning", "it could not be put aside: {}".format(trouble(error)))
    return None


def save(port, folder: str, store):
    """Save the store durably. Raises OSError."""
    port.make_folder(folder)
    port.write_durable(folder + "/" + BUFFER, store.dump())


class Saver:
    """Saves the store: every few minutes in RAM, and seldom in flash during an outage."""

    def __init__(self, port, log, settings, mono: float, note=bytes):
        """note() gives what is saved beside the readings."""
        self._port = port
        self._log = log
        self._note = note
        self._started = mono
        self.error = ""  # why the last saving failed
        self._flashed_at: float | None = None  # during this outage
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
        if self._settings.flash_dir:
            self._flash(store, mono, self._started if last_ok is None else last_ok)

    def _flash(self, store, mono, since):
        """Write to flash during an outage, seldom, and once after it.

        Else a later start would restore the old backlog.
        """
        if self._flashed_at is not None and since > self._flashed_at:
            self._flashed_at = None
        elif mono >= self._flash_at and mono - since >= OUTAGE_S:
            self._flashed_at = mono
        else:
            return
        self._flash_at = mono + self._settings.flash_interval_s
        self._write(self._settings.flash_dir, store)

    def save(self, store):
        """Save to the folder in RAM now; a failure is said once."""
        self._write(self._settings.state_dir, store)

    def _write(self, folder, store):
        try:
            store.note = self._note()
            save(self._port, folder, store)
            self.error = ""
        except (OSError, MemoryError) as error:
            text = trouble(error)
            if text != self.error:
                self._log(
                    "warning", "what was read could not be saved in {}: {}".format(folder, text)
                )
            self.error = text


class Run:
    """Notes beside the saved buffer that the daemon runs.

    One that is killed (by the OOM killer, say) cannot tell; the next one does.
    """

    def __init__(self, port, folder: str, log):
        self._port = port
        self._folder = folder
        # killed: ends without a clean stop since the folder was made
        ended, self.killed = self._last()
        if not ended:
            self.killed += 1
            log(
                "warning",
                "the daemon was killed, or crashed: what came after its last saving was lost, but "
                "for the counters",
            )
        self._note(0)

    def end(self):
        """Note a clean stop."""
        self._note(1)

    def _last(self):
        try:
            ended, killed = self._port.read_file(self._folder + "/" + RUN, RUN_MAX).split()
            return int(ended), int(killed)
        except (OSError, ValueError):
            return 1, 0

    def _note(self, ended):
        try:
            self._port.make_folder(self._folder)
            self._port.write_durable(
                self._folder + "/" + RUN, "{} {}".format(ended, self.killed).encode()
            )
        except OSError:
            pass  # saving the buffer there fails too, and is said


def noted(port, config_path: str, kind: str = NOTED) -> str:
    """Return what the configuration's renderer noted beside it, "" for nothing.

    kind NOTED: what is wrong with a newer configuration; FLASH_NOTED: with flash.
    """
    try:
        return port.read_file(config_path + kind, NOTED_MAX).decode().strip()
    except (OSError, ValueError):
        return ""


def reset_due(port, folder: str, config_path: str) -> bool:
    """Say whether the counters' reset that this very file asks for is still to be done."""
    try:
        return port.read_file(folder + "/" + RESET, RESET_MAX) != _mark(port, config_path)
    except OSError:
        return True


def note_reset(port, folder: str, config_path: "str | None"):
    """Note that the reset which the file asks for is done. Raises OSError.

    config_path None: before the reset, to see that it can be noted.
    """
    port.make_folder(folder)
    port.write_durable(
        folder + "/" + RESET, b"" if config_path is None else _mark(port, config_path)
    )


def _mark(port, config_path):
    return port.file_stamp(config_path).encode()
