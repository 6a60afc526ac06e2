"""Compares pinned requirements with an OSV snapshot: a directory or zip of advisory JSON files that the user keeps."""

from __future__ import annotations

import json
import re
import tomllib
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from discreet.analyst.finding import Suspicion
from discreet.analyst.project import Staged

ADVISORY_BYTES_MAX = 4 << 20
ADVISORIES_MAX = 200_000
_PIN = re.compile(r"^\s*([A-Za-z0-9][\w.-]*)(?:\[[^\]]*\])?\s*==\s*([0-9][\w.!+-]*)")


def vulnerable(staged: Staged, snapshot: Path) -> list[Suspicion]:
    """Pinned packages whose version an advisory names, as suspicions at the line of the pin."""
    pins = list(pinned(staged))
    wanted = {name for name, *_ in pins}
    found = []
    for advisory in advisories(snapshot):
        for affected in advisory.get("affected") or []:
            package = affected.get("package") or {}
            name = canonical(str(package.get("name", "")))
            if package.get("ecosystem") != "PyPI" or name not in wanted:
                continue
            for pin, version, file, line in pins:
                if pin == name and hits(version, affected):
                    found.append(Suspicion("CWE-1395", file, line, "", f"{pin} {version}: {advisory.get('id', '?')} {str(advisory.get('summary', ''))[:160]}", "osv", 0.6))
    return found


def pinned(staged: Staged) -> Iterator[tuple[str, str, str, int]]:
    """(name, version, file, line) of every exact pin in requirement files and lock files."""
    for name in staged.files:
        base = Path(name).name.lower()
        if re.fullmatch(r"(requirements|constraints)[\w.-]*\.(txt|lock|in)", base):
            for number, line in enumerate((staged.root / name).read_text("utf-8", "replace").splitlines(), 1):
                match = _PIN.match(line)
                if match:
                    yield canonical(match.group(1)), match.group(2), name, number
        elif base in ("poetry.lock", "uv.lock"):
            try:
                data = tomllib.loads((staged.root / name).read_text("utf-8", "replace"))
            except tomllib.TOMLDecodeError:
                continue
            for package in data.get("package", []):
                if isinstance(package, dict) and "name" in package and "version" in package:
                    yield canonical(str(package["name"])), str(package["version"]), name, 1


def canonical(name: str) -> str:
    """A package name as the index compares it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def advisories(snapshot: Path) -> Iterator[dict[str, Any]]:
    """The advisories of a snapshot; what is not one is skipped."""
    if snapshot.is_dir():
        texts: Iterator[bytes] = (p.read_bytes() for p in sorted(snapshot.rglob("*.json"))[:ADVISORIES_MAX] if p.stat().st_size <= ADVISORY_BYTES_MAX)
    else:
        texts = _members(snapshot)
    for text in texts:
        try:
            data = json.loads(text)
        except ValueError:
            continue
        if isinstance(data, dict) and not data.get("withdrawn"):
            yield data


def _members(snapshot: Path) -> Iterator[bytes]:
    with zipfile.ZipFile(snapshot) as archive:
        for info in archive.infolist()[:ADVISORIES_MAX]:
            if info.filename.endswith(".json") and info.file_size <= ADVISORY_BYTES_MAX:
                yield archive.read(info)


def hits(version: str, affected: dict[str, Any]) -> bool:
    """Whether a version is listed, or lies in a range of introduced and fixed versions."""
    from packaging.version import InvalidVersion, Version

    if version in (affected.get("versions") or []):
        return True
    try:
        mine = Version(version)
        for item in affected.get("ranges") or []:
            if item.get("type") != "ECOSYSTEM":
                continue
            inside = False
            for event in item.get("events") or []:
                if "introduced" in event and mine >= Version("0" if event["introduced"] == "0" else event["introduced"]):
                    inside = True
                if "fixed" in event and mine >= Version(event["fixed"]):
                    inside = False
                if "last_affected" in event and mine > Version(event["last_affected"]):
                    inside = False
            if inside:
                return True
    except (InvalidVersion, TypeError):
        return False
    return False
