"""Judges effects: small functions without state, each of which the emitted tests carry as well.

A payload is a text with tokens: @@FLAG@@ (a directory that only run code makes), @@CANARY@@ (a file outside the
project), @@UP@@ (a climb to the file system's root), @@FN@@ (a function name known to no query), @@MARK@@ (a random word), @@PORT@@.
"""

import base64
import io
import os
import re
from html.parser import HTMLParser

CLIMB = "../" * 14
EVIL_HOST = "evil-@@MARK@@.example"


def fill(text, tokens):
    """The payload with its tokens replaced, then encoded as the template asks (`b64:`, `hex:`, `url:` in front)."""
    coding = ""
    match = re.match(r"@@AS:(\w+)@@", text)
    if match:
        coding, text = match.group(1), text[match.end():]
    for name, value in tokens.items():
        text = text.replace("@@%s@@" % name, value)
    if coding in ("b64", "b64u", "b64p"):
        encode = base64.b64encode if coding == "b64" else base64.urlsafe_b64encode
        text = encode(text.encode("utf-8", "surrogateescape")).decode() + ("====" if coding == "b64p" else "")
    elif coding == "hex":
        text = text.encode("utf-8", "surrogateescape").hex()
    elif coding == "b32":
        text = base64.b32encode(text.encode("utf-8", "surrogateescape")).decode()
    elif coding == "url":
        from urllib.parse import quote

        text = quote(text, safe="", errors="surrogateescape")
    elif coding in ("tar", "zip"):
        text = archive(coding, text)
    elif coding == "folded":
        text = folded(text)
    return text


def folded(path):
    """A pickle that makes a directory, in base64 that stays what it is where every word is written with one capital, as names of headers are."""
    def spelt(word):
        return [[b"V"]] + [([c.encode()] if ord(c) < 128 else []) + [b"\\u%04X" % ord(c), b"\\u%04x" % ord(c)] for c in word] + [[b"\n"], [b"", b"N0", b"]0", b"}0", b"NN00", b"N]00"]]

    parts = spelt("posix") + spelt("mkdir") + [[b"\x93"], [b"("]] + spelt(path) + [[b"t"], [b"R"], [b"."], [b"", b"0", b"00", b"N", b"NN", b"0N"]]
    alphabet, hopeless = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/", set()

    def written(number, bits, count, letter):
        """The rest of the text from a part on, with bits that are left over; None if no choice keeps every small letter behind another letter."""
        if number == len(parts):
            return "" if count == 0 else None
        if (number, bits, count, letter) in hopeless:
            return None
        for choice in parts[number]:
            left, held, before, out = bits, count, letter, ""
            for byte in choice:
                left, held = (left << 8) | byte, held + 8
                while held >= 6:
                    held -= 6
                    sign, left = alphabet[left >> held], left & ((1 << held) - 1)
                    if sign in "+/" or (sign.islower() and not before):
                        out = None
                        break
                    out, before = out + ("." if sign.isupper() and before else "") + sign, sign.isalpha()
                if out is None:
                    break
            rest = written(number + 1, left, held, before) if out is not None else None
            if rest is not None:
                return out + rest
        hopeless.add((number, bits, count, letter))
        return None

    return (written(0, 0, 0, False) or "x") + "===="  # of which the code may cut off some


def archive(kind, inner):
    """An archive (as latin-1 text) whose only member is called `inner`."""
    out = io.BytesIO()
    if kind == "tar":
        import tarfile

        with tarfile.open(fileobj=out, mode="w") as made:
            info = tarfile.TarInfo(inner)
            info.size = 4
            made.addfile(info, io.BytesIO(b"slip"))
    else:
        import zipfile

        with zipfile.ZipFile(out, "w") as made:
            made.writestr(inner, "slip")
    return out.getvalue().decode("latin-1")


class Page(HTMLParser):
    """Collects what a browser would take as elements, attributes and script."""

    def __init__(self):
        HTMLParser.__init__(self, convert_charrefs=True)
        self.tags, self.attributes, self.urls, self.script, self.inside = set(), set(), [], "", False

    def handle_starttag(self, tag, attributes):
        self.tags.add(tag)
        self.attributes |= {name for name, _value in attributes}
        self.urls += [value or "" for name, value in attributes if name in ("href", "src", "action", "formaction")]
        self.inside = tag == "script"

    def handle_endtag(self, tag):
        if tag == "script":
            self.inside = False

    def handle_data(self, data):
        if self.inside:
            self.script += data


def markup_broken(headers, body, mark):
    """Whether the word `mark` became an element, an attribute, a script URL or script code in an HTML answer."""
    kind = next((v for k, v in headers if k.lower() == "content-type"), "text/html").lower()
    if not any(word in kind for word in ("text/html", "xhtml", "svg")):
        return False
    if any(k.lower() == "content-disposition" and v.lower().startswith("attachment") for k, v in headers):
        return False
    page = Page()
    try:
        page.feed(body.decode("utf-8", "replace"))
        page.close()
    except Exception:
        return False
    in_script = ("';%s;'" % mark) in page.script or ('";%s;"' % mark) in page.script
    return mark in page.tags or mark in page.attributes or any(u.strip().lower().startswith("javascript:" + mark) for u in page.urls) or in_script


def leads_away(headers, host):
    """Whether a redirect would take a browser to `host`."""
    for name, value in headers:
        if name.lower() == "location":
            match = re.match(r"[\x00-\x20]*(?:https?:)?[/\\]{2,}(?:[^/\\?#]*@)?([^/\\?#:]*)", value.replace("\t", "").replace("\n", ""), re.I)
            if match and match.group(1).lower().endswith(host):
                return True
    return False


def header_made(headers, mark):
    """Whether the answer has a header of its own that is called `X-` and the word."""
    name = ("x-" + mark).lower()
    return any(k.lower() == name or re.search(r"[\r\n]" + re.escape(name) + ":", v.lower()) for k, v in headers)


def log_lines(mark, root):
    """Whether a file of the log holds a line that begins with the word."""
    import logging

    places = {h.baseFilename for owner in [logging.root] + [o for o in logging.root.manager.loggerDict.values() if isinstance(o, logging.Logger)] for h in owner.handlers if hasattr(h, "baseFilename")}
    for directory, names, files in os.walk(root):
        names[:] = [n for n in names if not n.startswith(".") and n not in ("node_modules", "site-packages", "static")]
        places |= {os.path.join(directory, f) for f in files if re.search(r"\.log(\.\d+)?$|(^|_)logs?\.txt$", f, re.I)}
    for place in places:
        try:
            with open(place, "rb") as stream:
                stream.seek(max(0, os.path.getsize(place) - 20000))
                if any(line.startswith(mark.encode()) for line in stream.read().splitlines()):
                    return True
        except OSError:
            continue
    return False


def outside_literals(text):
    """A query without its quoted parts."""
    return re.sub(r"'[^']*'|\"[^\"]*\"", " ", text)


def within(path, place):
    """Whether a path, as the system resolves it, is `place` or lies in it."""
    try:
        real = os.path.realpath(path)
    except (OSError, ValueError):
        return False
    return real == place or real.startswith(place + os.sep)
