"""What two users have, who is shown it, who can change it: from what was seen, claims with their scenes.

A reading is claimed where the application itself keeps the thing from that visitor elsewhere; a change where it keeps the
change from that visitor elsewhere, or where an account was changed by another. Each claim is a scene with conditions.
"""

import json
import re
import time

import oracles
import scenes
from people import ADDRESSEES, CLAIMS_MAX, LEAVE, OBJECTS_MAX, OPEN_PATHS, PRIVATE, PRIVILEGE, REFERENCE, REFUSALS, SENSITIVE_INPUT, USER_NAME

CONTROL = re.compile(r"(?is)<textarea.*?</textarea>|<(?:input|option|select)\b[^>]*>|<form\b[^>]*>")
RANK = re.compile(r"^(is_?)?(admin|administrator|staff|superuser|super_?user|root|moderator|manager)$|^(role|user_?role|access_?level|user_?type|account_?type)$", re.I)
ID_IN_ANSWER = r'"(?:id|pk|uuid|\w+_id)"\s*:\s*"?([\w-]+)'
ID_IN_PLACE = r"(?im)^location: [^\n]*?/([\w-]*\d[\w-]*)(?:[/?][^\n]*)?$"
READS_MAX = 40
MARKUP = ("@@MARK@@'\"><@@MARK@@>", "javascript:@@MARK@@")
PARENTS_MAX = 3


class Thing(object):
    """Something of a user's: how it was made, the word it holds, and by what it is referred to."""

    def __init__(self, endpoint, request, word, rows, answer, refs):
        self.endpoint, self.request, self.word, self.rows, self.answer, self.refs = endpoint, request, word, rows, answer, refs


class Ref(object):
    """A value that refers to a thing, and how a scene finds it anew."""

    def __init__(self, value, find=None, take=None):
        self.value, self.find, self.take = str(value), find, take


def explore(house):
    """Claims about the two users of a house."""
    ann, bob = house.people
    claims = []
    for step in (lambda: accounts(house, ann, bob), lambda: things(house, ann, bob), lambda: stored(house, ann, bob), lambda: more_than_asked(house, ann), lambda: made_more(house, ann, bob)):
        try:
            claims += step()
        except Exception as error:
            house.notes.append(repr(error)[:200])
    return claims[:CLAIMS_MAX]


# --- making and finding things ---------------------------------------------------------------------------------------


def make(house, person, endpoint, text="@@MARK@@", within=None):
    """A thing that this person makes through an entry point, or None if nothing came of it; `within` is what the path refers to."""
    state = house.attack_on(endpoint, person, {slot: ref.value for slot, ref in within.items()} if within else None)
    word = house.word()
    names = [n for n in state.names if state.kind_of(n) == "str" and n not in endpoint.get("parts", {}) and not SENSITIVE_INPUT.search(n) and not USER_NAME.match(n) and not REFERENCE.search(n) and "mail" not in n.lower()]
    if text != "@@MARK@@" or not [n for n in names if n not in ADDRESSEES]:  # what is called like a thing may as well be its text
        names += [n for n in state.names if n not in names and (n in ("message", "post", "note", "item", "task") or (text != "@@MARK@@" and USER_NAME.match(n))) and state.kind_of(n) == "str" and n not in endpoint.get("parts", {})]
    mode = next((m for m in state.modes() if m != "query"), None)
    if not names or mode is None:
        return None
    values = {n: next((p.name for p in house.people if p is not person), "dqv") if n in ADDRESSEES else text for n in names}
    values.update({slot: "@@REF@@" for slot in within or ()})
    request = bare(house, state.build(mode, values, {}, ("form", "json", "path")), mode)
    answer = house.send(person, scenes.spoken(request, {"MARK": word, "REF": next(iter(within.values())).value if within else ""}))
    if answer[0] >= 400:
        return None
    rows = scenes.rows_with(word)
    return Thing(endpoint, request, word, rows, answer, references(rows, answer))


def bare(house, request, mode):
    """A request without what a user's browser would not send."""
    keep = {"method", "path", "form", "json"} | ({"query"} if mode == "query" else set())
    out = {k: v for k, v in request.items() if k in keep}
    if house.framework == "django" and request["method"] != "GET":
        out["headers"], out["cookies"] = [h for h in request["headers"] if h[0] == "X-CSRFToken"], [c for c in request["cookies"] if c[0] == "csrftoken"]
    return out


