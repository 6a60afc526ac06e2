"""Files within named roots: list, read, write, move, delete; nothing outside a root is reached, by any spelling or link.

Each path is walked from its root one component at a time through open directories, refusing links, so that swapping a
directory for a link between a check and its use gains nothing. `documents/tax/2025.txt` is `tax/2025.txt` in root `documents`.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, ClassVar

from .base import Connector, derive, flag, line, text
from .errors import BadAnswer, InvalidArgument, OutcomeUnknown, Refused, Unavailable

DEPTH_MAX = 20  # components of a path
NAME_BYTES_MAX = 255
ENTRIES_MAX = 1_000  # of one folder


@dataclass(frozen=True, slots=True)
class FilesConfig:
    """Roots by the names that plans use, and folders that are closed wherever a root reaches them."""

    roots: Mapping[str, Path]
    file_bytes_max: int = 1_000_000
    closed: tuple[Path, ...] = ()  # the agent's own: a plan that wrote there would change norms (G2.7)


def nested(roots: Mapping[str, Path | str]) -> tuple[str, str] | None:
    """Two names of which the first lies in the second, or is the same folder, by any spelling or link (G2.6)."""
    real = {name: Path(os.path.realpath(Path(path).expanduser())) for name, path in roots.items()}
    kept = {name: _identity(path) for name, path in real.items()}
    for name, path in real.items():
        above = {_identity(one) for one in (path, *path.parents)}
        found = next((other for other, id_ in kept.items() if other != name and id_ in above), None)
        if found is not None:
            return name, found
    return None


def _identity(path: Path) -> object:
    try:
        told = path.stat()
    except OSError:
        return path  # it may come to be
    return told.st_dev, told.st_ino


class Files(Connector):
    """Named roots of the local file system as a connector."""

    name: ClassVar[str] = "files"
    parameters: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "list": ("folder",),
        "read": ("path",),
        "write": ("path", "text", "replace"),
        "move": ("path", "to"),
        "delete": ("path",),
    }

    def __init__(self, config: FilesConfig) -> None:
        for name in config.roots:
            if not name or "/" in name or name in (".", ".."):
                raise InvalidArgument("roots", "have plain names")
        inside = nested(config.roots)
        if inside is not None:
            raise InvalidArgument("roots", f"`{inside[0]}` lies in `{inside[1]}`: what lies in one folder would be read as what another one holds")
        self.config = config

    def _prepare_list(self, args: Mapping[str, Any], nonce: str, now: datetime) -> dict[str, Any]:
        return {"folder": self._parts(args, "folder", 1)}

    def _perform_list(self, request: dict[str, Any]) -> list[dict[str, Any]]:
        """Plain files and folders by name; links and devices are left out."""
        found = []
        with self._folder(request["folder"]) as folder:
            for count, name in enumerate(sorted(os.listdir(folder))):
                if count >= ENTRIES_MAX:
                    raise BadAnswer("too_large", f"folder has over {ENTRIES_MAX} entries")
                told = os.stat(name, dir_fd=folder, follow_symlinks=False)
                if (stat.S_ISREG(told.st_mode) or stat.S_ISDIR(told.st_mode)) and _speakable(name):
                    found.append({
                        "path": "/".join([*request["folder"], name]), "name": name, "is_folder": stat.S_ISDIR(told.st_mode),
                        "size": told.st_size, "modified": datetime.fromtimestamp(int(told.st_mtime), timezone.utc),
                    })
        return found

    def _prepare_read(self, args: Mapping[str, Any], nonce: str, now: datetime) -> dict[str, Any]:
        return {"path": self._parts(args, "path", 2)}

    def _perform_read(self, request: dict[str, Any]) -> str:
        try:
            return self._bytes(request["path"]).decode("utf-8")
        except UnicodeDecodeError as error:
            raise BadAnswer("not_text", "file is not UTF-8 text") from error

    def bytes_of(self, path: str, argument: str) -> tuple[str, bytes]:
        """Name and contents of a file, for a request of another connector that carries it."""
        parts = self._parts({argument: path}, argument, 2)
        return parts[-1], self._bytes(parts)

    def _bytes(self, path: list[str]) -> bytes:
        *folder, name = path
        with self._folder(folder) as parent, _told():
            handle = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=parent)
            with os.fdopen(handle, "rb") as file:
                if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                    raise Refused("not_a_file", "path is not a plain file")
                raw = file.read(self.config.file_bytes_max + 1)
        if len(raw) > self.config.file_bytes_max:
            raise BadAnswer("too_large", f"file is over {self.config.file_bytes_max} bytes")
        return raw

    def _prepare_write(self, args: Mapping[str, Any], nonce: str, now: datetime) -> dict[str, Any]:
        body = text(args, "text", chars_max=self.config.file_bytes_max)
        if len(body.encode()) > self.config.file_bytes_max:
            raise InvalidArgument("text", f"is over {self.config.file_bytes_max} bytes")
        return {"path": self._parts(args, "path", 2), "text": body, "replace": flag(args, "replace", False), "draft": f".{derive(nonce, 'draft')}"}

    def _perform_write(self, request: dict[str, Any]) -> dict[str, Any]:
        return self.keep(request, request["text"].encode())

    def kept_at(self, args: Mapping[str, Any], nonce: str) -> dict[str, Any]:
        """What `keep` needs to know of a new file at `path`."""
        return {"path": self._parts(args, "path", 2), "replace": False, "draft": f".{derive(nonce, 'draft')}"}

    def keep(self, request: Mapping[str, Any], data: bytes) -> dict[str, Any]:
        """The whole file appears at once or not at all."""
        *folder, name = request["path"]
        draft = request["draft"]
        with self._folder(folder) as parent, _told(writing=True):
            handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600, dir_fd=parent)
            try:
                with os.fdopen(handle, "wb") as file:
                    file.write(data)
                    file.flush()
                    os.fsync(file.fileno())
                if request["replace"]:
                    _must_be_plain(name, parent)
                    os.replace(draft, name, src_dir_fd=parent, dst_dir_fd=parent)
                else:
                    os.link(draft, name, src_dir_fd=parent, dst_dir_fd=parent, follow_symlinks=False)  # fails if the name exists
            finally:
                _remove_if_there(draft, parent)
            os.fsync(parent)
        return {"path": "/".join(request["path"])}

    def _prepare_move(self, args: Mapping[str, Any], nonce: str, now: datetime) -> dict[str, Any]:
        return {"path": self._parts(args, "path", 2), "to": self._parts(args, "to", 2)}

    def _perform_move(self, request: dict[str, Any]) -> dict[str, Any]:
        """A plain file to a name that is not taken."""
        *folder, name = request["path"]
        *to_folder, to_name = request["to"]
        with self._folder(folder) as parent, self._folder(to_folder) as target, _told(writing=True):
            _must_be_plain(name, parent, missing_ok=False)
            os.link(name, to_name, src_dir_fd=parent, dst_dir_fd=target, follow_symlinks=False)
            os.unlink(name, dir_fd=parent)
        return {"path": "/".join(request["to"])}

    def _prepare_delete(self, args: Mapping[str, Any], nonce: str, now: datetime) -> dict[str, Any]:
        return {"path": self._parts(args, "path", 2)}

    def _perform_delete(self, request: dict[str, Any]) -> dict[str, Any]:
        *folder, name = request["path"]
        with self._folder(folder) as parent, _told(writing=True):
            _must_be_plain(name, parent, missing_ok=False)
            os.unlink(name, dir_fd=parent)
        return {"deleted": True}

    def _parts(self, args: Mapping[str, Any], name: str, least: int) -> list[str]:
        """A path as its components, the first a root's name; whatever is not plainly inside is refused before any look."""
        parts = [part for part in line(args, name, chars_max=4_000).split("/") if part]
        if not least <= len(parts) <= DEPTH_MAX:
            raise InvalidArgument(name, f"must have {least} to {DEPTH_MAX} components, the first a root's name")
        if parts[0] not in self.config.roots:
            raise InvalidArgument(name, "does not begin with the name of a root")
        if any(part in (".", "..") or len(part.encode()) > NAME_BYTES_MAX for part in parts):
            raise InvalidArgument(name, "holds `.`, `..` or a component that is too long")
        return parts

    @contextmanager
    def _folder(self, parts: list[str]) -> Iterator[int]:
        """An open directory, reached component by component without following a link."""
        with _told():
            handle = os.open(self.config.roots[parts[0]], os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            try:
                self._must_be_open(handle)
                for part in parts[1:]:
                    below = os.open(part, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=handle)
                    os.close(handle)
                    handle = below
                    self._must_be_open(handle)
            except BaseException:
                os.close(handle)
                raise
        try:
            yield handle
        finally:
            os.close(handle)

    def _must_be_open(self, handle: int) -> None:
        """Refuses a closed folder, by whatever path or mount it was reached."""
        reached = os.fstat(handle)
        for path in self.config.closed:
            try:
                own = os.stat(path)
            except OSError:
                continue  # not made yet, so not reached either
            if (own.st_dev, own.st_ino) == (reached.st_dev, reached.st_ino):
                raise Refused("closed", "folder is the agent's own")


_REFUSALS = {
    errno.ENOENT: ("gone", "path does not exist"),
    errno.EEXIST: ("exists", "name is taken; nothing was written"),
    errno.ELOOP: ("link", "path goes through a link"),
    errno.ENOTDIR: ("not_a_folder", "path goes through something that is no folder, or a link"),
    errno.EISDIR: ("not_a_file", "path is a folder"),
    errno.EACCES: ("permission", "path may not be used"),
    errno.EPERM: ("permission", "path may not be used"),
    errno.EXDEV: ("other_disk", "target lies on another disk; nothing was moved"),
    errno.ENOSPC: ("full", "disk is full; nothing was written"),
    errno.EROFS: ("permission", "disk cannot be written"),
    errno.ENXIO: ("not_a_file", "path is not a plain file"),
}


@contextmanager
def _told(writing: bool = False) -> Iterator[None]:
    """The operating system's errors as ours; they name neither path nor contents."""
    try:
        yield
    except OSError as error:
        code, message = _REFUSALS.get(error.errno or 0, ("", ""))
        if code:
            raise Refused(code, message) from error
        if writing:
            raise OutcomeUnknown("disk did not confirm the change") from error
        raise Unavailable("no_answer", "disk cannot be read") from error


def _must_be_plain(name: str, parent: int, missing_ok: bool = True) -> None:
    try:
        told = os.stat(name, dir_fd=parent, follow_symlinks=False)
    except FileNotFoundError:
        if missing_ok:
            return
        raise
    if not stat.S_ISREG(told.st_mode):
        raise Refused("not_a_file", "path is not a plain file")


def _remove_if_there(name: str, parent: int) -> None:
    try:
        os.unlink(name, dir_fd=parent)
    except FileNotFoundError:
        pass


def _speakable(name: str) -> bool:
    """Names that a path argument could say: no control characters and no broken encoding."""
    return name.isprintable() and not any("\ud800" <= c <= "\udfff" for c in name)
