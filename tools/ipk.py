# SPDX-License-Identifier: GPL-3.0-or-later
"""Builds, checks and lists OpenWrt packages (.ipk) without an OpenWrt tree; the standard library,
make and install are all it needs.

ipk.py build [--out DIR] [--arch ARCH=PROGRAM]... FOLDER...
                           the packages of the feed's folders; PROGRAM is the static runtime for
                           ARCH
ipk.py check [--root DIR] FILE...                             one sentence for each thing that is
                                                              wrong; all files as one feed, and
                                                              against the root file system DIR that
                                                              they would be installed in
ipk.py index DIR                                              Packages and Packages.gz for what lies
                                                              in DIR
"""

import argparse
import os
import pathlib
import sys

if __package__ in (None, ""):  # run as a program, with or without the project's environment
    sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

from tools.openwrt import archive, build, check


def run_build(options: argparse.Namespace) -> int:
    programs = {}
    for pair in options.arch:
        arch, _, program = pair.partition("=")
        if not arch or not program:
            raise build.BuildError(
                "--arch {}: ARCH=PROGRAM is needed, mips_24kc=/path/flukso-micropython for "
                "instance".format(pair)
            )
        programs[arch] = program
    epoch = int(os.environ.get("SOURCE_DATE_EPOCH", archive.EPOCH))
    folders = [pathlib.Path(name) for name in options.folders]
    for path in build.build(folders, pathlib.Path(options.out), programs, epoch):
        print("{}: {} bytes".format(path, path.stat().st_size))
    return 0


def run_check(options: argparse.Namespace) -> int:
    problems, found = [], []
    for name in options.files:
        try:
            found.append(check.check(pathlib.Path(name)))
        except OSError as error:
            problems.append("{}: {}".format(name, error.strerror or error))
        except check.IpkError as error:
            problems += ["{}: {}".format(name, line) for line in str(error).split("\n")]
    problems += check.collisions(found)
    for package in found if options.root else ():
        problems += check.overwrites(package, pathlib.Path(options.root))
    for line in problems:
        print(line, file=sys.stderr)
    if not problems:
        for package in found:
            print(
                "{}: good: {} {} for {}".format(
                    package.path, package.name, package.version, package.arch
                )
            )
    return 1 if problems else 0


def run_index(options: argparse.Namespace) -> int:
    folder = pathlib.Path(options.folder)
    files = sorted(folder.glob("*.ipk"))
    if not files:
        raise check.IpkError("{}: no .ipk files here".format(folder))
    archive.write_index(folder, [check.check(path) for path in files])
    print("{}: {} packages".format(folder / "Packages", len(files)))
    return 0


def arguments(words: list[str] | None) -> argparse.Namespace:
    words = sys.argv[1:] if words is None else words
    if words[:1] == ["help"]:
        words = [*words[1:2], "--help"]
    parser = argparse.ArgumentParser(
        prog="ipk.py", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    version = (
        (pathlib.Path(__file__).resolve().parent.parent / "VERSION")
        .read_text(encoding="ascii")
        .strip()
    )
    parser.add_argument("--version", action="version", version=version)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    built = commands.add_parser("build", help="make the packages of the feed's folders")
    built.add_argument("--out", default="dist", metavar="DIR", help="where they go; default dist")
    built.add_argument(
        "--arch",
        action="append",
        default=[],
        metavar="ARCH=PROGRAM",
        help="the static runtime for an architecture",
    )
    built.add_argument("folders", nargs="+", metavar="FOLDER")
    checked = commands.add_parser("check", help="say what is wrong with packages")
    checked.add_argument(
        "--root", metavar="DIR", help="the root file system that they would be installed in"
    )
    checked.add_argument("files", nargs="+", metavar="FILE")
    indexed = commands.add_parser(
        "index", help="list what lies in a folder: Packages and Packages.gz"
    )
    indexed.add_argument("folder", metavar="DIR")
    return parser.parse_args(words)


def main(words: list[str] | None = None) -> int:
    """The entry point; exit status 0 done, 1 something is wrong with a package."""
    options = arguments(words)
    try:
        return {"build": run_build, "check": run_check, "index": run_index}[options.command](
            options
        )
    except OSError as error:
        print(
            "ipk.py: {}{}".format(
                "{}: ".format(error.filename) if error.filename else "", error.strerror or error
            ),
            file=sys.stderr,
        )
        return 1
    except (check.IpkError, build.BuildError) as error:
        print("ipk.py: {}".format(error), file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
