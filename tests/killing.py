"""Kills a process, for real, at each step of a piece of work: one fork a step, SIGKILL from within, no clean-up."""

from __future__ import annotations

import os
import signal
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

FAST = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None  # a kill loses nothing of memory-backed files either


@contextmanager
def fast_folder() -> Iterator[Path]:
    """A folder where a synchronised write waits for no disk: for laws and kills, of which there are many."""
    with tempfile.TemporaryDirectory(dir=FAST) as folder:
        yield Path(folder)


class Steps:
    """Counts steps and kills this process at the one it was given; wraps a database so that each statement is a step."""

    def __init__(self, last: int) -> None:
        self.left = last

    def step(self) -> None:
        if self.left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        self.left -= 1

    def around(self, function: Callable[..., Any]) -> Callable[..., Any]:
        def stepped(*args: Any, **more: Any) -> Any:
            self.step()
            return function(*args, **more)

        return stepped

    def database(self, db: Any) -> Any:
        return _Stepped(db, self)


class _Stepped:
    def __init__(self, db: Any, steps: Steps) -> None:
        self._db, self._steps = db, steps

    def execute(self, *args: Any) -> Any:
        self._steps.step()
        return self._db.execute(*args)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._db, name)


def each_step(work: Callable[[Steps], None], steps_max: int = 200) -> Iterator[int]:
    """Run `work` in a child that dies at step 0, 1, 2, …; yields each step's number after the death, until one survives."""
    for number in range(steps_max):
        child = os.fork()
        if child == 0:
            try:
                work(Steps(number))
                os._exit(0)
            except BaseException:
                import traceback

                traceback.print_exc()
                os._exit(1)
        _, status = os.waitpid(child, 0)
        if os.WIFEXITED(status):
            if os.WEXITSTATUS(status):
                raise RuntimeError(f"the work failed by itself at step {number}")
            return
        yield number
    raise RuntimeError(f"the work took more than {steps_max} steps")
