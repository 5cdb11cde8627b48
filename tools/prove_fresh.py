# SPDX-License-Identifier: GPL-3.0-or-later
"""`make prove-fresh DEBIAN=trixie|bookworm`: clones the project's last commit into a Debian that
has nothing but what the README asks for, and runs `make demo` and `make test` there.

The root is a folder in .cache/prove-fresh. What runs in it has mounts and process ids of its own,
which end with it: however the proof ends, nothing stays mounted and no process is left.
"""

import argparse
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CACHE = ROOT / ".cache" / "prove-fresh"
CLONE = "/root/flukso"
RELEASES = ("bookworm", "trixie")
README_ASKS_FOR = "ca-certificates,git,make"
DEMO_SECONDS = 40
DIES_WITH_US = ("setpriv", "--pdeathsig", "KILL")
NAMESPACES = (
    *DIES_WITH_US,
    "unshare",
    "--mount",
    "--pid",
    "--fork",
    "--kill-child",
    "--propagation",
    "private",
)
# Bound to itself the folder is a mount point, as a root is: programs in it can make mount
# namespaces.
ENTER = """
mount --bind "$1" "$1" && mount -t proc proc "$1/proc" && mount --rbind /dev "$1/dev" || exit
exec chroot "$1" env -i HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 TERM=dumb $3 \\
    sh -c "cd $4 && $2"
"""
GIT = ("git", "-c", "safe.directory=*")  # the clone may be somebody else's, who called sudo
PROXIES = ("http_proxy", "https_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY")
CA_FILE = "/etc/ssl/certs/ca-certificates.crt"
CA_INSIDE = "/etc/ssl/ca-of-the-machine.crt"
# what says how an index is reached, not where this disk has files
PIP_KEPT = (
    "index-url",
    "trusted-host",
    "timeout",
    "retries",
    "proxy",
)
COUNTS = re.compile(r"(\d+) (passed|failed|errors?)\b")
SUMMARY = re.compile(r"^=* ?(?=\d+ (?:passed|failed|error)).* in [\d.]+s")


def stop(reason: str) -> None:
    raise SystemExit("prove-fresh: " + reason)


def output_of(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def sources(release: str) -> list[str]:
    """The lines of sources.list for the release, from the archives that this machine's own apt
    uses.
    """
    own = re.search(r"^VERSION_CODENAME=(\w+)", Path("/etc/os-release").read_text(), re.MULTILINE)
    targets = output_of(
        "apt-get",
        "indextargets",
        "--format",
        "$(ORIGIN) $(REPO_URI) $(CODENAME)",
        "Created-By: Packages",
        "Component: main",
    )
    lines = []
    for origin, uri, name in (
        line.split() for line in targets.splitlines() if line.count(" ") == 2
    ):
        if origin == "Debian" and own and name.split("-")[0] == own[1]:
            line = "deb {} {} main".format(uri, release + name[len(own[1]) :])
            if line not in lines:
                lines.append(line)
    return lines or stop("apt on this machine knows no archive of Debian") or []


def make_base(release: str) -> Path:
    """A minimal Debian, made once."""
    base, new = CACHE / release, CACHE / (release + ".new")
    if not base.exists():
        remove(new)
        uri = next(line.split()[1] for line in sources(release) if line.split()[2] == release)
        say("debootstrap makes a minimal {}".format(release))
        if run(
            [
                *NAMESPACES,
                "debootstrap",
                "--variant=minbase",
                "--include=" + README_ASKS_FOR,
                release,
                str(new),
                uri,
            ]
        )[0]:
            stop("debootstrap failed")
        new.rename(base)
    return base


def fill(root: Path, release: str) -> None:
    """Makes it a copy of the base with what this machine reaches the network by, and a clone of the
    last commit.
    """
    base = make_base(release)
    remove(root)
    say("copying it, cloning the last commit into the copy")
    subprocess.run(["cp", "-a", str(base), str(root)], check=True)
    (root / "etc/apt/sources.list").write_text("\n".join(sources(release)) + "\n")
    (root / "etc/apt/apt.conf.d/90machine").write_text(apt_settings())
    (root / "etc/pip.conf").write_text(pip_settings())
    shutil.copy("/etc/resolv.conf", root / "etc/resolv.conf")
    # debootstrap leaves it to Debian's installer
    (root / "etc/hosts").write_text("127.0.0.1 localhost\n::1 localhost\n")
    if Path(CA_FILE).exists():
        shutil.copy(CA_FILE, root / CA_INSIDE[1:])
    subprocess.run(
        [*GIT, "clone", "-q", "--no-hardlinks", str(ROOT), str(root) + CLONE], check=True
    )


def apt_settings() -> str:
    """What this machine's apt says of the way to its archives: proxies, retries, dates."""
    kept = ("Acquire::http", "Acquire::https", "Acquire::Retries", "Acquire::Check-")
    return "".join(
        line + "\n"
        for line in output_of("apt-config", "dump").splitlines()
        if line.startswith(kept) and '""' not in line
    )


def pip_settings() -> str:
    lines = ["[global]"] + (["cert = " + CA_INSIDE] if Path(CA_FILE).exists() else [])
    for line in output_of(sys.executable, "-m", "pip", "config", "list").splitlines():
        name, _, value = line.partition("=")
        if name.startswith("global.") and name[7:] in PIP_KEPT:
            lines.append("{} = {}".format(name[7:], value.strip("'")))
    return "\n".join(lines) + "\n"


def remove(folder: Path) -> None:
    if folder.exists():
        subprocess.run(["rm", "-rf", "--one-file-system", str(folder)], check=True)


def say(text: str) -> None:
    print("prove-fresh: " + text, flush=True)


def run(command: list[str]) -> tuple[int, list[str]]:
    """Runs it away from the terminal's Ctrl-C, shows and keeps what it says: (exit status, lines).
    It ends when we do.
    """
    lines = []
    process = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        start_new_session=True,
    )
    assert process.stdout
    try:
        for line in process.stdout:
            print(line, end="", flush=True)
            lines.append(line.rstrip("\n"))
        return process.wait(), lines
    finally:
        process.kill()  # the first of a process namespace takes all others along
        process.wait()


