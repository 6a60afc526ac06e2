"""The sandbox holds hostile code: no network, no secrets, no way out, and every limit is met (G4.6)."""

from __future__ import annotations

import os
import shutil
import sys
import textwrap
from pathlib import Path

import pytest

from discreet.sandbox import Bind, Limits, Outcome, SandboxUnavailable, Spec, run, why_unavailable
from discreet.sandbox.seccomp import UnknownArchitecture, filter_program

PREFIX = Path(sys.base_prefix)
PYTHON = str(Path(os.path.realpath(sys.executable)))


@pytest.fixture(autouse=True)
def _available() -> None:
    reason = why_unavailable()
    if reason is not None:
        pytest.fail(f"the sandbox's tests need the sandbox: {reason}")


def python(code: str, limits: Limits | None = None, **more: object) -> Outcome:
    binds = () if str(PREFIX).startswith("/usr") else (Bind(PREFIX, str(PREFIX)),)
    given = more.pop("binds", ())
    return run(Spec((PYTHON, "-I", "-B", "-c", textwrap.dedent(code)), (*binds, *given), limits=limits or Limits(wall_s=20), **more))


def test_the_command_runs_and_its_output_comes_back() -> None:
    outcome = python("import sys; print(sys.stdin.read()[::-1])", stdin=b"abc")
    assert (outcome.ended, outcome.exit_code, outcome.stdout) == ("exited", 0, b"cba\n")


def test_the_network_is_cut_and_seen_to_be_cut_from_outside() -> None:
    outcome = python("import socket\nfor f in (socket.AF_INET, socket.AF_INET6, socket.AF_UNIX):\n    try: socket.socket(f); print('open')\n    except OSError: print('shut')")
    assert outcome.network.cut
    assert outcome.network.namespace_inside != outcome.network.namespace_outside
    assert outcome.network.interfaces == ("lo",)
    assert outcome.stdout.split() == [b"shut"] * 3


def test_loopback_sockets_reach_nothing_but_the_sandbox() -> None:
    outcome = python(
        """
        import socket
        server = socket.create_server(("127.0.0.1", 0))
        socket.create_connection(server.getsockname(), 1)
        print("own")
        try: socket.create_connection(("192.0.2.1", 80), 1); print("foreign")
        except OSError: print("unreachable")
        """,
        sockets="loopback",
    )
    assert outcome.stdout.split() == [b"own", b"unreachable"]