def references(rows, answer):
    """By what a thing may be referred to: its row's keys, an id in the answer, where the answer leads."""
    refs = []
    for _file, _table, row in rows[:1]:
        for column, value in row.items():
            if (REFERENCE.search(column) or column.lower() in ("id", "rowid")) and value is not None and len(str(value)) < 64 and not re.search(r"user|owner|author|creat", column, re.I):
                refs.append(Ref(value, find=["row", "@@MARK@@", column]))
    text = answer[2].decode("utf-8", "replace")
    for pattern in (ID_IN_ANSWER, ID_IN_PLACE):
        whole = "\n".join("%s: %s" % h for h in answer[1]) + "\n\n" + text
        match = re.findall(pattern, whole)
        if match:
            refs.append(Ref(match[-1], take=pattern))
    return sorted(refs, key=lambda r: (not r.value.isdigit(), r.take is None))[:4]


def fillable(house, endpoint):
    """The names of an entry point's inputs that can refer to a thing: parts of its path, and inputs that are called so."""
    state = house.attack_on(endpoint, house.people[0])
    parts = [n for n, k in endpoint.get("parts", {}).items() if k in ("int", "str", "uuid", "path")]
    return parts or [n for n in state.names if REFERENCE.search(n)][:3]


def asking(house, endpoint, slot, text="@@TEXT@@", person=None, there=None):
    """A request to an entry point that refers to `@@REF@@` and, where it takes texts, brings `text`."""
    state = house.attack_on(endpoint, person or house.people[0], there)
    in_path = slot in endpoint.get("parts", {})
    reading = not (set(endpoint["methods"]) & {"POST", "PUT", "PATCH", "DELETE"})
    mode = "query" if reading else next((m for m in state.modes() if m != "query"), "form")
    values = {} if reading else {n: text for n in state.names if state.kind_of(n) == "str" and n != slot and not SENSITIVE_INPUT.search(n) and not REFERENCE.search(n)}
    values[slot] = "@@REF@@"
    channels = ("path",) if in_path and reading else ("path", "form", "json") if not reading else ("path", "query")
    request = state.build(mode, values, {}, channels)
    if reading and in_path:
        request.pop("query", None)
    out = bare(house, request, "query" if reading else mode)
    if not reading and "DELETE" in endpoint["methods"] and "POST" not in endpoint["methods"]:
        out["method"] = "DELETE" if set(endpoint["methods"]) == {"DELETE"} else out["method"]
    return out


def shown(answer, word, beside_controls=False):
    """Whether an answer shows a word, be it anywhere or outside of a form's controls."""
    if answer[0] >= 400 or answer[0] in REFUSALS:
        return False
    text = answer[2].decode("utf-8", "replace")
    return word in (CONTROL.sub(" ", text) if beside_controls else text)


def pages(house):
    """Entry points that are read and need no reference."""
    return [e for e in house.endpoints if "GET" in e["methods"] and not e.get("parts") and not LEAVE.search(e["path"])][:READS_MAX]


def plain_request(house, endpoint):
    state = house.attack_on(endpoint)
    return {k: v for k, v in state.build("query", {}, {}).items() if k in ("method", "path")}


# --- reading and changing things ------------------------------------------------------------------------------------


def things(house, ann, bob):
    """Claims about what users make."""
    claims = []
    made = []
    for endpoint in makers(house):
        if house.late() or len(made) >= OBJECTS_MAX:
            break
        thing = make(house, ann, endpoint)
        if thing is not None and not any(t.endpoint["path"] == endpoint["path"] for t, _o in made):
            other = make(house, bob, endpoint)
            made.append((thing, other))
    for thing, other in made:
        if not house.late():
            claims += readings(house, ann, bob, thing, other)
    for thing, other in made:
        if not house.late():
            claims += changes(house, ann, bob, thing)
    return claims


def makers(house):
    """Entry points by which a user may make something."""
    entrances = {x["id"] for x in (house.sign_up, house.sign_in) if x}
    return [e for e in house.endpoints if set(e["methods"]) & {"POST", "PUT"} and e["id"] not in entrances and not LEAVE.search(e["path"]) and not about_users(e)]


def about_users(endpoint):
    """Whether an entry point is for signing up or in."""
    last = endpoint["path"].rstrip("/").rsplit("/", 1)[-1] + " " + str(endpoint["place"][2])
    return bool(re.search(r"regist|sign_?-?(up|in)|log_?-?in", last, re.I))


def scene_of(house, ann, thing, ref):
    """(the steps in which the first user makes the thing, the recipe that finds its reference) of a scene."""
    create = ann.carry(scenes.spoken(thing.request, {"MARK": "@@MARKA@@"}))
    find = {}
    if ref.take:
        create = dict(create, take={"REF": ref.take})
    elif ref.find:
        find = {"REF": [p.replace("@@MARK@@", "@@MARKA@@") for p in ref.find]}
    else:
        find = {}
    return ann.entering() + [create], find


