"""Two requests at once where one after the other only the first succeeds: checked and acted upon, with a gap between.

The second request is sent while the first stands right before a line that writes, so that no luck is needed; in an
asynchronous application while the first waits, as only there another task can come in between.
"""

import json
import os
import re
import sys
import tempfile
import time

import scenes
from belongings import about_users, bare, claim, make
from people import LEAVE
from web import play

STOPS_MAX, WAITS_MAX = 12, 30
DOORS_MAX = 12
FURNISHED_MAX = 3
VALUES_MAX, CHOICES_MAX = 6, 14
MEMORY_DEPTH_MAX, MEMORY_THINGS_MAX = 5, 5000
RACE_S, LOOK_S = 15.0, 20.0


def explore(house):
    """Claims about entry points that a user can make do twice what they do once."""
    if house.speaks == "handler":
        return []
    ann = house.people[0] if house.people else None
    claims = []
    # What is learnt uses up what the program keeps in memory, so it is learnt apart.
    furnish, tries = apart(lambda: learnt(house, ann), LOOK_S) or ([], [])
    for number, requests in tries:
        endpoint, ending = house.endpoints[number], time.monotonic() + LOOK_S
        for request in requests:
            if house.late() or time.monotonic() > ending:
                break
            house.put_back()
            if not apart(lambda: once_only(house, ann, request, furnish), RACE_S):
                continue
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


def learnt(house, ann):
    """(requests by which the user comes to have something, [the number of an entry point, requests to it that may be a race's])."""
    furnish = furnishing(house, ann) if ann else []
    doors = [(n, e) for n, e in enumerate(house.endpoints) if set(e["methods"]) & {"POST", "PUT", "PATCH"} and not LEAVE.search(e["path"]) and not about_users(e)]
    return furnish, [(n, requests_to(house, ann, e)) for n, e in doors[:DOORS_MAX] if not house.late()]


def requests_to(house, ann, endpoint):
    """Requests with values that the application knows, of which one may be allowed once only."""
    state = house.attack_on(endpoint, ann)
    known = known_values(house.root)
    names = [n for n in state.names if n not in endpoint.get("parts", {})]
    texts = names + [n for n, kind in endpoint.get("parts", {}).items() if kind in ("str", "path")]
    choices = [{}] + [{n: v} for n in texts for v in known.get(n.lower(), [])[:VALUES_MAX]] + [{n: v} for n in names if re.search("amount|sum|value|qty|quantity|points|number", n, re.I) for v in known["numbers"][:VALUES_MAX]]
    choices += [{n: v} for n in texts for v in known["words"][:VALUES_MAX]]
    found = []
    for chosen in choices[:CHOICES_MAX]:
        for mode in [m for m in state.modes() if m != "query"]:
            request = bare(house, state.build(mode, {}, chosen, ("form", "json", "path")), mode)
            found += [request] + numbered(request)
    return found


def numbered(request):
    """The same request with whole numbers where its JSON body holds texts of digits, if it does."""
    body = request.get("json")
    typed = {k: int(v) if isinstance(v, str) and v.isdigit() else v for k, v in body.items()} if isinstance(body, dict) else body
    return [dict(request, json=typed)] if typed != body else []


def once_only(house, ann, request, furnish=()):
    """Whether a request does something, and right after that nothing more."""
    come_back(house, ann, furnish)
    before = totals(house.root)
    first, middle = house.send(ann, request), totals(house.root)
    second = house.send(ann, request)
    if first[0] >= 400 or middle == before or totals(house.root) != middle:
        return False
    return second[0] >= 400 or second[2] != first[2] or (first[0] in (301, 302, 303) and dict(first[1]).get("Location") != dict(second[1]).get("Location"))


