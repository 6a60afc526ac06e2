"""Two users of one application: what one of them reads or changes of the other's, and what a stranger reads or changes.

Users are made through the application's own forms, found among its sample data, or signed in by the framework. What belongs
to a user is a random word that only this user was given to write. Explored is on a copy of the state; a hole is claimed
only after its whole scene was played anew from the first state.
"""

import ast
import json
import os
import re
import time

import scenes
from attack import SENSITIVE_INPUT, Attack
from web import play

NAMES = ("ann7731", "bob7732")
SECRETS = ("Passw0rd!ann7731", "Passw0rd!bob7732")
SIGN_UP = re.compile(r"regist|sign_?-?up|create_?-?(user|account)|new_?-?user|add_?-?user|join\b|/users?/?$|/users?/(v\d/)?(create|add|new)", re.I)
SIGN_IN = re.compile(r"log_?-?in|sign_?-?in|auth|session|token", re.I)
ENTRANCE = re.compile(r"(regist\w*|sign_?-?(up|in)|log_?-?in)/?$", re.I)
# Where one leaves, and where everything begins anew: nobody goes there while something is being watched.
LEAVE = re.compile(r"log_?-?out|sign_?-?out|(create|init|reset|seed|populate|drop|wipe|flush|clear|rebuild|restore)_?-?(the_?-?)?(db|database|data|tables|all|everything)\b|/(seed|populate|reset|install|setup)/?$", re.I)
USER_NAME = re.compile(r"^(user|user_?name|login|name|nick(name)?|handle|account|uname|usr|login_?name)$", re.I)
REFERENCE = re.compile(r"^(id|pk|uid|uuid|slug|ref|key|number|no)$|(_id|_pk|Id|_no|_number|_ref|_uuid|_slug)$|^(user|username|user_?name|email|account|owner|note|order|invoice|doc|document|file|message|post|item|ticket|record|profile|customer|member|book|task|report)$", re.I)
PRIVATE = re.compile(r"mail|phone|mobile|address|ssn|social|card|iban|salary|birth|dob|passport|secret|balance", re.I)
PRIVILEGE = re.compile(r"^(is_?)?(admin|staff|superuser|super_?user|root|moderator|manager|premium|verified|approved)$|^(role|roles|user_?role|privilege|permission|permissions|access_?level|account_?type|user_?type|group|balance|credit|credits)$", re.I)
TOKEN = r'(?im)(?:"(?!csrf|xsrf|refresh)(?:\w*token|jwt|api_?key|access|bearer|session_?id)"\s*:\s*"|^(?!csrf)(?:authorization|\w*-?token|x-\w*-token|jwt):[ ]*(?:bearer |jwt |token )?|^"?(?=ey[\w-]+\.[\w-]+\.))([^"\s]{8,})'
CARRIERS = (("Authorization", "Bearer @@TOKEN@@"), ("Authorization", "Token @@TOKEN@@"), ("Authorization", "JWT @@TOKEN@@"), ("Authorization", "@@TOKEN@@"), ("X-Access-Token", "@@TOKEN@@"), ("X-Api-Key", "@@TOKEN@@"), ("X-Auth-Token", "@@TOKEN@@"), ("Token", "@@TOKEN@@"))
# Whom something is for: there the other user is named.
ADDRESSEES = ("to", "to_user", "to_username", "recipient", "recipient_name", "receiver", "receiver_name", "addressee", "friend", "partner", "for_user")
REDIRECTIONS = (301, 302, 303, 307, 308)
REFUSALS = (301, 302, 303, 307, 308, 401, 403)
PAIRS_MAX = 30
FEW_DOORS = 3
OBJECTS_MAX = 12
CLAIMS_MAX = 20
# Doors that are open to all on purpose, whatever stands beside them.
OPEN_PATHS = re.compile(r"^/?(index|home|about|feed|search|public\w*|latest|recent|explore|browse|blog|rss)?/?$", re.I)