def readings(house, ann, bob, thing, other):
    """Who is shown the first user's thing."""
    lists = []
    for endpoint in pages(house):
        request = plain_request(house, endpoint)
        answers = {who: house.send(person, request) for who, person in (("A", ann), ("B", bob), ("", None))}
        lists.append((endpoint, request, {who: shown(a, thing.word) for who, a in answers.items()}, {who: shown(a, thing.word, True) for who, a in answers.items()}, answers))
    private_list = next((l for l in lists if l[2]["A"] and not l[2]["B"] and l[4]["B"][0] == 200 and (other is None or shown(l[4]["B"], other.word))), None)
    claims, seen = [], []
    for endpoint in [e for e in house.endpoints if "GET" in e["methods"] and not LEAVE.search(e["path"])]:
        if house.late():
            break
        for slot in fillable(house, endpoint)[:2]:
            request = asking(house, endpoint, slot)
            if request["method"] != "GET":
                continue
            for ref in thing.refs:
                filled = scenes.spoken(request, {"REF": ref.value, "TEXT": "dqv"})
                if not shown(house.send(ann, filled), thing.word):
                    continue
                seen.append((endpoint, request, ref, house.send(bob, filled), house.send(None, filled)))
                break
    claims += unguarded(house, ann, thing, lists, seen)
    # A page that shows what its neighbours keep does not make the thing a public one.
    told = [l for l in lists if not any(c["endpoint"] == l[0]["id"] for c in claims)]
    told_bob, told_all = any(l[2]["B"] for l in told), any(l[2][""] for l in told)
    shut_to_bob = next(((e, r, f) for e, r, f, b, _n in seen if not shown(b, thing.word) and b[0] in REFUSALS + (404,)), None)
    for endpoint, request, ref, to_bob, to_all in seen:
        if not guessable(ref):
            continue
        for visitor, answer, told in ((bob, to_bob, told_bob), (None, to_all, told_all)):
            if not shown(answer, thing.word) or told or (visitor is None and shown(to_bob, thing.word) and private_list is None and shut_to_bob is None):
                continue
            owned = owned_by(thing, other)
            evidence = private_list or shut_to_bob or (visitor is not None and to_all[0] in REFUSALS and owned)
            if evidence:
                claims.append(read_claim(house, ann, bob, visitor, thing, endpoint, request, ref, private_list, shut_to_bob))
                break
    return claims


def guessable(ref):
    return bool(re.fullmatch(r"\d{1,9}|[a-z0-9_.@-]{1,24}", ref.value)) and not re.fullmatch(r"[0-9a-f-]{20,}", ref.value)


def owned_by(thing, other):
    """Whether rows say whose they are: a column in which the two users' things differ, called like a user."""
    if not thing.rows or other is None or not other.rows:
        return False
    mine, theirs = thing.rows[0][2], other.rows[0][2]
    return any(re.search(r"user|owner|author|account|customer|created_by|member", c, re.I) and mine[c] != theirs.get(c) for c in mine)


def read_claim(house, ann, bob, visitor, thing, endpoint, request, ref, private_list, shut_to_bob):
    steps, find = scene_of(house, ann, thing, ref)
    conditions = []
    marks = ["MARKA", "MARKB"]
    if visitor is not None or private_list is not None:
        steps += bob.entering()
    if private_list is not None:
        steps += [ann.carry(private_list[1]), bob.carry(private_list[1])]
        conditions += [{"step": len(steps) - 2, "shows": "@@MARKA@@"}, {"step": len(steps) - 1, "hides": "@@MARKA@@"}]
    elif shut_to_bob is not None:
        steps += [dict(bob.carry(scenes.spoken(shut_to_bob[1], {"TEXT": "dqv"})), find=find)]
        conditions += [{"step": len(steps) - 1, "hides": "@@MARKA@@"}]
    else:
        steps += [dict(scenes.spoken(request, {"TEXT": "dqv"}), who="", find=find)]
        conditions += [{"step": len(steps) - 1, "hides": "@@MARKA@@"}]
    last = scenes.spoken(request, {"TEXT": "dqv"})
    steps.append(dict(visitor.carry(last) if visitor else dict(last, who=""), find=find))
    conditions.append({"step": len(steps) - 1, "shows": "@@MARKA@@"})
    who = "another user is" if visitor else "a stranger is"
    return claim(house, "object", "CWE-639", endpoint, steps, conditions, marks, "%s shown what belongs to the first user" % who, "reference")


