"""Explores with two users on a state that is put back, then plays each claimed scene anew from the first state.

Each exploration and each scene runs in a process of its own, so that what an application keeps in memory is as at the start.
"""

import json
import os
import shutil
import tempfile

import belongings
import forgeries
import oracles
import people
import races
import scenes
from web import play

KEPT_BYTES_MAX = 20000000
STATE_ENDINGS = (".py", ".pyc", ".html", ".css", ".js", ".png", ".jpg", ".svg", ".woff", ".woff2", ".md", ".map")


class State(object):
    """The files in which an application keeps what it knows, as they were."""

    def __init__(self, root, place):
        self.root, self.place = root, place
        self.known = {path: facts(path) for path in files(root)}
        self.folders = {directory for directory, _names, _files in os.walk(root)}
        os.makedirs(place, exist_ok=True)
        for number, path in enumerate(sorted(self.known)):
            if not path.endswith(STATE_ENDINGS) and os.path.getsize(path) <= KEPT_BYTES_MAX:
                shutil.copy2(path, self.copy_of(path))

    def copy_of(self, path):
        return os.path.join(self.place, path.replace(os.sep, "%"))[:240]

    def put_back(self):
        now = set(files(self.root))
        for path in now - set(self.known):
            os.remove(path)
        for directory, _names, _files in os.walk(self.root, topdown=False):
            if directory not in self.folders and not os.listdir(directory):
                os.rmdir(directory)
        for path, before in self.known.items():
            if (path not in now or facts(path) != before) and os.path.exists(self.copy_of(path)):
                shutil.copy2(self.copy_of(path), path)


def facts(path):
    try:
        status = os.stat(path)
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size


def files(root):
    found = []
    for directory, names, here in os.walk(root):
        names[:] = [n for n in names if n not in ("__pycache__", ".git", "node_modules")]
        found += [os.path.join(directory, f) for f in here if os.path.isfile(os.path.join(directory, f)) and not os.path.islink(os.path.join(directory, f))]
    top = tempfile.gettempdir()
    found += [os.path.join(top, f) for f in os.listdir(top) if f.endswith((".db", ".sqlite", ".sqlite3")) and os.path.isfile(os.path.join(top, f))]
    return found


def claims_of(endpoints, app, watch, survey, nonce, root, seconds, alone, thoroughly):
    """(claims whose scenes held when they were played anew, the way to be a user, notes); `alone(seconds, work)` runs work in a child."""
    import time

    state = State(root, "/scratch/kept-state")
    told = "/scratch/told-%s.json" % nonce

    def tell(value):
        with open(told, "w") as stream:
            json.dump(value, stream)

    def explored(explore, needs_two):
        house = people.House(endpoints, app, watch, survey, nonce, time.monotonic() + seconds * 0.36, root)
        house.put_back = state.put_back
        two = house.settle()
        way = {"name": house.people[0].name, "steps": house.people[0].steps, "carried": house.people[0].carried, "session": house.people[0].session} if house.people else None
        tell([[], way, house.notes, two])
        found = explore(house) if explore and (two or not needs_two) else []
        tell([found, way, house.notes, two])

    def played(claim):
        words = {name: "dqw" + os.urandom(4).hex() for name in claim["marks"]}
        answers, words = scenes.perform(claim["steps"], app, claim["speaks"], words, play)
        tell(scenes.holds(claim["conditions"], answers, words, oracles.markup_broken))

    found, way, notes, two = [], None, [], False
    for explore, needs_two in ((forgeries.explore, False), (belongings.explore, True), (races.explore, False)) if thoroughly else ((None, True),):
        tell(None)
        alone(seconds * 0.4, lambda: explored(explore, needs_two))
        more = read(told) or [[], None, ["ended early"]]
        found, way, notes, two = found + more[0], way or more[1], notes + more[2], two or any(more[3:])
        state.put_back()
    kept = []
    for claim in found:
        state.put_back()
        tell(False)
        alone(min(20, seconds), lambda: played(claim))
        if read(told):
            kept.append(claim)
    state.put_back()
    return kept, way, {"explored": len(found), "notes": notes[:5], "two": two}


def read(path):
    try:
        with open(path) as stream:
            return json.load(stream)
    except (OSError, ValueError):
        return None
