"""Where the local models' weights are: found, fetched once in checked parts, and never faked.

Only bytes whose sha256 is pinned in `weights.toml` are used, unless the user names a file of their own and says so. Wheels are
read as zip files; nothing of them is installed, imported or run.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import tomllib
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from discreet.kernel.errors import DiscreetError

PLANNER_DEFAULT = "qwen15"
PLANNER_SMALL = "qwen05"
EMBEDDING = "minilm"
SPANS = "rampart"

PATH_VARIABLE = "DISCREET_WEIGHTS"
UNPINNED_VARIABLE = "DISCREET_WEIGHTS_UNPINNED"

part_timeout_s = 900
part_attempts_max = 3
progress_interval_s = 0.5
_BLOCK_BYTES = 1 << 20
_HERE = Path(__file__).parent


class WeightsError(DiscreetError):
    """The weights cannot be used; the text says what to do."""


class WeightsAbsent(WeightsError):
    """The weights are not on this machine."""


class WeightsWrong(WeightsError):
    """A file is there, but it is not the pinned one."""


@dataclass(frozen=True, slots=True)
class Part:
    wheel: str  # an exact requirement, `name==version`
    member: str  # the data file inside the wheel
    size_bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class WeightFile:
    name: str
    published_as: str
    size_bytes: int
    sha256: str
    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class Pack:
    id: str
    role: str
    title: str
    publisher: str
    licence: str
    attribution: str
    memory_mb: int
    files: tuple[WeightFile, ...]

    @property
    def size_bytes(self) -> int:
        return sum(file.size_bytes for file in self.files)


@dataclass(frozen=True, slots=True)
class Weights:
    """Files that were checked: `paths` by their name; `pinned` is False only for a file of the user's own choosing."""

    pack: Pack
    paths: dict[str, Path]
    pinned: bool
    sha256: str  # of the first file: names the model in caches and in the ledger

    @property
    def main(self) -> Path:
        return self.paths[self.pack.files[0].name]


@dataclass(frozen=True, slots=True)
class Progress:
    pack: str
    done_bytes: int
    total_bytes: int
    note: str


Report = Callable[[Progress], None]


@cache
def packs() -> dict[str, Pack]:
    """Every pinned pack by its id."""
    table = tomllib.loads((_HERE / "weights.toml").read_text(encoding="utf-8"))
    return {name: _pack(name, entry) for name, entry in table.items()}


def find(pack_id: str, path: str | os.PathLike[str] | None = None) -> Weights:
    """The checked weights of a pack from `path`, else $DISCREET_WEIGHTS, else the cache; `WeightsAbsent` says what to do."""
    pack = _known(pack_id)
    for place in (path, os.environ.get(PATH_VARIABLE)):
        if place:
            found = _from_path(pack, Path(place).expanduser())
            if found is not None:
                return found
            if place is path:
                raise WeightsAbsent(f"`{path}` holds no weights of {pack.title}; expected `{pack.files[0].name}`")
    found = _from_folder(pack, cache_folder() / pack.id)
    if found is not None:
        return found
    raise WeightsAbsent(how_to_get(pack))


def fetch(pack_id: str, report: Report | None = None) -> Weights:
    """Bring a pack's files into the cache from registry wheels: resumable, each part and each whole file hash-checked."""
    pack = _known(pack_id)
    folder = cache_folder() / pack.id
    folder.mkdir(parents=True, exist_ok=True)
    with _one_at_a_time(folder), tempfile.TemporaryDirectory(dir=folder, prefix="wheels-") as scratch:
        done_bytes = 0
        for file in pack.files:
            if not _is_verified(folder / file.name, file):
                _join_parts(pack, file, folder, Path(scratch), done_bytes, report or _silent)
            done_bytes += file.size_bytes
        _write_licence(pack, folder)
    return find(pack_id, folder)