def unguarded(house, ann, thing, lists, seen):
    """One page that shows to strangers what at least two others show only to those who are signed in."""
    open_lists = [l for l in lists if l[3][""]]
    shut_lists = [l for l in lists if l[3]["A"] and l[4][""][0] in REFUSALS]
    open_things = [s for s in seen if shown(s[4], thing.word, True)]
    shut_things = [s for s in seen if s[4][0] in REFUSALS]
    if len(shut_lists) + len(shut_things) < 2 or len(open_lists) + len(open_things) != 1:
        return []
    guard = shut_lists[0][1] if shut_lists else None
    if open_lists:
        endpoint, request = open_lists[0][:2]
        ref = thing.refs[0] if thing.refs else Ref("1")
    else:
        endpoint, request, ref = open_things[0][:3]
    if OPEN_PATHS.match(endpoint["path"]) or not stands_among_shut_ones(house, endpoint) or linked_for_strangers(house, endpoint):
        return []
    steps, find = scene_of(house, ann, thing, ref)
    conditions = []
    for shut in ([guard] if guard else [shut_things[0][1]]):
        steps += [dict(ann.carry(scenes.spoken(shut, {"TEXT": "dqv"})), find=find), dict(scenes.spoken(shut, {"TEXT": "dqv"}), who="", find=find)]
        conditions += [{"step": len(steps) - 2, "shows": "@@MARKA@@"}, {"step": len(steps) - 1, "hides": "@@MARKA@@"}]
    steps.append(dict(scenes.spoken(request, {"TEXT": "dqv"}), who="", find=find))
    conditions.append({"step": len(steps) - 1, "shows": "@@MARKA@@"})
    return [claim(house, "login", "CWE-306", endpoint, steps, conditions, ["MARKA"], "a stranger is shown what other pages show only to those who are signed in", "none")]


def stands_among_shut_ones(house, endpoint):
    """Whether the pages beside this one, by the first part of the path, are shut to strangers, and it alone is not."""
    family = endpoint["path"].strip("/").split("/")[0]
    beside = [e for e in house.endpoints if "GET" in e["methods"] and e["id"] != endpoint["id"] and e["path"].strip("/").split("/")[0] == family]
    answers = [house.send(None, {"method": "GET", "path": house.attack_on(e).build("query", {}, {})["path"]}) for e in beside]
    return bool(answers) and all(a[0] in REFUSALS + (404, 405) or a[0] >= 500 for a in answers) and any(a[0] in REFUSALS for a in answers)


def linked_for_strangers(house, endpoint):
    """Whether a page that strangers are shown leads here: then it is meant for them."""
    stem = re.escape(endpoint["path"].split("{")[0].rstrip("/"))
    for other in pages(house):
        if other["id"] != endpoint["id"]:
            answer = house.send(None, plain_request(house, other))
            if answer[0] == 200 and re.search(r"(?:href|action|src)\s*=\s*[\"']?[^\"'> ]*" + stem + r"[/\"'>?]", answer[2].decode("utf-8", "replace")):
                return True
    return False


def changes(house, ann, bob, thing):
    """Who can change or delete the first user's thing."""
    claims, denied = [], []
    doors = [e for e in house.endpoints if (set(e["methods"]) & {"POST", "PUT", "PATCH", "DELETE"} or re.search("delete|remove|destroy", e["path"])) and e["id"] != thing.endpoint["id"] and not LEAVE.search(e["path"])]
    stranger_makes = makes(house, None, thing)
    outcomes = []
    for endpoint in doors:
        for slot in fillable(house, endpoint)[:2]:
            if house.late():
                return claims
            for visitor in (bob, None):
                done = tried(house, ann, visitor, thing, endpoint, slot)
                if done is not None:
                    outcomes.append((endpoint, slot, visitor) + done)
    denied = [o for o in outcomes if o[2] is bob and not o[5]]
    for endpoint, slot, visitor, request, ref, happened, listed in outcomes:
        if not happened or not guessable(ref):
            continue
        if visitor is None and stranger_makes:
            continue
        sibling = next((o for o in denied if o[0]["id"] != endpoint["id"] and allowed(house, ann, thing, o)), None)
        offered = visitor is bob and offered_to(house, ann, bob, thing, endpoint)
        if visitor is None or not listed or sibling or offered:
            if visitor is None and any(c["endpoint"] == endpoint["id"] for c in claims):
                continue
            claims.append(change_claim(house, ann, visitor, thing, endpoint, request, ref))
    return claims


def makes(house, visitor, thing):
    """Whether a visitor can make such a thing as well."""
    word = house.word()
    answer = house.send(visitor, scenes.spoken(thing.request, {"MARK": word}))
    return bool(scenes.rows_with(word)) or (answer[0] < 300 and word in answer[2].decode("utf-8", "replace"))


