# SPDX-License-Identifier: GPL-3.0-or-later
"""A damaged file is not an absent one: what a power cut left is told from what somebody wrote, and
mended from the copies.
"""

from flukso import config, copies, uci
from tools.faults import cuts
from tools.faults.cuts import (
    COPIES,
    DEVICE,
    FLUKSO,
    FLUKSO_PATH,
    KEY,
    RUNTIME,
    SENSOR,
    SETTINGS,
    SYSTEM,
    SYSTEM_PATH,
    boot,
    start,
)

WISHES = (  # the ways to spell a wish
    "    option reset_counters '1'",
    "\toption 'reset_counters' '1'",
    '\toption "reset_counters" "1"',
    "\toption reset_counters on # please",
    "\toption reset_counters 1\n\toption reset_counters '1'",
    "\tlist reset_counters 1",
    "\to reset_counters yes",
    "\toption reset_\\\ncounters 1",
)


def running(flukso=FLUKSO, system=SYSTEM):
    """Return the files of a router on which all is well."""
    status, said, files = start({FLUKSO_PATH: flukso.encode(), SYSTEM_PATH: system.encode()})
    assert status == 0, said
    return files


def changed(files, path, text):
    return {name: text if name == path else data for name, data in files.items()}


def text_of(files, path=FLUKSO_PATH):
    return uci.text_of(files[path])


def test_cuts_and_zeros_lose_nothing():
    said = []
    figures = cuts.walk(31, said.append)
    assert figures["lost"] == 0 and figures["tried"] > 200, said


EMPTIES = (
    b"",
    b"\n",
    b" \t\r\n\n",
    bytes(100),
    b"\n\0\0\n",
    b"# what was this?\n",
    b"\xef\xbb\xbf",
)


def test_a_file_with_nothing_in_it_is_damage_at_any_time():
    files = running()
    for data in EMPTIES:
        for begin in (boot, start):
            for path in (FLUKSO_PATH, SYSTEM_PATH):
                status, said, after = begin(changed(files, path, data))
                assert status == 0 and path in said, (data, said)
                assert cuts.settings_of(after) == cuts.settings_of(files)
                assert [after[name] for name in COPIES] == [files[name] for name in COPIES]


def test_missing_files_are_put_back():
    files = running()
    status, said, after = boot({name: data for name, data in files.items() if name in COPIES})
    assert status == 0 and "is missing" in said
    assert cuts.settings_of(after) == cuts.settings_of(files)


def test_a_file_cut_behind_the_settings_is_mended_at_a_boot_and_at_a_reload():
    files = running()
    for begin in (boot, start):
        status, said, after = begin(changed(files, FLUKSO_PATH, (SETTINGS + "\n").encode()))
        assert status == 0 and "/etc/config/flukso" in said and "put back" in said
        assert (
            text_of(after) == FLUKSO
            and after["/etc/flukso/flukso.damaged"] == (SETTINGS + "\n").encode()
        )


EDITS = (  # what somebody changes, whether it is taken over at a boot too
    (lambda text: text.replace("example.net", "example.org"), True),
    (lambda text: text.replace("enable '1'", "enable '0'", 1), True),
    (lambda text: text.replace(SENSOR.format(1, "analog", "constant '5163.5'"), ""), True),
    (lambda text: text + SENSOR.format(5, "pulse", "constant 1"), True),
    (lambda text: text.replace("option fsync '1'\n", ""), True),
    (lambda text: text.replace("\n", "\r\n"), True),
    (lambda text: text[:-1], True),
    (lambda text: "# mine\n" + text, True),
    (lambda text: text[: text.rindex("\nconfig sensor '4'")], False),
    (lambda text: text[: text.rindex("\toption enable")], False),
)


