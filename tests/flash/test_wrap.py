# SPDX-License-Identifier: GPL-3.0-or-later
"""What only CPython's tool does with images, and that everything else goes without the library for
them.
"""

import subprocess
import sys
from pathlib import Path

import pytest

from flukso.flash import cli, ihex
from tools import avrdude_wrap


@pytest.fixture
def files(tmp_path):
    one, other = bytearray(b"\x11" * 64), bytearray(b"\x11" * 64)
    other[3], other[40] = 0x22, 0x33
    paths = [tmp_path / "one.hex", tmp_path / "other.hex"]
    for path, memory in zip(paths, (one, other), strict=True):
        path.write_bytes(ihex.write(memory))
    return [str(path) for path in paths]


def test_diff_shows_the_bytes(files, capsys):
    assert avrdude_wrap.main(["diff", *files]) == cli.EXITS["verify"]
    assert capsys.readouterr().out == "0x0003: 11 22\n0x0028: 11 33\n2 bytes differ\n"
    assert avrdude_wrap.main(["diff", files[0], files[0]]) == cli.DONE


def test_merge_makes_one_image_and_refuses_an_overlap(files, tmp_path, capsys):
    part = tmp_path / "part.hex"
    part.write_bytes(b":02010000AABB98\n:00000001FF\n")
    out = tmp_path / "out.hex"
    assert avrdude_wrap.main(["merge", str(out), files[0], str(part)]) == cli.DONE
    memory = ihex.read(out.read_bytes(), 512)
    assert memory[:64] == b"\x11" * 64 and memory[256:258] == b"\xaa\xbb"
    assert avrdude_wrap.main(["merge", str(tmp_path / "none.hex"), *files]) == cli.BAD_IMAGE
    assert not (tmp_path / "none.hex").exists() and "overlap" in capsys.readouterr().err.lower()


@pytest.mark.parametrize("words", [["diff", "one"], ["merge", "out", "one"]])
def test_too_few_files(words, capsys):
    assert (
        avrdude_wrap.main(words) == cli.USAGE_WRONG and "merge OUT.hex" in capsys.readouterr().err
    )


def test_a_damaged_file_is_named(tmp_path, files, capsys):
    damaged = tmp_path / "damaged.hex"
    damaged.write_bytes(b":02010000AABB99\n")
    assert avrdude_wrap.main(["diff", files[0], str(damaged)]) == cli.BAD_IMAGE
    assert "line 1" in capsys.readouterr().err


def test_without_intelhex_the_extra_is_named_and_the_rest_works(files):
    """As after an installation without the extra `flash`."""
    program = (
        "import sys; sys.modules['intelhex'] = None; from tools import avrdude_wrap; "
        "sys.exit(avrdude_wrap.main())"
    )

    def run(*words):
        command = [sys.executable, "-c", program, *words]
        done = subprocess.run(
            command, capture_output=True, text=True, cwd=Path(__file__).parents[2], timeout=30
        )
        return done.returncode, done.stdout + done.stderr

    assert run("diff", *files) == (
        cli.USAGE_WRONG,
        "flukso-flash: diff needs intelhex: pip install 'flukso[flash]'\n",
    )
    status, said = run("check", files[0])
    assert status == cli.BAD_IMAGE and "Traceback" not in said