class Person(object):
    """Somebody who can be signed in by steps, and what each further request carries."""

    def __init__(self, who, name, secret, steps, carried=(), session=None, words=None):
        self.who, self.name, self.secret, self.steps, self.carried, self.session, self.words = who, name, secret, steps, list(carried), session, words or {}

    def entering(self):
        """The steps that sign in, as a scene's steps."""
        return [dict(step, who=self.who) for step in self.steps]

    def carry(self, request):
        """A request as this person sends it in a scene."""
        step = dict(request, who=self.who)
        if self.carried:
            step["headers"] = list(step.get("headers", [])) + [list(c) for c in self.carried]
        if self.session is not None:
            step["session"] = self.session
        return step


class House(object):
    """The state of the exploration of one application."""

    def __init__(self, endpoints, app, watch, survey, nonce, deadline, root):
        self.endpoints, self.app, self.watch, self.survey, self.nonce, self.deadline, self.root = endpoints, app, watch, survey, nonce, deadline, root
        self.speaks, self.framework = endpoints[0]["speaks"], endpoints[0]["framework"]
        self.people, self.learnt, self.jars, self.notes = [], {}, {}, []
        self.sign_up = self.sign_in = None
        self.count, self.humbly, self.alone = 0, True, None

    # -- entry points ------------------------------------------------------------------------------------------------

    def attack_on(self, endpoint, person=None, there=None):
        """The inputs of an entry point as this person meets them, learnt once; with `there`, {part of the path: what it refers to}, as they are met where that is."""
        key = (endpoint["id"], person.who if person else "", tuple(there or ()))
        if key not in self.learnt:
            state = Attack(endpoint, self.app, self.watch, self.survey, self.nonce, min(self.deadline, time.monotonic() + 6), False, self.endpoints)
            other = next((p.name for p in self.people if p is not person), None) if person is not None else None
            state.there = dict({name: other for name in ADDRESSEES} if other else {}, **(there or {}))
            if person is not None:
                state.jar, state.carried, state.session = self.jars[person.who], [(k, scenes.spoken(v, person.words)) for k, v in person.carried], person.session
            state.look()
            self.learnt[key] = state
        return self.learnt[key]

    def late(self):
        return time.monotonic() > self.deadline

    def word(self):
        self.count += 1
        return "dqp%s%02d" % (os.urandom(3).hex(), self.count)

    def send(self, person, request):
        """(status, headers, body) as this person, or as a stranger."""
        request = dict(request)
        jar = {}
        if person is not None:
            jar = self.jars[person.who]
            if ENTRANCE.search(request["path"]):
                jar = dict(jar)  # whoever tries the doors stays who they are
            request = scenes.spoken(person.carry(request), person.words)
            request.pop("who")
        try:
            return play([request], self.app, self.speaks, jar)
        except (KeyboardInterrupt, SystemExit):
            raise
        except BaseException:
            return 500, [], b""

    # -- becoming users ----------------------------------------------------------------------------------------------

    def settle(self):
        """Find two ways to be somebody; whether there are two."""
        for attempt, self.humbly in ((self.by_forms, True), (self.by_forms, False), (self.by_sample_data, True), (self.by_framework, True)):
            self.people = []
            if not self.humbly and not any(PRIVILEGE.match(n) for e in self.doors(SIGN_UP)[:4] for n in self.attack_on(e).names):
                continue
            try:
                attempt()
            except Exception as error:
                self.notes.append(repr(error)[:200])
                continue
            if len(self.people) == 2:
                return True
        self.people = []
        if self.alone:  # one user shows what is behind the doors, if not what two could do to each other
            self.people, self.sign_in = [self.alone[0]], self.alone[1]
        return False

    def doors(self, pattern):
        found = [e for e in self.endpoints if pattern.search(e["path"] + " " + str(e["place"][2])) and set(e["methods"]) & {"POST", "PUT"} and not LEAVE.search(e["path"]) and not e.get("parts")]
        return sorted(found, key=lambda e: not pattern.search(e["path"].rstrip("/").rsplit("/", 1)[-1]))

    def filled_in(self, endpoint, name, secret, mode=None):
        """A form about a user, filled in with this name and secret; None if it asks for no secret, or does not come in this mode."""
        state = self.attack_on(endpoint)
        names = list(state.names)
        if not any(SENSITIVE_INPUT.search(n) for n in names):
            return None
        values = {}
        for field in names:
            low = field.lower()
            if re.search(r"passw|passwd|pwd|secret|confirm|repeat|again|password2", low):
                values[field] = secret
            elif "mail" in low:
                values[field] = name + "@example.org"
            elif USER_NAME.match(low):
                values[field] = name
        if mode is not None and mode not in state.modes():
            return None
        mode = mode or ("json" if "json" in state.modes() and "form" not in state.modes() else state.modes()[0])
        if mode == "query":
            mode = "form"
        # What makes somebody more than an ordinary user is not asked for by one, unless the form cannot do without.
        state.names = [n for n in names if not self.humbly or state.offered or not PRIVILEGE.match(n)]
        request = state.build(mode, {}, values)
        state.names = names
        if mode == "form":
            request.pop("query", None)
        return {k: v for k, v in request.items() if k != "session" and (k not in ("headers", "cookies") or self.framework == "django")}

    def by_forms(self):
        """Register and log in through the application's own routes."""
        for sign_up in self.doors(SIGN_UP)[:4]:
            for sign_in in [e for e in self.doors(SIGN_IN) if e["id"] != sign_up["id"]][:4] + [None]:
                for up, into in (("form", "form"), ("json", "json"), ("form", "json"), ("json", "form")):
                    self.people = []
                    for who, name, secret in zip("AB", NAMES, SECRETS):
                        first = self.filled_in(sign_up, name, secret, up)
                        second = self.filled_in(sign_in, name, secret, into) if sign_in is not None else None
                        if first is None or (sign_in is not None and second is None) or self.late():
                            break
                        if not self.admit(who, name, secret, [first] + ([second] if second else [])):
                            break
                    if len(self.people) == 2:
                        self.sign_up, self.sign_in = sign_up, sign_in
                        return

    def by_sample_data(self):
        """Log in as users that the sample data or the source names."""
        for sign_in in self.doors(SIGN_IN)[:3]:
            for name, secret in self.known_pairs():
                if self.late() or len(self.people) == 2:
                    break
                for mode in ("form", "json"):
                    request = self.filled_in(sign_in, name, secret, mode)
                    if request is not None and self.admit("AB"[len(self.people)], name, secret, [json.loads(json.dumps(request).replace(name + "@example.org", name))]):
                        break
            if len(self.people) == 2:
                # The humbler of the two is the one who tries the other's doors.
                if re.search("admin|root", self.people[1].name, re.I):
                    self.people.reverse()
                    self.jars = {"A": self.jars["B"], "B": self.jars["A"]}
                    self.people[0].who, self.people[1].who = "A", "B"
                self.sign_up, self.sign_in = None, sign_in
                return
            self.alone = self.alone or (self.people[:1] and (self.people[0], sign_in))
            self.people = []

    def known_pairs(self):
        """(name, secret) pairs: rows of user tables, neighbouring words in the source."""
        pairs = []
        for _file, _table, row in scenes.rows_with(""):
            names = [v for k, v in row.items() if re.search(r"user|login|mail|name", k, re.I) and isinstance(v, str)]
            secrets = [v for k, v in row.items() if re.search(r"passw|pwd|secret", k, re.I) and isinstance(v, str)]
            pairs += [(n, s) for n in names[:2] for s in secrets[:1] if 0 < len(s) <= 40]
        for facts in self.survey["files"]:
            try:
                with open(os.path.join(self.root, facts["file"]), "rb") as stream:
                    tree = ast.parse(stream.read())
            except (OSError, SyntaxError, ValueError):
                continue
            names, secrets = [], []
            for node in ast.walk(tree):
                pairs += pairs_of(node)
                if isinstance(node, ast.Call):
                    names += [k.value.value for k in node.keywords if k.arg and USER_NAME.match(k.arg) and isinstance(k.value, ast.Constant) and isinstance(k.value.value, str)]
                    if re.search("passw", getattr(node.func, "attr", getattr(node.func, "id", "")), re.I):
                        secrets += [a.value for a in node.args[:1] if isinstance(a, ast.Constant) and isinstance(a.value, str)]
            pairs += [(n, s) for n in names[:4] for s in secrets[:4]]
        return list(dict.fromkeys(p for p in pairs if " " not in p[0] and 0 < len(p[0]) < 40 and 2 < len(p[1]) < 40))[:PAIRS_MAX]

    def by_framework(self):
        """Sessions that the framework signs, for users whom the session's keys tell apart."""
        if self.framework == "django":
            for who, name in zip("AB", NAMES):
                self.admit(who, name, "", [], session={"user": name})
            self.sign_up = self.sign_in = None
            return
        if self.framework != "flask" or not getattr(self.app, "secret_key", None):
            return
        keys = set()
        for endpoint in self.endpoints[:40]:
            state = self.attack_on(endpoint)
            self.watch.begin()
            state.send(state.build("query", {}, {}))
            keys |= {k for k in self.watch.session_keys if isinstance(k, str) and re.search(r"user|uid|login|account|email|^id$|_id$", k, re.I)}
        if not keys:
            return
        users = [row for _f, table, row in scenes.rows_with("") if re.search("user|account|member", table, re.I)][:2]
        for index, who in enumerate("AB"):
            row = users[index] if index < len(users) else {}
            data = {}
            for key in keys:
                same = next((c for c in row if c.lower() == key.lower() or c.lower() == key.lower().replace("user_", "")), None)
                data[key] = row[same] if same else row.get("id", index + 1) if re.search("id$|^uid", key, re.I) else row.get("username", NAMES[index])
            self.admit(who, str(row.get("username", NAMES[index])), "", [], session=data)
        self.sign_up = self.sign_in = None

    def admit(self, who, name, secret, steps, session=None):
        """Try to become somebody; kept if some door that was shut to a stranger opens."""
        probes = self.shut_doors()
        jar, words = {}, {}
        self.jars[who] = jar
        answer = (0, [], b"")
        for step in steps:
            try:
                answer = play([dict(step)], self.app, self.speaks, jar)
            except Exception:
                return False
        if steps and answer[0] >= 400:
            return False
        carriers = [()]
        text = whole(answer)
        match = re.findall(TOKEN, text)
        if match:
            words = {"TOKEN" + who: match[-1]}
            carriers = [((k, v.replace("TOKEN", "TOKEN" + who)),) for k, v in CARRIERS] + [()]
            steps = [dict(s) for s in steps]
            steps[-1]["take"] = {"TOKEN" + who: TOKEN}
        for carried in carriers:
            person = Person(who, name, secret, steps, carried, session, words)
            if any(self.opens(person, request) for request in probes):
                self.people.append(person)
                return True
        if not probes and (jar or match) and steps:
            self.people.append(Person(who, name, secret, steps, carriers[0], session, words))
            return True
        return False

    def opens(self, person, request):
        """Whether a door that is shut to strangers is open to this person: it answers, or leads elsewhere than to where one signs in."""
        answer = self.send(person, request)
        if answer[0] in REDIRECTIONS:
            leads, led = place_in(answer), place_in(self.send(None, request))
            return leads != led and bool(SIGN_IN.search(led)) and not SIGN_IN.search(leads)
        if answer[0] in (404, 500) and person.words:
            # Behind the door something was lacking; that it is open shows by another token, which is turned away.
            return self.send(Person(person.who, person.name, "", [], person.carried, None, {k: "x" + w[:-4] + "xxxx" for k, w in person.words.items()}), request)[0] in REFUSALS
        return answer[0] not in REFUSALS + (404, 405, 500)

    def with_token(self, person):
        """The same user by a door that gives out a signed token, or None."""
        for door in self.doors(SIGN_IN):
            for mode in ("json", "form"):
                request = self.filled_in(door, person.name, person.secret, mode) if person.secret else None
                if request is None:
                    continue
                try:
                    answer = play([dict(request)], self.app, self.speaks, {})
                except Exception:
                    continue
                match = re.findall(TOKEN, whole(answer))
                if match and match[-1].count(".") == 2:
                    twin = Person(person.who, person.name, person.secret, [dict(s) for s in person.steps[:-1]] + [dict(request, take={"TOKENA": TOKEN})], (), None, {"TOKENA": match[-1]})
                    for carrier in CARRIERS:
                        twin.carried = [(carrier[0], carrier[1].replace("TOKEN", "TOKENA"))]
                        kept, self.jars[person.who] = self.jars[person.who], {}
                        opened = any(self.send(None, r)[0] in REFUSALS and self.send(twin, r)[0] not in REFUSALS + (404, 500) for r in self.shut_doors(all_of_them=True))
                        self.jars[person.who] = kept
                        if opened:
                            return twin
        return None

    def shut_doors(self, all_of_them=False):
        """Requests that a stranger is refused."""
        if all_of_them or not hasattr(self, "shut"):
            self.shut = []
            for endpoint in self.endpoints:
                if "GET" in endpoint["methods"] and not LEAVE.search(endpoint["path"]) and len(self.shut) < (40 if all_of_them else 6):
                    request = Attack(endpoint, self.app, self.watch, self.survey, self.nonce, self.deadline, False).build("query", {}, {})
                    if self.send(None, request)[0] in REFUSALS:
                        self.shut.append(request)
            if len(self.shut) < FEW_DOORS and not all_of_them:
                self.shut = self.shut + self.shut_actions()
        return self.shut

    def shut_actions(self):
        """Where hardly a page is shut: requests that act, and that a stranger is refused."""
        found = []
        for endpoint in self.endpoints:
            if set(endpoint["methods"]) & {"POST", "PUT", "PATCH"} and not LEAVE.search(endpoint["path"]) and not SIGN_IN.search(endpoint["path"]) and not SIGN_UP.search(endpoint["path"]) and len(found) < 4 and not self.late():
                state = self.attack_on(endpoint)
                mode = next((m for m in state.modes() if m != "query"), "form")
                request = {k: v for k, v in state.build(mode, {}, {}).items() if k not in ("query", "session") and (k not in ("headers", "cookies") or self.framework == "django")}
                if self.send(None, request)[0] in REFUSALS:
                    found.append(request)
        return found


