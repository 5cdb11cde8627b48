# SPDX-License-Identifier: GPL-3.0-or-later
"""The command `flukso` of the package: the frozen daemon, whatever lies where somebody stands."""

import subprocess

from tools.harness import ROOT

WRAPPER = ROOT / "package/flukso-micropython/files/flukso"


def test_a_folder_of_the_same_name_does_not_take_its_place(release, tmp_path):
    (tmp_path / "flukso").mkdir()
    (tmp_path / "flukso" / "__main__.py").write_text("print('somebody else')\n")
    command = tmp_path / "command"
    command.write_text(WRAPPER.read_text().replace("/usr/bin/flukso-micropython", release[0]))
    for words, status, said in (
        (["version"], 0, (ROOT / "VERSION").read_text()),
        (["daemon"], 2, ""),
    ):
        done = subprocess.run(
            ["sh", command, *words], cwd=tmp_path, capture_output=True, text=True, timeout=20
        )
        assert (done.returncode, done.stdout) == (status, said), done
