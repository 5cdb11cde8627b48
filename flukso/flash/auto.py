# SPDX-License-Identifier: GPL-3.0-or-later
"""What a router does at the start of its service: an update, when the packaged firmware is newer
(docs/guide/flashing.md).
"""

from binascii import crc32

from flukso.flash import avrdude, image, update
from flukso.flash.fitness import Refused, older
from flukso.flash.ihex import FILE_MAX
from flukso.spiboard import LONG_FORM

TRIES_MAX = 3  # with one image; then somebody has to look
NOTE_MAX = 32  # bytes of the note of what was tried


async def run(access, port, process) -> "update.Result | None":
    """Do what is to be done and return the Result, None when that was nothing. Raises what update
    and recover raise.
    """
    site = access.site
    if not access.asks:
        access.say(
            "the board's firmware is not looked at: it has no programming wires to this router"
        )
        return None
    if site.lacks:
        access.warn("the board's firmware is not looked at: " + site.lacks)
        return None
    if not site.auto:
        access.say(
            "the board's firmware is not looked at: option auto is 0, or is to be set to 1 on this "
            "router (docs/guide/openwrt.md)"
        )
        return None
    tries = Tries(port, process, site.backup + ".tries")
    pending = access.kept() is not None
    if not pending and not process.exists(site.image):
        access.say("the board's firmware is not looked at: there is none at {}".format(site.image))
        return None
    text = port.read_file(site.image, FILE_MAX) if process.exists(site.image) else b""
    if pending:
        tries.begin(text)
        result = await update.recover(access, form=LONG_FORM)
    else:
        packaged = image.load(text)
        if not await wanted(access, packaged):
            return None
        tries.begin(text)
        result = await update.update(access, packaged, force=True, form=LONG_FORM)
    tries.end()
    return result


async def wanted(access, packaged: image.Image) -> bool:
    """Say whether the board's firmware is older than this one, or its chip is new. Raises
    AvrdudeError when nobody answers at all.
    """
    await access.begin()
    try:
        state = await access.state()
        if state is not None:
            if older(state.version, packaged.version):
                access.say(
                    "firmware {}.{} is older than {}.{}".format(
                        *(tuple(state.version) + packaged.version)
                    )
                )
                return True
            return False
        chip = access.read_chip()
    except avrdude.AvrdudeError as error:
        raise avrdude.AvrdudeError(
            error.reason, "the board does not answer, and its chip neither: {}".format(error)
        )
    finally:
        await access.end()
    if chip.flash.strip(b"\xff"):
        raise Refused("the board does not answer, though its chip has a firmware: look at it")
    access.say("the board's chip is new")
    return True


class Tries:
    """The file that counts attempts with one image, so that no start of the service repeats them
    for ever.
    """

    def __init__(self, port, process, path):
        self._port = port
        self._process = process
        self._path = path

    def begin(self, text: bytes):
        """Count one attempt with the image of this text. Raises Refused when there were enough of
        them.
        """
        mark = crc32(text) & 0xFFFFFFFF
        try:
            words = self._port.read_file(self._path, NOTE_MAX).split()
            count = int(words[1]) if int(words[0]) == mark else 0
        except (OSError, ValueError, IndexError):
            count = 0
        if count >= TRIES_MAX:
            raise Refused(
                "{} attempts with this firmware have failed: look at the board "
                "(docs/guide/flashing.md)".format(TRIES_MAX)
            )
        self._port.write_durable(self._path, "{} {}\n".format(mark, count + 1).encode())

    def end(self):
        self._process.remove(self._path)
