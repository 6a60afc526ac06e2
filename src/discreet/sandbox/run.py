"""Runs one command in a compartment with declared inputs, no network, no secrets and limits (G4.6).

The rules it keeps:
1. Nothing runs unless bubblewrap and the system-call filter are both in place; there is no weaker mode.
2. The command waits until the cut of the network has been seen from outside.
3. The command sees only the system's libraries, the binds that the spec names (read-only), and scratch memory.
4. Every limit has a name with its unit; the one that was met is the outcome's `ended`.
5. What comes out is bytes that nobody vouches for.
"""

from __future__ import annotations

import json
import os
import secrets
import selectors
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from discreet.sandbox import seccomp

INSTALL_HINT = "install it with `apt-get install bubblewrap` (Debian, Ubuntu), `dnf install bubblewrap` or `pacman -S bubblewrap`"

Ended = Literal["exited", "signalled", "wall", "output"]
Sockets = Literal["none", "unix", "loopback"]

_FAMILIES: dict[Sockets, tuple[int, ...]] = {
    "none": (),
    "unix": (seccomp.AF_UNIX,),
    # The network namespace holds nothing but its own loopback, so these families reach the sandbox alone.
    "loopback": (seccomp.AF_UNIX, seccomp.AF_INET, seccomp.AF_INET6),
}
_SYSTEM_DIRECTORIES = ("/usr", "/bin", "/sbin", "/lib", "/lib64", "/lib32", "/libx32")
_SYSTEM_FILES = ("/etc/ld.so.cache", "/etc/alternatives", "/etc/localtime", "/etc/mime.types")
_FIRST_THROWAWAY_UID = 200_000
_THROWAWAY_UIDS = 1_000_000
_READ_BYTES = 65_536
_START_TIMEOUT_S = 20.0


class SandboxUnavailable(Exception):
    """The compartment cannot be made on this machine; the message says what to install."""


@dataclass(frozen=True, slots=True)
class Bind:
    """A file or directory that the command may read, and the place where it sees it."""

    source: Path
    target: str


@dataclass(frozen=True, slots=True)
class Limits:
    """What one run may use up; meeting one ends the run or fails the call inside, never the caller."""

    wall_s: float = 30.0
    cpu_s: int = 30
    memory_bytes_max: int = 1 << 30
    processes_max: int = 64
    open_files_max: int = 512
    file_bytes_max: int = 64 << 20
    scratch_bytes_max: int = 256 << 20
    output_bytes_max: int = 16 << 20
    noise_bytes_max: int = 256 << 10


@dataclass(frozen=True, slots=True)
class Spec:
    """All that a run is told; what is not named here does not exist for it."""

    command: tuple[str, ...]
    binds: tuple[Bind, ...] = ()
    stdin: bytes = b""
    environment: tuple[tuple[str, str], ...] = ()
    directory: str = "/scratch"
    files: tuple[tuple[str, bytes], ...] = ()
    sockets: Sockets = "none"
    limits: Limits = field(default_factory=Limits)


@dataclass(frozen=True, slots=True)
class NetworkEvidence:
    """The cut of the network, as seen from outside before the command was let go."""

    namespace_outside: str
    namespace_inside: str
    interfaces: tuple[str, ...]

    @property
    def cut(self) -> bool:
        return self.namespace_inside != self.namespace_outside and set(self.interfaces) <= {"lo"}


@dataclass(frozen=True, slots=True)
class Outcome:
    """How the run ended and what it wrote; the bytes are the command's own word and prove nothing."""

    ended: Ended
    exit_code: int | None
    stdout: bytes
    stderr: bytes
    wall_s: float
    network: NetworkEvidence


def run(spec: Spec, on_output: Callable[[bytes], None] | None = None) -> Outcome:
    """Run the command in a fresh compartment and return what came of it."""
    reason = why_unavailable()
    if reason is not None:
        raise SandboxUnavailable(reason)
    with tempfile.TemporaryDirectory(prefix="discreet-sandbox-") as held:
        return _run_in(spec, Path(held), on_output)


def why_unavailable() -> str | None:
    """Why no compartment can be made here, as one sentence that says what to install, or None."""
    if shutil.which("bwrap") is None:
        return f"bubblewrap is missing and nothing is run without it; {INSTALL_HINT}"
    try:
        seccomp.filter_program(())
    except seccomp.UnknownArchitecture as error:
        return f"the system-call filter cannot be written: {error}"
    if os.geteuid() == 0 and shutil.which("setpriv") is None:
        return "`setpriv` is missing, which drops the superuser inside the compartment; install the package util-linux"
    return None