def test_what_somebody_wrote_is_taken_over():
    files = running()
    for number in range(len(EDITS)):
        edit, at_boot = EDITS[number]
        wanted = edit(FLUKSO)
        assert wanted != FLUKSO
        for begin in (start,) + ((boot,) if at_boot else ()):
            status, said, after = begin(changed(files, FLUKSO_PATH, wanted.encode()))
            assert status == 0 and text_of(after) == wanted, (number, said)
            assert (
                config.parse(text_of(after, COPIES[0])).sensors
                == config.parse(wanted, SYSTEM).sensors
            )
        if not at_boot:
            status, said, after = boot(changed(files, FLUKSO_PATH, wanted.encode()))
            assert status == 0 and "put back" in said and text_of(after) == FLUKSO


def test_what_the_copies_lose_is_said():
    files = running()
    other = FLUKSO.replace("abcde4", "abcdf4").replace(
        SENSOR.format(1, "analog", "constant '5163.5'"), ""
    )
    status, said, after = start(changed(files, FLUKSO_PATH, other.encode()))
    assert status == 0 and "sensor 1 was taken out" in said and "sensor 4 has another id" in said
    status, said, after = start(changed(files, SYSTEM_PATH, SYSTEM.replace(KEY, DEVICE).encode()))
    assert status == 0 and "another key" in said
    assert DEVICE not in start(after)[1]


def test_errors_stay_errors_and_the_copy_serves():
    files = running()
    for text in (
        "config settings 'main\n",
        FLUKSO.replace("phase '1'", "phase '2'"),
        FLUKSO + "optoin a b\n",
    ):
        for begin in (boot, start):
            status, said, after = begin(changed(files, FLUKSO_PATH, text.encode()))
            if begin is boot and "'main\n" in text:
                assert status == 0 and "put back" in said  # it breaks off
                continue
            assert status == 2 and "error: the configuration is not taken over: flukso:" in said, (
                said
            )
            assert after[RUNTIME] == files[RUNTIME] and text_of(after) == text
            assert [after[name] for name in COPIES] == [files[name] for name in COPIES]


# what is left of `system`: with what is still readable, all of it must be there afterwards
SYSTEMS = (
    ("", ""),
    ("config system\n\toption hostname 'flukso'\n", "option hostname 'flukso'"),
    (
        "config system\n\toption hostname 'flukso'\n\toption device '{}'\n".format(DEVICE),
        "option hostname 'flukso'",
    ),
    (
        "config system\n\toption hostname 'flukso'\n\toption device '{}'\n\toption key "
        "'0011".format(DEVICE),
        "option hostname 'flukso'",
    ),
    ("config system\n\toption hostname 'flukso'\n\0\0\0\0", "option hostname 'flukso'"),
    (
        "config system\n\toption hostname 'flukso'\n\toption notes 'meter in",
        "option hostname 'flukso'",
    ),
    ("\0\0\0\0config timeserver 'ntp'\n\tlist server 'x'\n", "list server 'x'"),
)


def test_the_identity_is_put_back_and_what_else_is_readable_stays():
    files = running()
    for text, kept in SYSTEMS:
        for begin in (boot, start):
            status, said, after = begin(changed(files, SYSTEM_PATH, text.encode()))
            assert status == 0 and SYSTEM_PATH in said, (text, said)
            problems = []
            found = copies.identity_in(uci.parse(text_of(after, SYSTEM_PATH), "system", problems))
            assert found == {"device": DEVICE, "key": KEY, "version": "210"} and not problems, text
            assert kept in text_of(after, SYSTEM_PATH) and "made" not in said
            assert (
                begin({name: data for name, data in after.items()})[2][SYSTEM_PATH]
                == after[SYSTEM_PATH]
            )


def test_an_identity_that_was_taken_out_of_the_file_is_put_into_system():
    name, text, system = cuts.HOUSES[2]
    files = running(text, system)
    status, said, after = start(changed(files, FLUKSO_PATH, text[len(cuts.OWN) :].encode()))
    assert status == 0 and "made" not in said and SYSTEM_PATH in said, said
    assert cuts.settings_of(after)[0].key == KEY and copies.unpack(after[COPIES[0]]).identity == {
        "device": DEVICE,
        "key": KEY,
    }
    assert "option hostname 'box'" in text_of(after, SYSTEM_PATH)


