"""A local model in a process of its own: started, spoken to over a private socket, and ended by its own process id.

Planner and reader never share a process (G4.1, G4.2). A planner's process lives for one conversation; a reader's for one call:
the weights are mapped from disk, so a new process costs under a second. Nothing listens on the network.
"""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import json
import os
import resource
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from discreet.kernel.errors import invariant
from discreet.models.grammar import schema_grammar
from discreet.models.provider import Grammar, Limits, Message, ModelFault, Reply, Schema, Shape
from discreet.models.weights import Weights, cache_folder

Lifetime = Literal["call", "conversation"]

threads_default = 1  # two threads on a shared two-core machine halved the speed
context_tokens_planner = 6144
context_tokens_reader = 8192
start_timeout_s = 60
stop_timeout_s = 3
prefix_timeout_s = 900  # digesting the fixed text once, on a slow or busy machine
prefix_files_max = 10  # one for each kind of request and what they share, of two models; up to 110 MB each
_SOCKET_PATH_BYTES_MAX = 100  # the operating system's limit is 108
_SPECIAL = ("<|", "< |")  # text must not be able to write the chat's own control tokens


@dataclass(slots=True)
class LocalModel:
    """A provider over one weights file; `close()` ends its process and the next call starts a fresh one."""

    weights: Weights
    lifetime: Lifetime = "conversation"
    context_tokens: int = context_tokens_planner
    threads: int = threads_default
    _child: _Child | None = field(default=None, repr=False)
    _one_call: threading.Lock = field(default_factory=threading.Lock, repr=False)  # two calls in one process would meet there

    @property
    def id(self) -> str:
        return f"local:{self.weights.pack.id}@{self.weights.sha256[:12]}"

    @property
    def hosted(self) -> bool:
        return False

    @property
    def fresh(self) -> bool:
        return True

    @property
    def continues(self) -> bool:
        """Whether it can be held to a grammar line by line: it goes on after an open message."""
        return True

    def complete(self, messages: Sequence[Message], shape: Shape = None, limits: Limits = Limits()) -> Reply | ModelFault:
        with self._one_call:
            return self._bounded(messages, shape, limits)

    def _bounded(self, messages: Sequence[Message], shape: Shape, limits: Limits) -> Reply | ModelFault:
        try:
            return self._complete(messages, shape, limits)
        except TimeoutError:
            self.close()  # it may still be computing: a process that missed its limit is not used again
            return ModelFault("timeout", f"`{self.id}` took more than {limits.timeout_s:g} s")
        except (OSError, http.client.HTTPException):
            self.close()
            return ModelFault("crashed", f"the process of `{self.id}` ended during the call")
        finally:
            if self.lifetime == "call":
                self.close()

    def close(self) -> None:
        child, self._child = self._child, None
        if child is not None:
            child.stop()

    @property
    def pid(self) -> int | None:
        return self._child.process.pid if self._child else None

    def __enter__(self) -> LocalModel:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _complete(self, messages: Sequence[Message], shape: Shape, limits: Limits) -> Reply | ModelFault:
        if self._child is None:
            started = _start(self)
            if isinstance(started, ModelFault):
                return started
            self._child = started
        prefixes, prompt = _chat(messages)
        if prefixes and prefixes[-1] != self._child.prefix:
            _digest_prefix(self._child, prefixes, self.weights)
        started_s = time.monotonic()
        status, answer = self._child.post("/completion", _body(prompt, shape, limits), limits.timeout_s)
        if status != 200:
            kind = "too_long" if answer.get("error", {}).get("type") == "exceed_context_size_error" else "refused"
            return ModelFault(kind, f"`{self.id}` did not take the call (status {status}, context of {self.context_tokens} tokens)")
        timings = answer.get("timings", {})
        return Reply(
            text=answer["content"],
            tokens_in=timings.get("prompt_n", 0),
            tokens_out=timings.get("predicted_n", 0),
            seconds=time.monotonic() - started_s,
            cut=answer.get("stop_type") == "limit",
        )


@dataclass(slots=True)
class _Child:
    process: subprocess.Popen[bytes]
    folder: Path
    socket_path: str
    prefix: str = ""

    def post(self, path: str, body: dict[str, Any], timeout_s: float) -> tuple[int, dict[str, Any]]:
        """One request; the answer comes in one piece at the end, so the socket's timeout bounds the whole call."""
        connection = _UnixConnection(self.socket_path, timeout_s)
        try:
            connection.request("POST", path, json.dumps(body).encode(), {"Content-Type": "application/json"})
            response = connection.getresponse()
            return response.status, json.loads(response.read() or b"{}")
        finally:
            connection.close()

    def stop(self) -> None:
        with contextlib.suppress(OSError):
            self.process.stdin.close()  # the child ends when its input does
        try:
            self.process.wait(timeout=stop_timeout_s)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()
        shutil.rmtree(self.folder, ignore_errors=True)


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: str, timeout_s: float) -> None:
        super().__init__("localhost", timeout=timeout_s)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