def tried(house, ann, visitor, thing, endpoint, slot):
    """(request, reference, whether the visitor's request changed a fresh thing of the first user, whether the visitor is shown such things), or None."""
    there = None
    if slot in endpoint.get("parts", {}):  # its inputs are learnt as the owner meets them, on a thing made for that
        spare = None if (endpoint["id"], ann.who, (slot,)) in house.learnt else make(house, ann, thing.endpoint)
        there = {slot: spare.refs[0].value if spare and spare.refs else "1"}
    request = asking(house, endpoint, slot, person=ann if there else visitor or ann, there=there)
    fresh = make(house, ann, thing.endpoint)
    if fresh is None or not fresh.refs or not fresh.rows:
        return None
    ref = fresh.refs[0]
    text = house.word()
    house.send(visitor, scenes.spoken(request, {"REF": ref.value, "TEXT": text}))
    listed = visitor is not None and any(shown(house.send(visitor, plain_request(house, e)), thing.word) for e in pages(house)[:12])
    return request, ref, not scenes.rows_with(fresh.word), listed


def allowed(house, ann, thing, outcome):
    """Whether the owner can do what another user was denied."""
    done = tried(house, ann, ann, thing, outcome[0], outcome[1])
    return done is not None and done[2]


def offered_to(house, ann, bob, thing, endpoint):
    """Whether pages offer this action on the thing to its owner and not to the other user."""
    stem = re.escape(endpoint["path"].split("{")[0].rstrip("/"))
    pattern = stem + r"/?" + re.escape(thing.refs[0].value) + r"\b" if thing.refs else None
    if not pattern or "{" not in endpoint["path"]:
        return False
    texts = {"A": "", "B": ""}
    requests = [plain_request(house, e) for e in pages(house)]
    for other in [e for e in house.endpoints if "GET" in e["methods"] and e.get("parts") and e["id"] != endpoint["id"]]:
        for slot in fillable(house, other)[:1]:
            requests.append(scenes.spoken(asking(house, other, slot), {"REF": thing.refs[0].value, "TEXT": "dqv"}))
    for request in requests[:READS_MAX]:
        for who, person in (("A", ann), ("B", bob)):
            answer = house.send(person, request)
            if shown(answer, thing.word):
                texts[who] += answer[2].decode("utf-8", "replace")
    return thing.word in texts["B"] and bool(re.search(pattern, texts["A"])) and not re.search(pattern, texts["B"])


def change_claim(house, ann, visitor, thing, endpoint, request, ref):
    steps, find = scene_of(house, ann, thing, ref)
    if visitor is not None:
        steps += visitor.entering()
    last = scenes.spoken(request, {"TEXT": "@@MARKB@@"})
    if not find:
        find = {}
    there = {"THERE": ["row", "@@MARKA@@", row_key(thing)]}
    steps.append(dict(visitor.carry(last) if visitor else dict(last, who=""), find=dict(find, **there)))
    conditions = [{"word": "@@THERE@@"}, {"row": "@@MARKA@@", "gone": True}]
    effect = "%s changed or deleted what belongs to the first user" % ("another user" if visitor else "a stranger")
    return claim(house, "object" if visitor else "login", "CWE-639" if visitor else "CWE-306", endpoint, steps, conditions, ["MARKA", "MARKB"], effect, "reference")


def row_key(thing):
    row = thing.rows[0][2]
    return next((c for c in row if REFERENCE.search(c) and row[c] not in (None, 0, "")), next(iter(row)))


# --- what one writes and another is shown ---------------------------------------------------------------------------


def stored(house, ann, bob):
    """Claims about markup that one user keeps and another one is shown, be it within a thing that was there before."""
    claims = []
    for text in MARKUP:
        kept = [(make(house, ann, e, text), None) for e in makers(house) if not e.get("parts") and not house.late()]
        parents = [t for t in (make(house, ann, e) for e in makers(house) if not e.get("parts") and not house.late()) if t is not None and t.refs][:PARENTS_MAX]
        for endpoint in [e for e in makers(house) if len(e.get("parts", {})) == 1]:
            for parent in parents:
                if not house.late():
                    kept.append((make(house, ann, endpoint, text, {next(iter(endpoint["parts"])): parent.refs[0]}), parent))
        for thing, parent in kept:
            if thing is not None:
                found = shown_to(house, ann, bob, thing, parent)
                claims += [c for c in found if not any(c["endpoint"] == k["endpoint"] for k in claims)]
    return claims


