# SPDX-License-Identifier: GPL-3.0-or-later
"""The module `posix` and the port's files, log and streams work here and on big-endian MIPS."""

import os
import socket
import stat
import subprocess
import sys
import time

import pytest

from tools.harness import ROOT
from tools.harness.interpreters import environment

pytestmark = pytest.mark.timeout(120)


@pytest.fixture(params=["x86", "mips"])
def machine(request):
    return request.getfixturevalue("runtime" if request.param == "x86" else "mips_tests")


def run(machine, code, *words, **options):
    """What the code printed; `port` is the port module, `posix` the module."""
    head = "import sys, os, asyncio, posix\nfrom flukso import ports\nport = ports.load()\n"
    script = options.pop("folder") / "script.py"
    script.write_text(head + code)
    done = subprocess.run(
        [*machine, script, *[str(word) for word in words]],
        capture_output=True,
        text=True,
        env=environment(),
        timeout=60,
        **options,
    )
    assert done.returncode == 0, done
    return done.stdout


def test_replaces_a_file_durably_or_not_at_all(machine, tmp_path):
    target = tmp_path / "a" / "b" / "file"
    code = (
        "port.make_folder(sys.argv[1].rpartition('/')[0])\nfor n in range(3):\n    "
        "port.write_durable(sys.argv[1], b'x' * 70000 * n)\n"
    )
    code += "print(len(port.read_file(sys.argv[1], 140000)))\n"
    code += "try:\n    port.read_file(sys.argv[1], 139999)\nexcept OSError as e:\n    print(e)\n"
    code += "try:\n    port.write_durable('/proc/no', b'')\nexcept OSError:\n    print('refused')\n"
    said = run(machine, code, target, folder=tmp_path).splitlines()
    assert said[0] == "140000" and "is over 139999 bytes" in said[1] and said[2] == "refused"
    assert stat.S_IMODE(target.stat().st_mode) == 0o600 and os.listdir(target.parent) == ["file"]
    assert stat.S_IMODE(target.parent.stat().st_mode) == 0o750


def test_a_full_disk_leaves_the_old_file(machine, tmp_path):
    (tmp_path / "kept").write_bytes(b"old")
    (tmp_path / "kept.new").symlink_to("/dev/full")
    code = (
        "try:\n    port.write_durable(sys.argv[1], b'new')\nexcept OSError as e:\n    "
        "print('refused')\n"
    )
    # a symbolic link is not followed either
    assert run(machine, code, tmp_path / "kept", folder=tmp_path) == "refused\n"
    assert (tmp_path / "kept").read_bytes() == b"old"


def test_a_rewritten_file_keeps_its_mode_and_one_of_others_is_refused(machine, tmp_path):
    ours, theirs = tmp_path / "ours", tmp_path / "theirs"
    for path in (ours, theirs):
        path.write_bytes(b"old")
    ours.chmod(0o664)
    os.chown(theirs, -1, 4168)
    code = (
        "try:\n    port.rewrite_durable(sys.argv[1], b'new')\nexcept OSError as e:\n    print(e)\n"
    )
    assert (
        run(machine, code, ours, folder=tmp_path) == ""
        and ours.read_bytes() == b"new"
        and ours.stat().st_mode & 0o7777 == 0o664
    )
    assert (
        "belongs to another" in run(machine, code, theirs, folder=tmp_path)
        and theirs.read_bytes() == b"old"
    )
    assert sorted(os.listdir(tmp_path)) == ["ours", "script.py", "theirs"]


def test_reads_files_that_do_not_say_their_length(machine, tmp_path):
    assert (
        int(run(machine, "print(len(port.read_file('/proc/meminfo', 16384)))", folder=tmp_path))
        > 500
    )


def test_the_stamp_changes_when_a_file_is_written_anew(machine, tmp_path):
    code = (
        "f = sys.argv[1]\nport.write_durable(f, b'a')\na = "
        "port.file_stamp(f)\nport.write_durable(f, b'b')\n"
    )
    code += (
        "print(a != port.file_stamp(f), port.file_stamp(f) == port.file_stamp(f), "
        "repr(port.file_stamp(f + 'x')))"
    )
    assert run(machine, code, tmp_path / "f", folder=tmp_path) == "True True ''\n"


def test_random_bytes_differ(machine, tmp_path):
    code = "a = port.random_bytes(16)\nprint(len(a), a != port.random_bytes(16))"
    assert run(machine, code, folder=tmp_path) == "16 True\n"


def test_spawns_waits_and_kills(machine, tmp_path):
    code = """
import time
def wait(pid):
    for _ in range(500):
        status = posix.wait(pid)
        if status is not None:
            return status
        time.sleep(0.01)
out = posix.open(sys.argv[1], posix.O_WRONLY | posix.O_CREAT, 0o600)
print(wait(posix.spawn(['sh', '-c', 'echo said; exit 7'], out)))
pid = posix.spawn(('sleep', '60'))
print(posix.wait(pid))
posix.kill(pid, posix.SIGTERM)
print(wait(pid))
try:
    print(wait(posix.spawn(['/no/such/program'])))
except OSError as error:
    print(2 if error.errno == 2 else 127)
"""
    said = run(machine, code, tmp_path / "out", folder=tmp_path).split()
    assert said[:3] == ["7", "None", "143"] and said[3] in ("2", "127")
    assert (tmp_path / "out").read_text() == "said\n"