def cache_folder() -> Path:
    """The folder of the user's cache that holds weights."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "discreet" / "weights"


def how_to_get(pack: Pack) -> str:
    """What a user without these weights is told."""
    size_mb = pack.size_bytes / 1e6
    command = {PLANNER_DEFAULT: "discreet weights 1.5B", PLANNER_SMALL: "discreet weights 0.5B"}.get(pack.id, f"python -m discreet.models.fetch {pack.id}")
    return (
        f"the weights of {pack.title} are not on this machine ({size_mb:,.0f} MB): `{command}` fetches and checks them, "
        f"or set {PATH_VARIABLE} to a folder that holds the publisher's file {pack.files[0].published_as}"
    )


def _known(pack_id: str) -> Pack:
    if pack_id not in packs():
        raise WeightsError(f"unknown weights `{pack_id}`; known are {', '.join(packs())}")
    return packs()[pack_id]


def _pack(name: str, entry: dict) -> Pack:
    files = tuple(
        WeightFile(file["name"], file["published_as"], file["size_bytes"], file["sha256"], tuple(Part(**part) for part in file["parts"]))
        for file in entry["files"]
    )
    rest = {key: value for key, value in entry.items() if key != "files"}
    return Pack(id=name, files=files, **rest)


def _from_path(pack: Pack, path: Path) -> Weights | None:
    if path.is_dir():
        return _from_folder(pack, path) or _from_folder(pack, path / pack.id)
    if not path.is_file() or len(pack.files) != 1:
        return None
    file = pack.files[0]
    if path.stat().st_size == file.size_bytes and _is_verified(path, file):
        return Weights(pack, {file.name: path}, True, file.sha256)
    if os.environ.get(UNPINNED_VARIABLE) == "1":
        return Weights(pack, {file.name: path}, False, _stamped_hash(path))
    raise WeightsWrong(
        f"`{path}` is not {pack.title} (its sha256 differs from the pinned {file.sha256[:12]}…); to use it all the same set {UNPINNED_VARIABLE}=1"
    )


def _from_folder(pack: Pack, folder: Path) -> Weights | None:
    paths = {file.name: folder / file.name for file in pack.files}
    if not all(path.is_file() for path in paths.values()):
        return None
    for file in pack.files:
        if not _is_verified(paths[file.name], file):
            raise WeightsWrong(f"`{paths[file.name]}` differs from the pinned file of {pack.title}; delete it and fetch it again")
    return Weights(pack, paths, True, pack.files[0].sha256)


def _is_verified(path: Path, file: WeightFile) -> bool:
    return path.is_file() and path.stat().st_size == file.size_bytes and _stamped_hash(path) == file.sha256


def _stamped_hash(path: Path) -> str:
    """The file's sha256, computed once for each (size, time of change, inode): a gigabyte need not be read at every start."""
    stat = path.stat()
    key = f"{path.resolve()}|{stat.st_size}|{stat.st_mtime_ns}|{stat.st_ino}"
    ledger = cache_folder() / "verified.json"
    known = _read_json(ledger)
    if key not in known:
        known[key] = _sha256(path)
        ledger.parent.mkdir(parents=True, exist_ok=True)
        _replace(ledger, json.dumps(known, indent=1).encode())
    return known[key]


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _join_parts(pack: Pack, file: WeightFile, folder: Path, scratch: Path, before_bytes: int, report: Report) -> None:
    partial = folder / (file.name + ".partial")
    first = _whole_parts(partial, file)
    written = sum(part.size_bytes for part in file.parts[:first])
    with partial.open("r+b" if partial.exists() else "w+b") as out:
        out.truncate(written)  # a part cut short by a crash is fetched again
        out.seek(written)
        for number, part in enumerate(file.parts[first:], first + 1):
            note = f"part {number} of {len(file.parts)}"

            def tell(part_bytes: int, written: int = written, note: str = note, part: Part = part) -> None:
                report(Progress(pack.id, before_bytes + written + min(part_bytes, part.size_bytes), pack.size_bytes, note))

            out.write(_part_bytes(part, scratch, tell))
            out.flush()
            written += part.size_bytes
            tell(0, written)
    if _sha256(partial) != file.sha256:
        partial.unlink()
        raise WeightsWrong(f"the joined `{file.name}` has another sha256 than the pinned one; it was thrown away")
    os.replace(partial, folder / file.name)


def _whole_parts(partial: Path, file: WeightFile) -> int:
    """How many leading parts of an interrupted fetch are on disk and right."""
    if not partial.exists():
        return 0
    with partial.open("rb") as stream:
        for number, part in enumerate(file.parts):
            if hashlib.sha256(stream.read(part.size_bytes)).hexdigest() != part.sha256:
                return number
    return len(file.parts)