def shown_to(house, ann, bob, thing, parent):
    """The claims that pages show one user's markup to the other."""
    refs = thing.refs + (parent.refs[:1] if parent else []) + [Ref(ann.name)]
    tries = [(e, plain_request(house, e), None) for e in pages(house)]
    for endpoint in [e for e in house.endpoints if "GET" in e["methods"] and e.get("parts") and not LEAVE.search(e["path"])]:
        for slot in fillable(house, endpoint)[:1]:
            tries += [(endpoint, {k: v for k, v in asking(house, endpoint, slot).items() if k in ("method", "path")}, ref) for ref in refs]
    claims = []
    for endpoint, request, ref in tries:
        if house.late() or request["method"] != "GET" or any(c["endpoint"] == endpoint["id"] for c in claims):
            continue
        said = scenes.spoken(request, {"REF": ref.value if ref else ""})
        answer = house.send(bob, said)
        if answer[0] >= 300 or thing.word not in answer[2].decode("utf-8", "replace").lower() or not oracles.markup_broken(answer[1], answer[2], thing.word):
            continue
        first = dict(ann.carry(scenes.spoken(thing.request, {"MARK": "@@MARKA@@", "REF": "@@WITHIN@@"})))
        steps, last = bob.entering() + ann.entering(), dict(bob.carry(scenes.spoken(request, {} if ref in thing.refs else {"REF": "@@WITHIN@@" if parent and ref in parent.refs else ref.value if ref else ""})))
        if parent:
            before, first = with_ref(ann.carry(scenes.spoken(parent.request, {"MARK": "@@MARKP@@"})), first, "WITHIN", parent.refs[0], "MARKP")
            steps.append(before)
        if ref in thing.refs:
            first, last = with_ref(first, last, "REF", ref, "MARKA")
        steps += [first, last]
        found = claim(house, "stored-xss", "CWE-79", endpoint, steps, [{"step": len(steps) - 1, "markup": "@@MARKA@@"}], ["MARKA", "MARKP"], "markup that one user stored became part of a page that another one is shown", "stored")
        at = house.attack_on(endpoint).last_line("xss", dict(said, cookies=list(house.jars[bob.who].items()), headers=scenes.spoken(bob.carry(said), bob.words).get("headers", [])), "")
        claims.append(dict(found, file=at[0], line=at[1], function=at[2]))
    return claims


def with_ref(making, using, name, ref, mark):
    """(the step that makes a thing, the step that uses it) with the reference found between them."""
    if ref.take:
        return dict(making, take={name: ref.take}), using
    return making, dict(using, find={name: [p.replace("@@MARK@@", "@@%s@@" % mark) for p in ref.find]})


# --- accounts -----------------------------------------------------------------------------------------------------


def accounts(house, ann, bob):
    """Claims about the users' own records: their secrets and addresses shown, their records changed."""
    claims = []
    own = [r for r in scenes.rows_with(ann.name) if re.search("user|account|member|customer|person|profile", r[1], re.I)]
    refs = [Ref(ann.name)]
    for _file, _table, row in own[:1]:
        refs += [Ref(row[c], find=["row", ann.name, c]) for c in row if re.fullmatch(r"id|uid|user_?id|pk", c, re.I) and row[c] is not None]
    for endpoint in [e for e in house.endpoints if "GET" in e["methods"] and not LEAVE.search(e["path"])]:
        if house.late():
            return claims
        claims += shown_account(house, ann, bob, endpoint, refs)
    for endpoint in [e for e in house.endpoints if set(e["methods"]) & {"POST", "PUT", "PATCH", "DELETE"} and not LEAVE.search(e["path"])]:
        if house.late() or not own:
            return claims
        claims += changed_account(house, ann, bob, endpoint, refs, own[0])
    return claims


def shown_account(house, ann, bob, endpoint, refs):
    """Whether this entry point shows the first user's secret to anyone else, or private data by reference to another user."""
    tries = [(plain_request(house, endpoint), None)] if not endpoint.get("parts") else []
    for slot in fillable(house, endpoint)[:1]:
        tries += [(asking(house, endpoint, slot), ref) for ref in refs]
    for request, ref in tries:
        if request["method"] != "GET":
            continue
        filled = scenes.spoken(request, {"REF": ref.value if ref else "", "TEXT": "dqv"})
        to_all = house.send(None, filled)
        to_bob = house.send(bob, filled)
        for visitor, answer in ((None, to_all), (bob, to_bob)):
            if not shown(answer, ann.secret) and not private(house, ann, visitor, answer, to_all, ref):
                continue
            word = ann.secret if shown(answer, ann.secret) else ann.name + "@example.org"
            if len(ann.secret) < 8 or house.sign_up is None:
                continue
            steps = ann.entering()
            conditions = []
            if word != ann.secret:
                steps.append(dict(filled if not ref or not ref.find else scenes.spoken(request, {"TEXT": "dqv"}), who="", find={"REF": ref.find} if ref and ref.find else {}))
                conditions.append({"step": len(steps) - 1, "hides": word})
            if visitor is not None:
                steps += bob.entering()
            last = scenes.spoken(request, {"TEXT": "dqv", **({} if ref and ref.find else {"REF": ref.value if ref else ""})})
            steps.append(dict(visitor.carry(last) if visitor else dict(last, who=""), find={"REF": ref.find} if ref and ref.find else {}))
            conditions.append({"step": len(steps) - 1, "shows": word})
            what = "the password of" if word == ann.secret else "private data of"
            return [claim(house, "object" if ref else "login", "CWE-639" if ref and visitor else "CWE-306" if visitor is None else "CWE-862", endpoint, steps, conditions, [], "%s is shown %s the first user" % ("another user" if visitor else "a stranger", what), "reference" if ref else "none")]
    return []