def inside(root: Path, words: str) -> tuple[int, list[str]]:
    say(words)
    proxies = " ".join(
        "{}={}".format(name, os.environ[name]) for name in PROXIES if name in os.environ
    )
    return run([*NAMESPACES, "sh", "-c", ENTER, "sh", str(root), words, proxies, CLONE])


def demo_is_right(status: int, lines: list[str]) -> bool:
    """True if the demo ended well, and its last line says that all arrived, over verified TLS."""
    if status or not lines or not lines[-1].startswith("demo: {"):
        return False
    result = json.loads(lines[-1].removeprefix("demo: "))
    return bool(
        result["tls_verified"]
        and result["board_wh"] == result["received_wh"]
        and sum(result["board_wh"])
    )


def counts(status: int, lines: list[str]) -> tuple[int, int]:
    """(passed, failed) by pytest's last line. A run that fails otherwise counts as one failure."""
    found = {"passed": 0, "failed": 0, "error": 0}
    for line in [line for line in lines if SUMMARY.match(line)][-1:]:
        for number, what in COUNTS.findall(line):
            found[what.rstrip("s")] += int(number)
    return found["passed"], found["failed"] + found["error"] or int(status != 0)


def prove(release: str) -> dict:
    result = {"debian": release, "demo": False, "passed": 0, "failed": 0}
    root = CACHE / (release + ".root")
    try:
        fill(root, release)
        result["demo"] = demo_is_right(*inside(root, "make demo SECONDS={}".format(DEMO_SECONDS)))
        result["passed"], result["failed"] = counts(*inside(root, "make test"))
    finally:
        remove(root)
    return result


def main() -> int:
    parser = argparse.ArgumentParser(description="runs make demo and make test in a fresh Debian")
    parser.add_argument("release", choices=RELEASES)
    release = parser.parse_args().release
    if os.getuid():
        stop("needs root, for a root of its own")
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)
    CACHE.mkdir(parents=True, exist_ok=True)
    if output_of(*GIT, "-C", str(ROOT), "status", "--porcelain"):
        say("what is not committed is left out")
    try:
        result = prove(release)
    except KeyboardInterrupt:
        stop("interrupted; nothing is left but the base in {}".format(CACHE))
    print("prove-fresh: " + json.dumps(result))
    return 0 if result["demo"] and result["passed"] and not result["failed"] else 1


if __name__ == "__main__":
    sys.exit(main())