def known_values(root):
    """Texts of the database by the name of their column, its numbers, and the words by which the program's own memory is ordered."""
    found = {"numbers": [], "words": []}
    for _file, _table, row in scenes.rows_with(""):
        for column, value in row.items():
            if isinstance(value, str) and 0 < len(value) < 60 and value not in found.setdefault(column.lower(), []):
                found[column.lower()].append(value)
            if isinstance(value, (int, float)) and re.search("balance|credit|amount|stock|left|points|quantity", column, re.I) and value > 0 and str(value) not in found["numbers"]:
                found["numbers"].append(str(value))
    for _name, value in memory(root):
        if isinstance(value, dict):
            found["words"] += [k for k in list(value)[:VALUES_MAX] if isinstance(k, str) and re.fullmatch(r"[\w.@-]{1,40}", k) and k not in found["words"]]
        elif isinstance(value, (int, float)) and value > 0 and str(value) not in found["numbers"]:
            found["numbers"].append(str(value))
    return found


def memory(root):
    """(name, value) of the containers and numbers that the project's modules keep, and the things of its own classes in them."""
    modules = [m for m in list(sys.modules.values()) if (getattr(m, "__file__", None) or "").startswith(root + os.sep) and "site-packages" not in m.__file__]
    names = {m.__name__ for m in modules}
    todo = [("%s.%s" % (m.__name__, n), v, 0) for m in modules for n, v in list(vars(m).items()) if not n.startswith("_")]
    seen, count = set(), 0
    while todo and count < MEMORY_THINGS_MAX:
        name, value, depth = todo.pop(0)
        if isinstance(value, bool) or id(value) in seen:
            continue
        if isinstance(value, (int, float)):
            yield name, value
            continue
        own = type(value).__module__ in names and hasattr(value, "__dict__")
        keeps = own or isinstance(value, (dict, list, set, tuple)) or type(value).__name__ in ("Application", "State", "deque")
        if not keeps or depth > MEMORY_DEPTH_MAX:
            continue
        seen.add(id(value))
        count += 1
        try:
            inner = dict(vars(value)) if own else dict(value) if hasattr(value, "keys") or hasattr(value, "items") else {i: v for i, v in enumerate(value)} if not isinstance(value, set) else {}
        except Exception:
            continue
        if not own:
            yield name, inner if inner else value
        todo += [("%s.%s" % (name, k), v, depth + 1) for k, v in list(inner.items())[:200]]


def totals(root):
    """How many rows each table has and what each column of numbers sums up to; how long what is kept in memory is, and its numbers."""
    sums = {("memory", name): value if isinstance(value, (int, float)) else len(value) for name, value in memory(root) if not re.search(r"time|date", name)}

    def look(_path, connection, tables):
        for table in tables:
            columns = [r[1] for r in connection.execute('PRAGMA table_info("%s")' % table).fetchall()]
            row = connection.execute("SELECT count(*), %s FROM \"%s\"" % (", ".join('total("%s")' % c for c in columns) or "0", table)).fetchone()
            sums.update({(table, c): v for c, v in zip(["rows"] + columns, row) if not re.search(r"^id$|time|date", c)})

    scenes.databases({root: True, tempfile.gettempdir(): False}, look)
    return sums


def racing(house, ann, request, furnish=()):
    """The stop at which both of two requests succeed and do twice what one does; 0 if there is none."""
    house.put_back()
    once = apart(lambda: changed_by(house, ann, request, 0, furnish), RACE_S)
    house.put_back()
    if not once or not once[0]:
        return 0
    stop = 0
    while stop < (STOPS_MAX if house.speaks == "wsgi" else WAITS_MAX) and not house.late():
        stop += 1
        twice = apart(lambda: changed_by(house, ann, request, stop, furnish), RACE_S)
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
    before = totals(house.root)
    if stop:
        answers, count = scenes.side_by_side(ready, house.app, house.speaks, jar, play, stop)
    else:
        answers, count = [play([ready], house.app, house.speaks, jar)] * 2, 0
    after = totals(house.root)
    return [{"%s.%s" % k: after[k] - before.get(k, 0) for k in after if after[k] != before.get(k, 0)}, count, answers[0][0] < 400 and (answers[0][0], answers[0][2]) == (answers[1][0], answers[1][2])]


def apart(work, seconds):
    """The result of work in a process of its own, or None."""
    told = os.path.join("/scratch" if os.path.isdir("/scratch") else os.environ.get("TMPDIR", "/tmp"), "told-race-%d.json" % os.getpid())
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
    ending = time.monotonic() + seconds
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
    finally:
        if os.path.exists(told):
            os.remove(told)