def private(house, ann, visitor, answer, to_all, ref):
    """Whether private data came by reference, past a door that is shut to strangers, that no page shows to this user anyway."""
    address = ann.name + "@example.org"
    if visitor is None or ref is None or not shown(answer, address) or to_all[0] not in REFUSALS:
        return False
    return not any(shown(house.send(visitor, plain_request(house, e)), address) for e in pages(house)[:20])


def changed_account(house, ann, bob, endpoint, refs, own):
    """Whether this entry point lets anyone else change the first user's record or delete it."""
    if house.sign_in is not None and endpoint["id"] == house.sign_in["id"]:
        return []
    secret_column = next((c for c in own[2] if re.search("passw|pwd|hash", c, re.I)), None)
    state = house.attack_on(endpoint, bob)
    slots = [n for n in fillable(house, endpoint)] or []
    slots += [n for n in state.names if USER_NAME.match(n) and n not in slots]
    for slot in slots[:2]:
        for ref in refs:
            for visitor in (None, bob):
                request = asking(house, endpoint, slot, person=visitor)
                request = with_secrets(request, state)
                before = [r for r in scenes.rows_with(ann.name) if r[1] == own[1]]
                if not before or house.late():
                    return []
                if endpoint["id"] == (house.sign_up or {}).get("id") and visitor is not None:
                    continue
                text = house.word()
                house.send(visitor, scenes.spoken(request, {"REF": ref.value, "TEXT": text, "NEW": "N3w!" + text}))
                after = [r for r in scenes.rows_with(ann.name) if r[1] == own[1]]
                gone = not after
                changed = bool(after) and secret_column and after[0][2][secret_column] != before[0][2][secret_column]
                marked = bool(after) and any(isinstance(v, str) and text in v for v in after[0][2].values()) and not changed
                if not (gone or changed or marked):
                    continue
                return [account_claim(house, ann, visitor, endpoint, request, ref, own[1], secret_column if changed else None, gone)]
    return []


def with_secrets(request, state):
    """New secrets where the entry point takes some."""
    out = dict(request)
    if out.get("form"):
        out["form"] = [(k, "@@NEW@@" if SENSITIVE_INPUT.search(k) or re.search("confirm|repeat|again", k, re.I) else v) for k, v in out["form"]]
    if isinstance(out.get("json"), dict):
        out["json"] = {k: "@@NEW@@" if SENSITIVE_INPUT.search(k) else v for k, v in out["json"].items()}
    return out


def account_claim(house, ann, visitor, endpoint, request, ref, table, secret_column, gone):
    steps = ann.entering()
    if visitor is not None:
        steps += visitor.entering()
    last = scenes.spoken(request, {"TEXT": "@@MARKB@@", "NEW": "N3w!@@MARKB@@", **({} if ref.find else {"REF": ref.value})})
    find = {"REF": ref.find} if ref.find else {}
    if secret_column:
        find = dict(find, BEFORE=["row", ann.name, secret_column])
    else:
        find = dict(find, BEFORE=["row", ann.name, next(iter(own_columns(ann, table)), "id")])
    steps.append(dict(visitor.carry(last) if visitor else dict(last, who=""), find=find))
    conditions = [{"word": "@@BEFORE@@"}]
    if secret_column:
        steps.append({"who": "", "method": "GET", "path": "/", "find": {"AFTER": ["row", ann.name, secret_column]}})
        conditions.append({"word": "@@AFTER@@", "other": "@@BEFORE@@"})
        what = "changed the password of the first user"
    elif gone:
        conditions.append({"row": ann.name, "gone": True})
        what = "deleted the account of the first user"
    else:
        name = next((c for c in own_columns(ann, table) if re.search("name|login|user", c, re.I)), "username")
        conditions.append({"row": "@@MARKB@@", "column": name, "is": [ann.name.lower()]})
        what = "changed the record of the first user"
    return claim(house, "object" if visitor else "login", "CWE-639" if visitor else "CWE-306", endpoint, steps, conditions, ["MARKB"], "%s %s" % ("another user" if visitor else "a stranger", what), "reference")


def own_columns(ann, table):
    rows = [r for r in scenes.rows_with(ann.name) if r[1] == table]
    return [c for c, v in rows[0][2].items() if v not in (None, "", 0)] if rows else []


# --- more than was asked for ----------------------------------------------------------------------------------------