def test_signals_reach_the_loop(machine, tmp_path):
    code = """
async def main():
    stop, reload = asyncio.Event(), asyncio.Event()
    port.on_signals(stop, reload)
    posix.kill(posix.getpid(), posix.SIGHUP)
    await reload.wait()
    posix.kill(posix.getpid(), posix.SIGTERM)
    await stop.wait()
    print('both')
asyncio.run(main())
"""
    assert run(machine, code, folder=tmp_path) == "both\n"


def test_the_log_is_one_line_whatever_is_said(machine, tmp_path):
    done = subprocess.run(
        [*machine, "-c", "from flukso import ports\nports.load().log('err', 'a\\nb\\x1bc')"],
        capture_output=True,
        text=True,
        env=environment(),
        cwd=ROOT,
    )
    assert done.stderr == "flukso: err: a?b?c\n"


def test_locks_are_seen_across_interpreters(machine, tmp_path):
    code = "fd = posix.open(sys.argv[1], posix.O_RDWR | posix.O_CREAT)\nprint(posix.lockf(fd))\n"
    assert run(machine, code, tmp_path / "l", folder=tmp_path) == "0\n"
    holder = (
        "import fcntl,sys; f=open(sys.argv[1],'r+'); fcntl.lockf(f,fcntl.LOCK_EX); "
        "print('held',flush=True); sys.stdin.read()"
    )
    other = subprocess.Popen(
        [sys.executable, "-c", holder, tmp_path / "l"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert other.stdout.readline() == "held\n"
    try:
        assert run(machine, code, tmp_path / "l", folder=tmp_path) == "{}\n".format(other.pid)
    finally:
        other.communicate()


def test_names_are_looked_up_without_holding_up_the_loop(machine, tmp_path):
    code = """
from flukso.ports import micropython_streams as streams
async def main():
    print(len(await streams.addresses('localhost', 80)) > 0)
    print(await streams.addresses('nowhere.invalid', 80))
    task = asyncio.create_task(streams.addresses('localhost', 80))
    await asyncio.sleep_ms(0)
    await asyncio.sleep_ms(0)
    task.cancel()
    try:
        await task
    except asyncio.CancelledError:
        print('cancelled')
    print(len(os.listdir('/proc/self/fd')))
asyncio.run(main())
"""
    said = run(machine, code, folder=tmp_path).split()
    assert said[:2] == ["True", "[]"] and int(said[-1]) <= 8


def test_offers_a_unix_socket_and_a_pipe(machine, tmp_path):
    code = """
async def echo(reader, writer):
    writer.write(await reader.readexactly(5))
    await writer.drain()
    writer.close()
    echoed.set()
async def main():
    global echoed
    echoed = asyncio.Event()
    server = await port.serve_unix(sys.argv[1] + '/run/sock', echo)
    pipe = port.open_pipe(sys.argv[1] + '/run/pipe')
    print('ready')
    for _ in range(500):
        await asyncio.sleep_ms(20)
        if pipe.write(b'line\\n'):
            break
    await asyncio.wait_for(echoed.wait(), 10)
    server.close()
    pipe.close()
asyncio.run(main())
"""
    script = tmp_path / "s.py"
    script.write_text("import sys, asyncio\nfrom flukso import ports\nport = ports.load()\n" + code)
    process = subprocess.Popen(
        [*machine, script, tmp_path], stdout=subprocess.PIPE, text=True, env=environment()
    )
    try:
        assert process.stdout.readline() == "ready\n"
        with socket.socket(socket.AF_UNIX) as client:
            client.bind(str(tmp_path / "client"))  # an address longer than any IP one
            client.connect(str(tmp_path / "run" / "sock"))
            client.sendall(b"hello")
            client.settimeout(10)
            assert client.recv(10) == b"hello"
        assert open(tmp_path / "run" / "pipe").readline() == "line\n"
        assert process.wait(20) == 0
    finally:
        process.kill()
        process.stdout.close()
    assert os.listdir(tmp_path / "run") == ["pipe"]


def test_a_serial_line_is_raw_and_locked(machine, tmp_path):
    master, slave = os.openpty()
    code = """
async def main():
    reader, writer = await port.open_line(sys.argv[1], 4800)
    print('open')
    writer.write(await reader.readexactly(4))
    await writer.drain()
    writer.close()
    try:
        await port.open_line(sys.argv[1] + 'x', 4800)
    except OSError as error:
        print(error)
asyncio.run(main())
"""
    script = tmp_path / "s.py"
    script.write_text("import sys, asyncio\nfrom flukso import ports\nport = ports.load()\n" + code)
    name = os.ttyname(slave)
    process = subprocess.Popen(
        [*machine, script, name], stdout=subprocess.PIPE, text=True, env=environment()
    )
    try:
        assert process.stdout.readline() == "open\n"
        os.write(master, b"\r\n\x03\x11")  # nothing of this is translated or acted upon
        deadline, got = time.monotonic() + 10, b""
        while len(got) < 4 and time.monotonic() < deadline:
            got += os.read(master, 4)
        assert got == b"\r\n\x03\x11"
        assert name + "x" in process.stdout.readline()
        assert process.wait(10) == 0
    finally:
        process.kill()
        process.stdout.close()
        os.close(master)
        os.close(slave)