def test_notes_over_several_lines_and_mistakes_elsewhere_in_system_stop_nothing():
    files = running()
    text = SYSTEM + "\toptoin x y\n"
    status, said, after = start(changed(files, SYSTEM_PATH, text.encode()))
    assert status == 0 and text_of(after, SYSTEM_PATH) == text


def test_without_a_copy_nothing_is_made_in_place_of_what_is_lost():
    for files in (
        {FLUKSO_PATH: b"", SYSTEM_PATH: SYSTEM.encode()},
        {FLUKSO_PATH: FLUKSO.encode(), SYSTEM_PATH: b"\0\0"},
    ):
        status, said, after = boot(files)
        assert status == 2 and "restore it" in said and after == files
    status, said, after = boot({SYSTEM_PATH: b"config system\n\toption hostname 'OpenWrt'\n"})
    assert status == 0 and "device and key were made" in said


def test_the_wish_to_reset_is_obeyed_once_and_never_remembered():
    for wish in WISHES:
        text = FLUKSO.replace("\toption reset_counters '0'", wish)
        files = running(text)
        assert config.parse(text_of(files, RUNTIME)).reset_counters == 1, wish
        for path in (FLUKSO_PATH,) + COPIES:
            sections = uci.parse(text_of(files, path), path, [])
            spoken = [
                v.text
                for s in sections
                for v in [s.options.get("reset_counters")] + s.lists.get("reset_counters", [])
                if v
            ]
            assert (
                spoken == ["0"] and config.parse(text_of(files, path), SYSTEM).reset_counters == 0
            ), (wish, path)
        damaged = changed(files, FLUKSO_PATH, b"config settings 'main\n")
        assert config.parse(text_of(boot(damaged)[2], RUNTIME)).reset_counters == 0


def test_flash_is_written_on_a_change_only():
    files = running()
    port = cuts.Flash(dict(files))
    port.written = []
    before = port.write_durable
    port.write_durable = lambda path, data, mode=0, user=None: (
        port.written.append(path) or before(path, data)
    )
    options = {"config": FLUKSO_PATH, "runtime": RUNTIME}
    assert cuts.provision.main(port, options, len, len) == 0 and port.written == [RUNTIME]
    port.files[FLUKSO_PATH] = FLUKSO.replace("example.net", "example.org").encode()
    port.written = []
    assert cuts.provision.main(port, options, len, len) == 0 and port.written == [RUNTIME] + list(
        COPIES
    )


class PowerCut(Exception):
    pass


def cut_port(files, left):
    """Return a port on which the power fails at the write behind so many."""
    port = cuts.Flash(dict(files))
    write = port.write_durable

    def failing(path, data, mode=0o600, user=None):
        if port.left == 0:
            raise PowerCut
        port.left -= 1
        write(path, data)

    port.left = left
    port.write_durable = failing
    return port


def test_the_power_may_fail_at_any_write():
    files = running()
    edited = FLUKSO.replace("reset_counters '0'", "reset_counters '1'").replace(
        "example.net", "example.org"
    )
    for path, text in (
        (FLUKSO_PATH, edited),
        (FLUKSO_PATH, ""),
        (SYSTEM_PATH, ""),
        (COPIES[0], ""),
        (COPIES[1], "x"),
    ):
        begun = changed(files, path, text.encode())
        for left in range(6):
            port = cut_port(begun, left)
            try:
                cuts.provision.main(port, {"config": FLUKSO_PATH, "runtime": RUNTIME}, len, len)
            except PowerCut:
                pass
            status, said, after = boot(port.files)
            assert status == 0, said
            runtime, _ = cuts.settings_of(after)
            assert (runtime.device, runtime.key) == (DEVICE, KEY) and len(runtime.sensors) == 2