def whole(answer):
    """Headers and body of an answer as one text."""
    return "\n".join("%s: %s" % pair for pair in answer[1]) + "\n\n" + answer[2].decode("utf-8", "replace")


def place_in(answer):
    """Where an answer leads, without what comes after the path."""
    return next((v for k, v in answer[1] if k.lower() == "location"), "").split("?")[0]


def pairs_of(node):
    """Two neighbouring short words, as in lists of users."""
    def word(part):
        return part.value if isinstance(part, ast.Constant) and isinstance(part.value, str) and "\n" not in part.value else None

    if isinstance(node, (ast.Tuple, ast.List)) and 2 <= len(node.elts) <= 8:
        words = [word(e) for e in node.elts]
        return [(a, b) for a, b in zip(words, words[1:]) if a and b]
    if isinstance(node, ast.Dict):
        items = [(word(k) if k is not None else None, v) for k, v in zip(node.keys, node.values)]
        found = [(k, word(v)) for k, v in items if k and word(v)]
        name = next((v for k, v in found if USER_NAME.match(k) or k == "email"), None)
        secret = next((v for k, v in found if re.search("passw|pwd", k, re.I)), None)
        inner = [(k, word(x)) for k, v in items if k and isinstance(v, ast.Dict) for y, x in zip(v.keys, v.values) if y is not None and re.search("passw|pwd", word(y) or "", re.I) and word(x)]
        return ([(name, secret)] if name and secret else found if len(found) < 12 else []) + inner
    if isinstance(node, ast.Call):
        given = {k.arg: word(k.value) for k in node.keywords if k.arg}
        name = next((v for k, v in given.items() if v and (USER_NAME.match(k) or k == "email")), None)
        secret = next((v for k, v in given.items() if v and re.search("passw|pwd", k, re.I)), None)
        plain = [word(a) for a in node.args]
        found = [(name, secret)] if name and secret else []
        if name and not secret:
            found += [(name, word(k.value.args[0])) for k in node.keywords if k.arg and re.search("passw|pwd", k.arg, re.I) and isinstance(k.value, ast.Call) and k.value.args and word(k.value.args[0])]
        return found + [(a, b) for a, b in zip(plain, plain[1:]) if a and b and len(plain) <= 6 and " " not in a]
    return []