def _run_in(spec: Spec, held: Path, on_output: Callable[[bytes], None] | None) -> Outcome:
    filter_file = held / "filter"
    filter_file.write_bytes(seccomp.filter_program(_FAMILIES[spec.sockets]))
    info_read, info_write = os.pipe()
    gate_read, gate_write = os.pipe()
    filter_fd = os.open(filter_file, os.O_RDONLY)
    started = time.monotonic()
    try:
        process = subprocess.Popen(
            _arguments(spec, held, info_write, gate_read, filter_fd),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            pass_fds=(info_write, gate_read, filter_fd),
            env={},
            cwd="/",
            start_new_session=True,
        )
    finally:
        os.close(info_write)
        os.close(gate_read)
        os.close(filter_fd)
    try:
        network = _see_the_cut(process, info_read)
        if not network.cut:
            raise SandboxUnavailable(f"the network is not cut inside the compartment (interfaces {', '.join(network.interfaces)}); nothing was run")
        os.write(gate_write, b"g")
        ended, stdout, stderr = _collect(process, spec, started, on_output)
    finally:
        _end(process)
        os.close(info_read)
        os.close(gate_write)
    code = process.returncode
    if ended == "exited" and code is not None and (code < 0 or code > 128):
        ended = "signalled"
    return Outcome(ended, code if ended in ("exited", "signalled") else None, stdout, stderr, time.monotonic() - started, network)