def test_a_fresh_device_that_loses_power_at_any_write_has_one_identity_in_the_end():
    for left in range(8):
        port = cut_port({SYSTEM_PATH: b"config system\n\toption hostname 'OpenWrt'\n"}, left)
        try:
            cuts.provision.main(port, {"config": FLUKSO_PATH, "runtime": RUNTIME}, len, len)
        except PowerCut:
            pass
        files = boot(port.files)[2]
        runtime, own = cuts.settings_of(files)
        assert runtime == own and runtime.register == 1
        assert cuts.settings_of(boot(files)[2])[0] == runtime


def test_flash_that_cannot_be_written_is_said_and_the_copy_serves():
    files = running()
    for path in (FLUKSO_PATH, SYSTEM_PATH):
        port = cuts.Flash(
            {name: b"" if name == path else data for name, data in files.items() if name != RUNTIME}
        )
        write = port.write_durable

        def only_ram(name, data, mode=0o600, user=None, write=write):
            if not name.startswith("/var"):
                raise OSError(30)
            write(name, data)

        port.write_durable = only_ram
        said = []
        assert (
            cuts.provision.main(
                port, {"config": FLUKSO_PATH, "runtime": RUNTIME}, said.append, said.append
            )
            == 0
        )
        assert "flash: {} cannot be written".format(path) in "".join(said)
        assert port.files[RUNTIME] == files[RUNTIME]


def test_copies_of_earlier_releases_are_believed():
    files = running()
    old = "\n" + text_of(files, RUNTIME).strip() + "\n"
    before = {FLUKSO_PATH: b"", SYSTEM_PATH: b"", "/etc/flukso/config.good": old.encode()}
    status, said, after = boot(before)
    assert status == 0 and cuts.settings_of(after)[0] == cuts.settings_of(files)[0]
    assert (
        "config system" not in text_of(after)
        and copies.unpack(after[COPIES[1]]).identity["device"] == DEVICE
    )
    for cut in (old[:-1], old[:-40], "", "config settings main\n"):
        assert copies.unpack(cut.encode()) is None