def _part_bytes(part: Part, scratch: Path, tell: Callable[[int], None]) -> bytes:
    """The pinned bytes of one data member, its wheel downloaded if it is not in `scratch` yet."""
    problem = ""
    for _ in range(part_attempts_max):
        try:
            wheel = _wheel(part.wheel, scratch, tell)
            with zipfile.ZipFile(wheel) as archive:
                if archive.getinfo(part.member).file_size != part.size_bytes:  # before unpacking: a bomb says its size
                    raise WeightsWrong(f"`{part.member}` in {part.wheel} is not {part.size_bytes} bytes long")
                data = archive.read(part.member)
            if hashlib.sha256(data).hexdigest() == part.sha256:
                return data
            raise WeightsWrong(f"`{part.member}` in {part.wheel} has another sha256 than the pinned one")
        except (WeightsError, zipfile.BadZipFile, KeyError, OSError, subprocess.TimeoutExpired) as error:
            problem = str(error)
            _empty(scratch)
    raise WeightsAbsent(f"{part.wheel} could not be fetched in {part_attempts_max} attempts: {problem}")


def _wheel(requirement: str, scratch: Path, tell: Callable[[int], None]) -> Path:
    """Download one wheel with the user's own pip and its settings; `--only-binary` so that no package code can run."""
    folder = scratch / requirement
    done = list(folder.glob("*.whl"))
    if done:
        return done[0]
    _empty(scratch)
    folder.mkdir()
    command = [
        *_pip(), "download", "--quiet", "--no-deps", "--only-binary", ":all:", "--no-cache-dir",
        "--disable-pip-version-check", "--no-input", "--dest", str(folder), requirement,
    ]  # fmt: skip
    log = scratch / "pip.log"
    with log.open("wb") as out:
        child = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT, env={**os.environ, "TMPDIR": str(folder)})
        with _watched(folder, tell):
            try:
                code = child.wait(timeout=part_timeout_s)
            finally:
                if child.poll() is None:
                    child.kill()
                    child.wait()
    done = list(folder.glob("*.whl"))
    if code != 0 or len(done) != 1:
        errors = [line for line in log.read_text(errors="replace").splitlines() if line.startswith("ERROR")]
        raise WeightsAbsent(errors[-1] if errors else f"pip download ended with code {code}")
    return done[0]


def _pip() -> list[str]:
    if subprocess.run([sys.executable, "-c", "import pip"], capture_output=True).returncode == 0:
        return [sys.executable, "-m", "pip"]
    found = shutil.which("pip3") or shutil.which("pip")
    if found is None:
        raise WeightsAbsent("no pip was found to fetch the weights with; install pip, or set a path to the publisher's file")
    return [found]


@contextmanager
def _watched(folder: Path, tell: Callable[[int], None]) -> Iterator[None]:
    """Report the bytes that have arrived in `folder` until the block ends."""
    stop = threading.Event()

    def watch() -> None:
        while not stop.wait(progress_interval_s):
            tell(_arrived_bytes(folder))

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def _arrived_bytes(folder: Path) -> int:
    try:
        return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    except OSError:  # pip renames its temporary files while we look
        return 0


@contextmanager
def _one_at_a_time(folder: Path) -> Iterator[None]:
    """Hold the folder's lock: two fetches at once would write into one another."""
    import fcntl

    with (folder / ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise WeightsError(f"another process is fetching into `{folder}`") from None
        yield


def _write_licence(pack: Pack, folder: Path) -> None:
    text = (_HERE / "licences" / f"{pack.licence}.txt").read_text(encoding="utf-8")
    head = f"{pack.title}\nPublished by {pack.publisher}. {pack.attribution}.\nLicence: {pack.licence}, its text follows.\n\n"
    (folder / "LICENCE.txt").write_text(head + text, encoding="utf-8")


def _replace(path: Path, data: bytes) -> None:
    with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as out:
        out.write(data)
    os.replace(out.name, path)


def _read_json(path: Path) -> dict[str, str]:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}


def _empty(scratch: Path) -> None:
    for path in scratch.iterdir():
        shutil.rmtree(path) if path.is_dir() else path.unlink()


def _silent(_: Progress) -> None:
    return None
