"""The dates that a request mentions, worked out by trusted code: a small model copies a date well and computes one badly."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass

mentions_max = 6

_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_MONTHS = ("january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november", "december")
_MONTH = "|".join(f"{month}|{month[:3]}" for month in _MONTHS)
_ORDINAL = r"(?:st|nd|rd|th)?"

_DATE = re.compile(
    rf"""\b(?:
      (?P<near>today|tonight|tomorrow|the\ day\ after\ tomorrow|yesterday)
    | (?:(?P<which>next\ week|next|this|last|on|since)\ (?:on\ )?)?(?P<weekday>{"|".join(_DAYS)})
    | (?P<past>since\ )?(?:the\ )?(?P<day>\d{{1,2}}){_ORDINAL}\ (?:of\ )?(?P<month>{_MONTH})\b(?:,?\ (?P<year>\d{{4}}))?
    | (?P<month2>{_MONTH})\ (?:the\ )?(?P<day2>\d{{1,2}}){_ORDINAL}\b(?:,?\ (?P<year2>\d{{4}}))?
    | (?P<iso>\d{{4}}-\d{{2}}-\d{{2}})
    | in\ (?P<count>\d{{1,3}}|a|two|three|four)\ (?P<unit>day|week)s?
    )\b""",
    re.IGNORECASE | re.VERBOSE,
)
_TIME = re.compile(
    r"""\b(?:
      (?P<half>half\ past|quarter\ past|quarter\ to)\ (?P<hour3>\d{1,2}|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve)
    | (?P<hour>\d{1,2})[:.h](?P<minute>\d{2})(?!\d|\.\d)\s?(?P<half1>am|pm|a\.m\.|p\.m\.)?
    | (?P<hour2>\d{1,2})\s?(?P<half2>am|pm|a\.m\.|p\.m\.|o'clock)
    | (?<=at\ )(?P<hour4>\d{1,2}|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve)(?!\s?(?:%|euro|eur|€|\d|[.,]\d))
    | (?P<word>noon|midday|midnight)
    )(?:\ in\ the\ (?P<part>morning|afternoon|evening))?\b""",
    re.IGNORECASE | re.VERBOSE,
)
_WORDS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
_EVENING = re.compile(r"\b(tonight|evening|afternoon|dinner|supper|drinks)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Mention:
    """A phrase of the request and how a plan writes it."""

    phrase: str
    code: str

    @property
    def name(self) -> str:
        """How a plan may call it: models read `Friday = date(…)` as a name that is there."""
        return re.sub(r"\W+", "_", self.phrase.lower()).strip("_")


def mentions(request: str, today: dt.date) -> list[Mention]:
    """Every date and time of the request as plan code, in order; a time is joined with the date nearest before it, else after it."""
    dates = [(match, found) for match in _DATE.finditer(request) if (found := _date(match, today)) is not None]
    times = [(match, found) for match in _TIME.finditer(request) if (found := _time(match, request)) is not None]
    used: set[int] = set()
    made: list[tuple[int, Mention]] = []
    for match, (hour, minute) in times:
        if any(date.start() < match.end() and match.start() < date.end() for date, _ in dates):
            continue
        nearest = min(range(len(dates)), key=lambda i: _distance(dates[i][0], match), default=None)
        if nearest is None:
            made.append((match.start(), Mention(match.group(), f"hour {hour}, minute {minute}")))
            continue
        date, day = dates[nearest]
        used.add(nearest)
        code = f"datetime({day.year}, {day.month}, {day.day}, {hour}, {minute})"
        made.append((match.start(), Mention(_plain(f"{date.group()} {match.group()}"), code)))
    for index, (match, day) in enumerate(dates):
        if index not in used:
            made.append((match.start(), Mention(_plain(match.group()), f"date({day.year}, {day.month}, {day.day})")))
    return [mention for _, mention in sorted(made, key=lambda pair: pair[0])[:mentions_max]]


def _plain(phrase: str) -> str:
    return re.sub(r"^(?:on|since|the|this)\s+", "", phrase.strip(), flags=re.IGNORECASE)


def _distance(date: re.Match[str], time: re.Match[str]) -> int:
    return time.start() - date.end() if date.end() <= time.start() else 2 * (date.start() - time.end()) + 1


def _date(match: re.Match[str], today: dt.date) -> dt.date | None:
    found = {key: value.lower() for key, value in match.groupdict().items() if value}
    if "near" in found:
        return today + dt.timedelta(days={"yesterday": -1, "tomorrow": 1, "the day after tomorrow": 2}.get(found["near"], 0))
    if "weekday" in found:
        ahead = (_DAYS.index(found["weekday"]) - today.weekday()) % 7
        which = found.get("which", "")
        if which == "next week":
            return today + dt.timedelta(days=7 - today.weekday() + _DAYS.index(found["weekday"]))
        return today + dt.timedelta(days=ahead - 7 if which in ("last", "since") else ahead or 7)
    if "count" in found:
        count = {"a": 1, "two": 2, "three": 3, "four": 4}.get(found["count"]) or int(found["count"])
        return today + dt.timedelta(days=count * (7 if found["unit"] == "week" else 1))
    try:
        if "iso" in found:
            return dt.date.fromisoformat(found["iso"])
        return _month_day(found, today)
    except ValueError:
        return None


def _month_day(found: dict[str, str], today: dt.date) -> dt.date:
    """The day in its year; without a year the next time that it comes."""
    name = found.get("month") or found["month2"]
    month = next(i for i, known in enumerate(_MONTHS, 1) if known.startswith(name[:3]))
    day, year = int(found.get("day") or found["day2"]), found.get("year") or found.get("year2")
    if year:
        return dt.date(int(year), month, day)
    made = dt.date(today.year, month, day)
    if "past" in found:
        return made if made <= today else dt.date(today.year - 1, month, day)
    return made if made >= today else dt.date(today.year + 1, month, day)


def _time(match: re.Match[str], request: str) -> tuple[int, int] | None:
    found = {key: value.lower() for key, value in match.groupdict().items() if value}
    if "word" in found:
        return (0, 0) if found["word"] == "midnight" else (12, 0)
    said = next(found[key] for key in ("hour", "hour2", "hour3", "hour4") if key in found)
    hour = _WORDS.index(said) if said in _WORDS else int(said)
    minute = int(found.get("minute", 0))
    match found.get("half"):
        case "half past":
            minute = 30
        case "quarter past":
            minute = 15
        case "quarter to":
            hour, minute = hour - 1, 45
    part = found.get("half1") or found.get("half2") or found.get("part") or ""
    late = part.startswith("p") or part in ("afternoon", "evening") or (not part.startswith("a") and part != "morning" and _sounds_late(hour, request))
    if late and hour < 12:
        hour += 12
    if part.startswith("a") and part != "afternoon" and hour == 12:
        hour = 0
    return (hour, minute) if hour < 24 and minute < 60 else None


def _sounds_late(hour: int, request: str) -> bool:
    """A bare small hour is an afternoon one (nobody books four in the morning), or an evening one where the request says so."""
    return 1 <= hour <= 6 or (hour <= 11 and _EVENING.search(request) is not None)