def test_a_copy_that_is_damaged_is_not_believed():
    files = running()
    for path in COPIES:
        data = bytearray(files[path])
        data[len(data) // 2] ^= 1
        assert copies.unpack(bytes(data)) is None
        status, said, after = boot(changed(changed(files, path, bytes(data)), FLUKSO_PATH, b""))
        assert (
            status == 0 and path in said and after[path] == files[path] and text_of(after) == FLUKSO
        )


def test_a_sensor_whose_id_was_lost_has_it_again():
    files = running()
    text = FLUKSO.replace("\toption id '0123456789abcdef0123456789abcde4'\n", "")
    status, said, after = start(changed(files, FLUKSO_PATH, text.encode()))
    assert status == 0 and "sensor 4 has its id again" in said
    assert cuts.settings_of(after)[0] == cuts.settings_of(files)[0]


JUNK = bytes([(number * 7919 >> 3) % 255 + 1 for number in range(60000)])


def test_a_file_of_garbage_is_named_in_few_words_and_stops_nothing():
    files = running()
    for path in (FLUKSO_PATH, SYSTEM_PATH):
        for data in (
            JUNK,
            b"<div class=x>\n" * 4000,
            files[path] + b"<div class=x>\n" * 1500,
            b"\xff" * 60000,
            b"\x1b[2J" * 9000,
        ):
            status, said, after = boot(changed(files, path, data))
            assert cuts.provision.sections(text_of(after, RUNTIME), "run") and cuts.settings_of(
                files
            )[0] == config.parse(text_of(after, RUNTIME))
            assert len(said) < 6000 and "\x1b" not in said, (path, data[:20], len(said))


class Starved(cuts.Flash):
    """A port on which memory does not suffice for one file."""

    starving = ""

    def read_file(self, path, limit):
        if path == self.starving:
            self.starving = ""  # its bytes alone have room
            raise MemoryError
        return super().read_file(path, limit)


def test_a_file_that_memory_does_not_suffice_for_is_damaged():
    files = running()
    for path in (FLUKSO_PATH, SYSTEM_PATH):
        for held in (True, False):
            port = Starved(
                {
                    name: data
                    for name, data in files.items()
                    if name != RUNTIME and (held or name not in COPIES)
                }
            )
            port.starving = path
            said = []
            status = cuts.provision.main(
                port, {"config": FLUKSO_PATH, "runtime": RUNTIME}, said.append, said.append
            )
            assert path + " cannot be read with the memory there is" in "".join(said), said
            assert status == (0 if held else 2) and (RUNTIME in port.files) == held
            if held:
                assert cuts.settings_of(port.files) == cuts.settings_of(files)
                assert (
                    port.files["/etc/flukso/{}.damaged".format(path.rpartition("/")[2])]
                    == files[path]
                )


def test_memory_that_ends_later_is_said_and_the_copy_serves():
    files = running()
    port = cuts.Flash({name: data for name, data in files.items() if name != RUNTIME})

    def none_left(count):
        raise MemoryError

    port.files[FLUKSO_PATH] = (FLUKSO + "\nconfig sensor 5\n").encode()
    port.random_bytes = none_left
    said = []
    assert (
        cuts.provision.main(
            port, {"config": FLUKSO_PATH, "runtime": RUNTIME}, said.append, said.append
        )
        == 1
    )
    assert "not enough memory" in "".join(said) and port.files[RUNTIME] == files[RUNTIME]


def test_a_wish_in_a_copy_of_release_0_1_is_no_wish():
    files = running()
    old = (text_of(files, RUNTIME).strip() + "\n").replace(
        "\toption reset_counters '0'", "  option reset_counters 1"
    )
    for text in ("", FLUKSO.replace("phase '1'", "phase '2'")):
        before = {FLUKSO_PATH: text.encode(), SYSTEM_PATH: SYSTEM.encode(), COPIES[0]: old.encode()}
        after = boot(before)[2]
        assert config.parse(text_of(after, RUNTIME)).reset_counters == 0, text
        for path in (FLUKSO_PATH,) + COPIES:
            assert text or config.parse(text_of(after, path), SYSTEM).reset_counters == 0, path


LOSSES = (  # what is cut from the file while the service runs, and what is said
    (
        lambda text: text[: text.rindex("\toption enable")],
        ("sensor 4 is not enabled any more", "sensor 4: enable is gone"),
    ),
    (
        lambda text: text.replace("\toption wan_base_url 'https://api.example.net/'\n", ""),
        ("settings daemon: wan_base_url is gone",),
    ),
    (
        lambda text: text.replace("enable '1'", "enable '0'", 1),
        ("sensor 1 is not enabled any more",),
    ),
    (lambda text: text.replace("\tlist port '9'\n", ""), ("flash flash: port is gone",)),
    (
        lambda text: text.replace("config flash 'flash'\n\tlist port '8'\n\tlist port '9'\n", ""),
        ("the section flash flash is gone",),
    ),
    (lambda text: text + "# a remark\n", ()),
)


def test_nothing_goes_from_the_copies_unsaid():
    whole = FLUKSO.replace(
        "config sensor '1'",
        "config flash 'flash'\n\tlist port '8'\n\tlist port '9'\n\nconfig sensor '1'",
    )
    files = running(whole)
    for edit, words in LOSSES:
        wanted = edit(whole)
        assert wanted != whole
        status, said, after = start(changed(files, FLUKSO_PATH, wanted.encode()))
        warnings = [
            line[len("warning: ") :] for line in said.split("\n") if line.startswith("warning: ")
        ]
        assert status == 0 and text_of(after) == wanted and tuple(warnings) == words, (
            warnings,
            words,
        )
        assert "warning" not in start(after)[1]


def test_many_losses_are_said_in_few_lines():
    files = running(
        FLUKSO
        + "config x y\n"
        + "".join(["\toption {}{} 1\n".format("o" * 90, number) for number in range(99)])
    )
    said = start(changed(files, FLUKSO_PATH, (FLUKSO + "config x y\n").encode()))[1]
    assert (
        said.count("warning: ") == 13 and "and 87 things more are gone" in said and len(said) < 1600
    )
