"""Two requests at once where one after the other only the first succeeds: checked and acted upon, with a gap between.

The second request is sent while the first stands right before a line that writes, so that no luck is needed; in an
asynchronous application while the first waits, as only there another task can come in between.
"""

import json
import os
import re
import time

import scenes
from belongings import about_users, bare, claim, make
from people import LEAVE
from web import play

STOPS_MAX, WAITS_MAX = 12, 30
DOORS_MAX = 12
FURNISHED_MAX = 3
VALUES_MAX = 6


def explore(house):
    """Claims about entry points that a user can make do twice what they do once."""
    if house.speaks not in ("wsgi", "asgi"):
        return []
    ann = house.people[0] if house.people else None
    claims = []
    furnish = furnishing(house, ann) if ann else []
    doors = [e for e in house.endpoints if set(e["methods"]) & {"POST", "PUT", "PATCH"} and not LEAVE.search(e["path"]) and not about_users(e)][:DOORS_MAX]
    for endpoint in doors:
        if house.late():
            break
        for request in requests_to(house, ann, endpoint):
            stop = racing(house, ann, request, furnish)
            come_back(house, ann, furnish)
            if stop:
                steps = (ann.entering() + [ann.carry(f) for f in furnish] if ann else []) + [dict(worn(ann, request), beside=stop), worn(ann, request)]
                first = len(steps) - 2
                conditions = [{"step": first, "accepted": True}, {"step": first + 1, "same": first}, {"step": first + 2, "differs": first}]
                claims.append(claim(house, "race", "CWE-362", endpoint, steps, conditions, [], "two requests at once both did what is allowed once", "timing"))
                break
    return claims


def come_back(house, ann, furnish=()):
    """Sign the user in again after the state was put back."""
    if ann is not None and ann.steps:
        house.jars[ann.who].clear()
        play([dict(s) for s in ann.steps], house.app, house.speaks, house.jars[ann.who], ann.words)
    for request in furnish:
        house.send(ann, request)


def furnishing(house, ann):
    """Requests by which the user comes to have something that later ones may act upon, such as an account or a basket."""
    found = []
    makers = [e for e in house.endpoints if "POST" in e["methods"] and not e.get("parts") and not LEAVE.search(e["path"]) and not about_users(e)]
    for endpoint in makers[:DOORS_MAX]:
        if house.late() or len(found) == FURNISHED_MAX:
            break
        thing = make(house, ann, endpoint)
        if thing is not None and thing.rows and thing.answer[0] < 400:
            found.append(scenes.spoken(thing.request, {"MARK": "dqfurnished"}))
    return found


def worn(ann, request):
    return ann.carry(request) if ann else dict(request, who="A")


def requests_to(house, ann, endpoint):
    """Requests that succeed once and are refused, or answered otherwise, the second time."""
    state = house.attack_on(endpoint, ann)
    mode = next((m for m in state.modes() if m != "query"), None)
    if mode is None:
        return
    known = known_values()
    names = [n for n in state.names if n not in endpoint.get("parts", {})]
    choices = [{}] + [{n: v} for n in names for v in known.get(n.lower(), [])[:VALUES_MAX]] + [{n: v} for n in names if re.search("amount|sum|value|qty|quantity|points|number", n, re.I) for v in known["numbers"][:VALUES_MAX]]
    for chosen in choices[:10]:
        if house.late():
            return
        request = bare(house, state.build(mode, {}, chosen, ("form", "json", "path")), mode)
        before = totals()
        first, middle = house.send(ann, request), totals()
        second = house.send(ann, request)
        went_well = first[0] < 400 and middle != before
        if went_well and (second[0] >= 400 or second[2] != first[2] or (first[0] in (301, 302, 303) and dict(first[1]).get("Location") != dict(second[1]).get("Location"))) and totals() == middle:
            yield request