def more_than_asked(house, ann):
    """A registration that takes over fields which make somebody more than an ordinary user."""
    if house.sign_up is None:
        return []
    rows = [r for r in scenes.rows_with(ann.name) if re.search("user|account|member|customer", r[1], re.I)]
    claims = []
    for _file, table, row in rows[:1]:
        for column in [c for c in row if PRIVILEGE.match(c)][:6]:
            for value in ("admin", True) if isinstance(row[column], str) and not row[column].isdigit() else (True,):
                index = len(claims) + house.count
                name = "eve%d%d" % (time.time() % 1000, index)
                house.count += 1
                request = house.filled_in(house.sign_up, name, "Passw0rd!" + name)
                if request is None:
                    return claims
                request = with_more(request, column, value)
                house.send(None, request)
                mine = [r for r in scenes.rows_with(name) if r[1] == table]
                wanted = ["admin"] if value == "admin" else ["1", "true"]
                if mine and str(mine[0][2].get(column)).lower() in wanted and str(row[column]).lower() not in wanted:
                    steps = ann.entering()[:1] + [dict(json.loads(json.dumps(request).replace(name, "eve7733")), who="E")]
                    conditions = [{"row": "eve7733", "column": column, "is": wanted}, {"row": ann.name, "column": column, "is": [str(row[column]).lower()]}]
                    claims.append(claim(house, "privilege", "CWE-915", house.sign_up, steps, conditions, [], "a visitor who registers sets `%s` of the new account" % column, column))
                    break
    return claims[:1]


def made_more(house, ann, bob):
    """An entry point by which an ordinary user makes herself more than that: fields are taken over that it does not ask for."""
    own = [r for r in scenes.rows_with(ann.name) if re.search("user|account|member|customer|person|profile", r[1], re.I)][:1]
    columns = [(table, column, row[column]) for _file, table, row in own for column in row if RANK.match(column) and str(row[column]).lower() not in ("1", "true", "admin")]
    admin = any("admin" in f["compared"] + f["constants"] for f in house.survey["functions"])
    # A word that the application gave by itself, or one that it asks for elsewhere: an empty text may be anything.
    columns = [(t, c, v) for t, c, v in columns if not isinstance(v, str) or v.isdigit() or v or admin]
    for endpoint in [e for e in house.endpoints if set(e["methods"]) & {"POST", "PUT", "PATCH"} and not LEAVE.search(e["path"]) and not about_users(e)]:
        state = house.attack_on(endpoint, ann)
        for mode in [m for m in state.modes() if m in ("form", "json")]:
            for table, column, before in columns[:3]:
                if house.late():
                    return []
                words = isinstance(before, str) and not before.isdigit()
                if words and column in state.names:
                    continue  # a text that users are asked for, such as what they work as
                values = {n: ann.name for n in state.names + list(endpoint.get("parts", {})) if USER_NAME.match(n)}
                plain = bare(house, state.build(mode, values, {}, ("form", "json", "path")), mode)
                if any(k == column for k, _v in plain.get("form", [])) or column in (plain.get("json") or {}):
                    continue
                house.send(ann, plain)
                if rank_of(ann, table, column) != str(before).lower():
                    continue
                wanted = ["admin"] if words else ["1", "true"]
                request = with_more(plain, column, "admin" if words else True)
                house.send(ann, request)
                if rank_of(ann, table, column) in wanted and rank_of(bob, table, column) not in wanted:
                    steps = ann.entering() + bob.entering() + [ann.carry(request)]
                    conditions = [{"row": ann.name, "column": column, "is": wanted}, {"row": bob.name, "column": column, "is": [rank_of(bob, table, column)]}]
                    return [claim(house, "privilege", "CWE-915", endpoint, steps, conditions, [], "an ordinary user sets `%s` of her own account" % column, column)]
    return []


def rank_of(person, table, column):
    """The value of a column in a user's row, in small letters."""
    rows = [r for r in scenes.rows_with(person.name) if r[1] == table]
    return str(rows[0][2].get(column)).lower() if rows else ""


def with_more(request, name, value):
    out = dict(request)
    if isinstance(out.get("json"), dict):
        out["json"] = dict(out["json"], **{name: value})
    else:
        out["form"] = list(out.get("form", [])) + [(name, "1" if value is True else value)]
    return out


def claim(house, kind, weakness, endpoint, steps, conditions, marks, effect, name):
    place = endpoint["place"]
    return {
        "kind": kind, "cwe": weakness, "name": name, "channel": "scene", "template": "", "steps": json.loads(json.dumps(steps)), "effect": effect, "oracle": "scene", "file": place[0], "line": place[1], "function": str(place[2]),
        "endpoint": endpoint["id"], "speaks": endpoint["speaks"], "framework": endpoint["framework"], "loader": endpoint["loader"], "conditions": conditions, "marks": marks,
    }