def _start(model: LocalModel) -> _Child | ModelFault:
    """Start the process and wait until it has loaded its weights."""
    folder = Path(tempfile.mkdtemp(prefix="discreet-"))  # mode 0700: the socket is nobody else's
    socket_path = str(folder / "m.sock")
    invariant(len(os.fsencode(socket_path)) <= _SOCKET_PATH_BYTES_MAX, "a temporary folder with a path short enough for a socket")
    prefixes = _prefix_folder()
    prefixes.mkdir(parents=True, exist_ok=True, mode=0o700)
    settings = {
        "weights": str(model.weights.main), "socket": socket_path, "prefixes": str(prefixes) + "/",
        "threads": model.threads, "context_tokens": model.context_tokens,
    }  # fmt: skip
    process = subprocess.Popen(
        [sys.executable, "-I", "-m", "discreet.models.local_child"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={"PATH": os.defpath, "TMPDIR": str(folder)},  # no key or token of the user's environment reaches a model's process
        cwd=folder,
        start_new_session=True,  # Ctrl-C ends us; our end ends it
        preexec_fn=_no_core_file,
    )
    child = _Child(process, folder, socket_path)
    try:
        process.stdin.write(json.dumps(settings).encode() + b"\n")
        process.stdin.flush()
        said = _line(process, start_timeout_s)
    except OSError:
        said = ""
    if said != "ready":
        child.stop()
        if said == "missing":
            return ModelFault("unavailable", "the local runtime is not installed: pip install 'discreet[local]'")
        return ModelFault("crashed", f"the process of `{model.id}` did not start within {start_timeout_s} s or could not read its weights")
    return child


def _line(process: subprocess.Popen[bytes], timeout_s: float) -> str:
    import select

    ready, _, _ = select.select([process.stdout], [], [], timeout_s)
    return process.stdout.readline().decode().strip() if ready else ""


def _no_core_file() -> None:
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # a crash must not write what the model was sent to disk


def _chat(messages: Sequence[Message]) -> tuple[list[str], str]:
    """(the leading fixed text up to each place that is kept, shortest first; the whole prompt) in ChatML, the format of the pinned models."""
    prefixes: list[str] = []
    prefix, prompt, fixed = "", "", True
    for message in messages:
        if message.open:
            return prefixes + ([prefix] if prefix and prefix not in prefixes else []), prompt + f"<|im_start|>{message.role}\n{message.content.replace(*_SPECIAL)}"
        prompt += f"<|im_start|>{message.role}\n{message.content.replace(*_SPECIAL)}<|im_end|>\n"
        fixed = fixed and message.fixed
        if fixed:
            prefix = prompt
            prefixes += [prefix] if message.kept else []
    whole = [prefix] if prefix and prefix not in prefixes else []
    return prefixes + whole, prompt + "<|im_start|>assistant\n"


def _body(prompt: str, shape: Shape, limits: Limits) -> dict[str, Any]:
    body: dict[str, Any] = {
        "prompt": prompt, "n_predict": limits.tokens_max, "temperature": limits.temperature, "seed": limits.seed,
        "top_p": 0.95, "cache_prompt": True, "id_slot": 0,
    }  # fmt: skip
    match shape:
        case Grammar(text):
            body["grammar"] = text
        case Schema(value):  # our grammar for it: the runtime's own allows white space without end
            body["grammar"] = schema_grammar(value).text
    return body


def _digest_prefix(child: _Child, prefixes: Sequence[str], weights: Weights) -> None:
    """Have the process know the fixed text: from disk as far as it was digested before, the rest computed once and kept."""
    left = list(prefixes)
    for prefix in reversed(prefixes):
        name = _state_name(prefix, weights)
        if (_prefix_folder() / name).exists() and child.post("/slots/0?action=restore", {"filename": name}, prefix_timeout_s)[0] == 200:
            os.utime(_prefix_folder() / name)  # in use: not the next to be dropped
            left = left[left.index(prefix) + 1 :]
            break
    for prefix in left:
        child.post("/completion", {"prompt": prefix, "n_predict": 0, "cache_prompt": True, "id_slot": 0}, prefix_timeout_s)
        name = _state_name(prefix, weights)
        whole = f"{name}.{os.getpid()}"
        status, _ = child.post("/slots/0?action=save", {"filename": whole}, prefix_timeout_s)
        if status == 200:
            os.replace(_prefix_folder() / whole, _prefix_folder() / name)
            _drop_oldest()
    child.prefix = prefixes[-1]


def _state_name(prefix: str, weights: Weights) -> str:
    return hashlib.sha256(f"{weights.sha256}\n{_runtime_version()}\n{prefix}".encode()).hexdigest()[:32] + ".state"


def _drop_oldest() -> None:
    states = sorted(_prefix_folder().glob("*.state"), key=lambda path: path.stat().st_mtime, reverse=True)
    for path in states[prefix_files_max:]:
        path.unlink(missing_ok=True)


def _prefix_folder() -> Path:
    return cache_folder().parent / "prefixes"


def _runtime_version() -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("xllamacpp")
    except PackageNotFoundError:
        return "none"