def known_values():
    """Texts of the database by the name of their column, and its numbers."""
    found = {"numbers": []}
    for _file, _table, row in scenes.rows_with(""):
        for column, value in row.items():
            if isinstance(value, str) and 0 < len(value) < 60 and value not in found.setdefault(column.lower(), []):
                found[column.lower()].append(value)
            if isinstance(value, (int, float)) and re.search("balance|credit|amount|stock|left|points|quantity", column, re.I) and value > 0 and str(value) not in found["numbers"]:
                found["numbers"].append(str(value))
    return found


def totals():
    """How many rows each table has and what each column of numbers sums up to."""
    import sqlite3

    sums = {}
    for directory, names, files in os.walk(os.getcwd()):
        names[:] = [n for n in names if not n.startswith(".") and n not in ("node_modules", "site-packages")]
        for name in files:
            path = os.path.join(directory, name)
            try:
                with open(path, "rb") as stream:
                    if stream.read(16) != b"SQLite format 3\0":
                        continue
                connection = sqlite3.connect("file:%s?mode=ro" % path, uri=True, timeout=2)
                for (table,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
                    columns = [r[1] for r in connection.execute('PRAGMA table_info("%s")' % table).fetchall()]
                    row = connection.execute("SELECT count(*), %s FROM \"%s\"" % (", ".join('total("%s")' % c for c in columns) or "0", table)).fetchone()
                    sums.update({(table, c): v for c, v in zip(["rows"] + columns, row) if not re.search(r"^id$|time|date", c)})
                connection.close()
            except (OSError, sqlite3.Error):
                continue
    return sums


def racing(house, ann, request, furnish=()):
    """The stop at which both of two requests succeed and do twice what one does; 0 if there is none."""
    told = "/scratch/told-race.json" if os.path.isdir("/scratch") else os.path.join(os.environ.get("TMPDIR", "/tmp"), "told-race-%d.json" % os.getpid())
    house.put_back()
    once = apart(told, lambda: changed_by(house, ann, request, 0, furnish))
    house.put_back()
    if not once or not once[0]:
        return 0
    stop = 0
    while stop < (WAITS_MAX if house.speaks == "asgi" else STOPS_MAX) and not house.late():
        stop += 1
        twice = apart(told, lambda: changed_by(house, ann, request, stop, furnish))
        house.put_back()
        if twice is None or twice[1] < stop:
            return 0
        if twice[2] and any(twice[0].get(k) == 2 * v for k, v in once[0].items() if v):
            return stop
    return 0


def changed_by(house, ann, request, stop, furnish=()):
    """[what changed in the totals, how many stops there were, whether both succeeded alike] from the first state."""
    jar = {}
    words = {}
    for step in ann.steps if ann else []:
        play([dict(step)], house.app, house.speaks, jar, words)
    for step in furnish:
        own = scenes.spoken(worn(ann, step), words or ann.words)
        own.pop("who")
        play([own], house.app, house.speaks, jar, words)
    ready = scenes.spoken(worn(ann, request), words or (ann.words if ann else {}))
    ready.pop("who")
    before = totals()
    if stop:
        answers, count = scenes.side_by_side(ready, house.app, house.speaks, jar, play, stop)
    else:
        answers, count = [play([ready], house.app, house.speaks, jar)] * 2, 0
    after = totals()
    return [{"%s.%s" % k: after[k] - before.get(k, 0) for k in after if after[k] != before.get(k, 0)}, count, answers[0][0] < 400 and (answers[0][0], answers[0][2]) == (answers[1][0], answers[1][2])]


def apart(told, work):
    """The result of work in a process of its own."""
    if os.path.exists(told):
        os.remove(told)
    pid = os.fork()
    if pid == 0:
        try:
            value = work()
            with open(told, "w") as stream:
                json.dump(value, stream)
        finally:
            os._exit(0)
    ending = time.monotonic() + 15
    while time.monotonic() < ending:
        if os.waitpid(pid, os.WNOHANG)[0]:
            break
        time.sleep(0.01)
    else:
        os.kill(pid, 9)
        os.waitpid(pid, 0)
    try:
        with open(told) as stream:
            return json.load(stream)
    except (OSError, ValueError):
        return None