def _arguments(spec: Spec, held: Path, info_fd: int, gate_fd: int, filter_fd: int) -> list[str]:
    root = os.geteuid() == 0
    uid = _FIRST_THROWAWAY_UID + secrets.randbelow(_THROWAWAY_UIDS)
    arguments = ["bwrap", "--unshare-pid", "--unshare-net", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup-try"]
    arguments += ["--die-with-parent", "--new-session", "--clearenv", "--hostname", "compartment", "--cap-drop", "ALL"]
    if root:
        # Dropping to a user of its own, not a mapped superuser, is what makes the process limit hold.
        arguments += ["--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID", "--cap-add", "CAP_SETPCAP"]
    else:
        arguments += ["--unshare-user", "--disable-userns"]
    for directory in _SYSTEM_DIRECTORIES:
        path = Path(directory)
        if path.is_symlink():
            arguments += ["--symlink", os.readlink(path), directory]
        elif path.exists():
            arguments += ["--ro-bind", directory, directory]
    arguments += ["--perms", "0755", "--dir", "/etc"]
    for name in _SYSTEM_FILES:
        arguments += ["--ro-bind-try", name, name]
    arguments += ["--proc", "/proc", "--dev", "/dev"]
    for place in ("/tmp", "/scratch"):
        arguments += ["--perms", "0777", "--size", str(spec.limits.scratch_bytes_max), "--tmpfs", place]
    for index, (target, content) in enumerate((("/etc/passwd", _passwd(uid)), ("/etc/hosts", b"127.0.0.1 localhost\n::1 localhost\n"), *spec.files)):
        source = held / f"file-{index}"
        source.write_bytes(content)
        source.chmod(0o644)
        arguments += ["--ro-bind", str(source), target]
    arguments += _parents(spec)
    for bind in spec.binds:
        arguments += ["--ro-bind", str(bind.source.resolve()), bind.target]
    for name, value in spec.environment:
        arguments += ["--setenv", name, value]
    arguments += ["--chdir", spec.directory, "--info-fd", str(info_fd), "--block-fd", str(gate_fd), "--seccomp", str(filter_fd), "--"]
    return arguments + _limited(spec, root, uid)


def _parents(spec: Spec) -> list[str]:
    """Make the directories above each bind open to all; bubblewrap would copy the mode of, say, /root."""
    made: list[str] = []
    for bind in spec.binds:
        for parent in reversed(Path(bind.target).parents):
            name = str(parent)
            if name not in made and name not in ("/", "/tmp", "/scratch", "/etc") and not name.startswith((*_SYSTEM_DIRECTORIES, "/proc", "/dev")):
                made.append(name)
    return [part for name in made for part in ("--perms", "0755", "--dir", name)]


def _limited(spec: Spec, root: bool, uid: int) -> list[str]:
    limits = spec.limits
    command = [
        "/usr/bin/prlimit",
        f"--cpu={limits.cpu_s}:{limits.cpu_s}",
        f"--as={limits.memory_bytes_max}",
        f"--fsize={limits.file_bytes_max}",
        f"--nofile={limits.open_files_max}",
        "--core=0",
        "--",
    ]
    drop = ["/usr/bin/setpriv", f"--reuid={uid}", f"--regid={uid}", "--clear-groups", "--inh-caps=-all", "--bounding-set=-all", "--no-new-privs", "--"]
    count = ["/usr/bin/prlimit", f"--nproc={limits.processes_max}", "--"]
    return [*(drop if root else []), *command, *count, *spec.command]


def _passwd(uid: int) -> bytes:
    return f"root:x:0:0:root:/root:/usr/sbin/nologin\nguest:x:{uid}:{uid}:guest:/scratch:/usr/sbin/nologin\n".encode()


def _see_the_cut(process: subprocess.Popen[bytes], info_fd: int) -> NetworkEvidence:
    pid = _child_pid(process, info_fd)
    inside = os.readlink(f"/proc/{pid}/ns/net")
    outside = os.readlink("/proc/self/ns/net")
    table = Path(f"/proc/{pid}/net/dev").read_text().splitlines()[2:]
    return NetworkEvidence(outside, inside, tuple(sorted(line.split(":")[0].strip() for line in table)))


def _child_pid(process: subprocess.Popen[bytes], info_fd: int) -> int:
    """The first process inside; bubblewrap writes its information in several pieces."""
    text = b""
    deadline = time.monotonic() + _START_TIMEOUT_S
    os.set_blocking(info_fd, False)
    while time.monotonic() < deadline:
        try:
            piece = os.read(info_fd, _READ_BYTES)
        except BlockingIOError:
            piece = None
        if piece:
            text += piece
            try:
                return int(json.loads(text)["child-pid"])
            except (ValueError, KeyError):
                continue
        if piece == b"" or process.poll() is not None:
            break
        time.sleep(0.002)
    _end(process)
    said = (process.stderr.read() if process.stderr else b"").decode("utf-8", "replace").strip()
    raise SandboxUnavailable(f"bubblewrap could not make the compartment: {said or 'no reason given'}; user namespaces may be switched off on this machine")


def _collect(process: subprocess.Popen[bytes], spec: Spec, started: float, on_output: Callable[[bytes], None] | None) -> tuple[Ended, bytes, bytes]:
    """Feed and drain the command until it ends or meets a limit."""
    stdout, stderr = bytearray(), bytearray()
    pending = memoryview(spec.stdin)
    deadline = started + spec.limits.wall_s
    with selectors.DefaultSelector() as selector:
        for stream in (process.stdout, process.stderr, process.stdin):
            os.set_blocking(stream.fileno(), False)
        selector.register(process.stdout, selectors.EVENT_READ)
        selector.register(process.stderr, selectors.EVENT_READ)
        if pending:
            selector.register(process.stdin, selectors.EVENT_WRITE)
        else:
            process.stdin.close()
        while selector.get_map():
            left = deadline - time.monotonic()
            if left <= 0:
                return "wall", bytes(stdout), bytes(stderr)
            for key, _ in selector.select(min(left, 0.5)):
                if key.fileobj is process.stdin:
                    pending = _feed(process, selector, pending)
                    continue
                piece = os.read(key.fd, _READ_BYTES)
                if not piece:
                    selector.unregister(key.fileobj)
                elif key.fileobj is process.stderr:
                    stderr += piece[: max(0, spec.limits.noise_bytes_max - len(stderr))]
                else:
                    stdout += piece
                    if len(stdout) > spec.limits.output_bytes_max:
                        return "output", bytes(stdout[: spec.limits.output_bytes_max]), bytes(stderr)
                    if on_output is not None:
                        on_output(piece)
            if process.poll() is not None and not _readable(selector):
                break
    try:
        process.wait(max(0.0, deadline - time.monotonic()))
    except subprocess.TimeoutExpired:
        return "wall", bytes(stdout), bytes(stderr)
    return "exited", bytes(stdout), bytes(stderr)


def _readable(selector: selectors.BaseSelector) -> bool:
    return any(events & selectors.EVENT_READ for _, events in selector.select(0))


def _feed(process: subprocess.Popen[bytes], selector: selectors.BaseSelector, pending: memoryview) -> memoryview:
    try:
        pending = pending[os.write(process.stdin.fileno(), pending[:_READ_BYTES]) :]
    except BrokenPipeError:
        pending = pending[len(pending) :]
    if not pending:
        selector.unregister(process.stdin)
        process.stdin.close()
    return pending


def _end(process: subprocess.Popen[bytes]) -> None:
    """End the compartment: its first process dies with bubblewrap, and with that one all the others."""
    if process.poll() is None:
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
    process.wait()