def test_no_secret_of_the_caller_is_inside(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("A_SECRET", "s3cret-value")
    (tmp_path / "key").write_text("s3cret-value")
    outcome = python(
        f"""
        import os
        word = "s3cret" + "-value"
        print(dict(os.environ).get("A_SECRET"), open("/proc/self/environ").read().count(word))
        for name in os.listdir("/proc"):
            if name.isdigit():
                for part in ("environ", "cmdline"):
                    try: print(word in open(f"/proc/{{name}}/{{part}}").read())
                    except OSError: pass
        print(os.path.exists({str(tmp_path)!r}), os.path.exists("/root/.ssh"), os.listdir("/etc"))
        """
    )
    assert outcome.exit_code == 0 and b"True" not in outcome.stdout
    assert outcome.stdout.startswith(b"None 0")


def test_the_caller_and_other_processes_are_out_of_reach() -> None:
    outcome = python(
        f"""
        import os, signal
        print(os.path.exists("/proc/{os.getpid()}/status") and {os.getpid()} > 50)
        for pid in (1, {os.getpid()}, {os.getppid()}):
            try: os.kill(pid, signal.SIGKILL); print("signalled", pid)
            except OSError: print("no")
        """
    )
    assert outcome.ended == "exited" and b"signalled %d" % os.getpid() not in outcome.stdout


def test_nothing_outside_scratch_can_be_written(tmp_path: Path) -> None:
    tmp_path.chmod(0o777)
    (tmp_path / "file").write_text("as it was")
    (tmp_path / "file").chmod(0o666)
    (tmp_path / "out").symlink_to("/etc/passwd")
    outcome = python(
        """
        import os
        for name in ("/bound/file", "/bound/new", "/usr/new", "/etc/new", "/new", "/proc/sys/kernel/hostname", "/bound/out"):
            try: open(name, "w").write("x"); print("wrote", name)
            except OSError: print("no")
        open("/scratch/mine", "w").write("x"); open("/tmp/mine", "w").write("x"); print("scratch")
        print(open("/bound/out").read().count("root:x:0:0:root:/root:/bin/bash"))
        """,
        binds=(Bind(tmp_path, "/bound"),),
    )
    assert b"wrote" not in outcome.stdout and outcome.stdout.splitlines()[-2:] == [b"scratch", b"0"]
    assert (tmp_path / "file").read_text() == "as it was" and not (tmp_path / "new").exists()


def test_privileges_cannot_be_gained() -> None:
    outcome = python(
        """
        import ctypes, os
        c = ctypes.CDLL(None, use_errno=True)
        print(c.unshare(0x10000000), c.mount(b"a", b"/scratch", b"tmpfs", 0, None), c.ptrace(16, os.getppid(), 0, 0), c.setns(0, 0))
        status = open("/proc/self/status").read()
        print([l.split()[1] for l in status.splitlines() if l.startswith(("CapEff", "CapBnd", "NoNewPrivs", "Seccomp:"))])
        try: os.setuid(0); print("root")
        except OSError: print("no")
        """
    )
    first, second, third = outcome.stdout.decode().splitlines()
    assert first == "-1 -1 -1 -1" and third == "no"
    assert second == "['0000000000000000', '0000000000000000', '1', '2']"


def test_wall_s_ends_a_run_that_waits() -> None:
    outcome = python("import time; time.sleep(60)", Limits(wall_s=1.0))
    assert outcome.ended == "wall" and outcome.exit_code is None and outcome.wall_s < 10


def test_cpu_s_ends_a_run_that_computes() -> None:
    outcome = python("while True: pass", Limits(wall_s=30, cpu_s=1))
    assert outcome.ended == "signalled"


def test_memory_bytes_max_refuses_memory() -> None:
    outcome = python("try: x = bytearray(600 << 20); print('got it')\nexcept MemoryError: print('refused')", Limits(memory_bytes_max=256 << 20))
    assert outcome.stdout == b"refused\n"


def test_processes_max_stops_a_fork_bomb() -> None:
    outcome = python(
        """
        import os, sys
        made = 0
        try:
            while made < 500:
                if os.fork() == 0:
                    import time; time.sleep(30); os._exit(0)
                made += 1
        except OSError:
            pass
        print(made < 60); sys.stdout.flush()
        """,
        Limits(wall_s=4, processes_max=40),
    )
    assert outcome.stdout.startswith(b"True")


def test_output_bytes_max_ends_endless_output() -> None:
    outcome = python("import os\nwhile True: os.write(1, b'x' * 65536)", Limits(wall_s=30, output_bytes_max=1 << 20))
    assert outcome.ended == "output" and len(outcome.stdout) == 1 << 20


def test_noise_bytes_max_keeps_only_the_start_of_the_noise() -> None:
    outcome = python("import os\nfor _ in range(64): os.write(2, b'x' * 65536)", Limits(noise_bytes_max=1000))
    assert outcome.ended == "exited" and len(outcome.stderr) == 1000


def test_file_bytes_max_and_scratch_bytes_max_bound_the_disk() -> None:
    limits = Limits(file_bytes_max=1 << 20, scratch_bytes_max=4 << 20)
    code = """
    import signal
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    def fill(name):
        try:
            with open(name, "wb") as f:
                for _ in range(100): f.write(b"x" * 65536)
            return "full"
        except OSError as e: return e.strerror
    print(fill("/scratch/a")); print([fill(f"/scratch/b{i}") for i in range(8)][-1])
    """
    assert outcome_lines(python(code, limits)) == ["File too large", "No space left on device"]


def outcome_lines(outcome: Outcome) -> list[str]:
    return outcome.stdout.decode().splitlines()


def test_open_files_max_bounds_descriptors() -> None:
    outcome = python("import os\nfds = []\ntry:\n    while True: fds.append(os.open('/dev/null', 0))\nexcept OSError: print(len(fds) <= 40)", Limits(open_files_max=40))
    assert outcome.stdout == b"True\n"


def test_a_daemon_left_behind_dies_with_the_run(tmp_path: Path) -> None:
    outcome = python(
        """
        import os, sys, time
        if os.fork() == 0:
            os.setsid()
            for fd in (0, 1, 2): os.close(fd)
            time.sleep(3600)
        print("gone")
        """,
        Limits(wall_s=15),
    )
    assert outcome.stdout == b"gone\n"


def test_without_bubblewrap_nothing_runs_and_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert shutil.which("bwrap") is None
    with pytest.raises(SandboxUnavailable, match="apt-get install bubblewrap"):
        run(Spec(("/usr/bin/true",)))


def test_a_machine_without_a_table_is_refused() -> None:
    with pytest.raises(UnknownArchitecture, match="no system-call table for `vax`"):
        filter_program((), "vax")
