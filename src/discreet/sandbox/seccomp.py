"""Writes the system-call filter of the sandbox as a classic BPF program.

The filter kills calls made through a foreign architecture, answers "operation not permitted" for calls that
reach past the process (mounts, namespaces, other processes' memory, the kernel's keyring, new kernel code),
and lets a socket be made only in the families that the caller named.
"""

from __future__ import annotations

import platform
import struct
from dataclasses import dataclass

_LOAD_WORD = 0x20
_JUMP_EQUAL = 0x15
_JUMP_GREATER_EQUAL = 0x35
_JUMP_ANY_BIT = 0x45
_RETURN = 0x06

_ALLOW = 0x7FFF0000
_KILL = 0x80000000
_ERRNO = 0x00050000
_EPERM, _ENOSYS, _EAFNOSUPPORT = 1, 38, 97

_OFFSET_NUMBER, _OFFSET_ARCH, _OFFSET_FIRST, _OFFSET_SECOND = 0, 4, 16, 24
_NEW_NAMESPACES = 0x7E020080  # every CLONE_NEW* flag
_TIOCSTI, _TIOCLINUX = 0x5412, 0x541C
_X32_BIT = 0x40000000

AF_UNIX, AF_INET, AF_INET6 = 1, 2, 10


class UnknownArchitecture(Exception):
    """The machine's system-call numbers are not in the table, so no filter can be written."""


@dataclass(frozen=True, slots=True)
class _Machine:
    audit_arch: int
    socket: int
    socketpair: int
    clone: int
    clone3: int
    ioctl: int
    denied: tuple[int, ...]


# The numbers are those of the kernel's own tables; a call that an architecture lacks is left out.
_MACHINES = {
    "x86_64": _Machine(
        audit_arch=0xC000003E,
        socket=41,
        socketpair=53,
        clone=56,
        clone3=435,
        ioctl=16,
        denied=(
            101, 310, 311, 312, 440, 438,  # ptrace, process_vm_readv/writev, kcmp, process_madvise, pidfd_getfd
            165, 166, 155, 161, 428, 429, 430, 431, 432, 433, 442,  # mount family, pivot_root, chroot, fsopen family
            272, 308,  # unshare, setns
            248, 249, 250,  # add_key, request_key, keyctl
            321, 298, 323, 425, 426, 427,  # bpf, perf_event_open, userfaultfd, io_uring
            175, 313, 176, 246, 320,  # kernel modules, kexec
            303, 304,  # name_to_handle_at, open_by_handle_at
            169, 167, 168, 163, 179, 164, 227, 159, 305, 172, 173, 135, 103, 153,  # reboot, swap, acct, quota, clocks, ports, personality, syslog
            156, 174, 177, 178, 180, 256, 279, 237, 238,  # old or memory-placement calls with no use here
        ),
    ),
    "aarch64": _Machine(
        audit_arch=0xC00000B7,
        socket=198,
        socketpair=199,
        clone=220,
        clone3=435,
        ioctl=29,
        denied=(
            117, 270, 271, 272, 440, 438,
            40, 39, 41, 51, 428, 429, 430, 431, 432, 433, 442,
            97, 268,
            217, 218, 219,
            280, 241, 282, 425, 426, 427,
            105, 273, 106, 104, 294,
            264, 265,
            142, 224, 225, 89, 60, 170, 112, 171, 266, 92, 116, 58,
            238, 239, 235, 237,
        ),
    ),
}


def filter_program(families: tuple[int, ...], machine: str | None = None) -> bytes:
    """The filter as the bytes that bubblewrap's `--seccomp` reads, sockets limited to `families`."""
    name = machine or platform.machine()
    table = _MACHINES.get(name)
    if table is None:
        raise UnknownArchitecture(f"no system-call table for `{name}`; known are {', '.join(sorted(_MACHINES))}")
    lines: list[bytes] = [
        _statement(_LOAD_WORD, _OFFSET_ARCH),
        _jump(_JUMP_EQUAL, table.audit_arch, 1, 0),
        _statement(_RETURN, _KILL),
        _statement(_LOAD_WORD, _OFFSET_NUMBER),
    ]
    if name == "x86_64":
        lines += [_jump(_JUMP_GREATER_EQUAL, _X32_BIT, 0, 1), _statement(_RETURN, _KILL)]
    for number in sorted(set(table.denied)):
        lines += [_jump(_JUMP_EQUAL, number, 0, 1), _statement(_RETURN, _ERRNO | _EPERM)]
    # glibc falls back to clone when clone3 is absent; its flags sit in memory, where a filter cannot look.
    lines += [_jump(_JUMP_EQUAL, table.clone3, 0, 1), _statement(_RETURN, _ERRNO | _ENOSYS)]
    lines += [
        _jump(_JUMP_EQUAL, table.clone, 0, 4),
        _statement(_LOAD_WORD, _OFFSET_FIRST),
        _jump(_JUMP_ANY_BIT, _NEW_NAMESPACES, 0, 1),
        _statement(_RETURN, _ERRNO | _EPERM),
        _statement(_RETURN, _ALLOW),
    ]
    lines += [
        _jump(_JUMP_EQUAL, table.ioctl, 0, 5),
        _statement(_LOAD_WORD, _OFFSET_SECOND),
        _jump(_JUMP_EQUAL, _TIOCSTI, 1, 0),
        _jump(_JUMP_EQUAL, _TIOCLINUX, 0, 1),
        _statement(_RETURN, _ERRNO | _EPERM),
        _statement(_RETURN, _ALLOW),
    ]
    for number in (table.socket, table.socketpair):
        body = [_statement(_LOAD_WORD, _OFFSET_FIRST)]
        for family in families:
            body += [_jump(_JUMP_EQUAL, family, 0, 1), _statement(_RETURN, _ALLOW)]
        body.append(_statement(_RETURN, _ERRNO | _EAFNOSUPPORT))
        lines += [_jump(_JUMP_EQUAL, number, 0, len(body)), *body]
    lines.append(_statement(_RETURN, _ALLOW))
    return b"".join(lines)


def _statement(code: int, value: int) -> bytes:
    return struct.pack("=HBBI", code, 0, 0, value)


def _jump(code: int, value: int, if_true: int, if_false: int) -> bytes:
    return struct.pack("=HBBI", code, if_true, if_false, value)
