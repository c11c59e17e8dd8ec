"""The grammar of written dates: three orders, month names, Chinese marks, times with zones."""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterable
from functools import lru_cache

import numpy as np

__all__ = ["ORDERS", "date_form", "iso", "read_date"]

ORDERS = ("dmy", "mdy", "ymd")
MONTHS = {name: number for number, name in enumerate(("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"), start=1)}
MONTH = (
    r"(?P<name>jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?"
    r"|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)\.?"
)
WEEKDAY = r"(?:(?:mon|tues?|wed(?:nes)?|thu(?:rs)?|fri|sat(?:ur)?|sun)(?:day)?\.?,?\s+)?"
TIME = (
    r"(?:(?:t|,?\s+|(?<=日)\s*)(?P<half>上午|下午)?(?P<hour>\d{1,2})\s?[:时点]\s?(?P<minute>\d{2})分?(?:\s?:?\s?(?P<second>\d{2})秒?(?:[.,](?P<part>\d{1,9}))?)?"
    r"(?:\s*(?P<noon>[ap])\.?m\.?)?\s*(?P<zone>z|utc|gmt|(?:utc|gmt)?[+-]\d{2}:?(?:\d{2})?)?)?"
)
YEAR = r"(?P<year>[12]\d{3})"
SHORT = r"(?P<year>[12]\d{3}|'?\d{2})"
PATTERNS = [
    re.compile(pattern + TIME, re.IGNORECASE)
    for pattern in (
        rf"{WEEKDAY}{YEAR}(?P<s>[-/. ])(?P<month>\d{{1,2}})(?P=s)(?P<day>\d{{1,2}})",
        rf"{YEAR}\s*年\s*(?P<month>\d{{1,2}})\s*月\s*(?:(?P<day>\d{{1,2}})\s*[日号])?(?:\s*(?:星期|周).)?",
        rf"{YEAR}(?P<month>[01]\d)(?P<day>[0-3]\d)",
        rf"{WEEKDAY}(?P<day>\d{{1,2}})(?:st|nd|rd|th)?(?:\s+of)?[-\s/.]*{MONTH}[-\s/.,]*{SHORT}",
        rf"{WEEKDAY}{MONTH}[-\s/.]*(?P<day>\d{{1,2}})(?:st|nd|rd|th)?(?:,\s*|[-\s/.]+){SHORT}",
        rf"{YEAR}[-\s/.]{MONTH}[-\s/.](?P<day>\d{{1,2}})",
        rf"{MONTH}[-\s/.,]+{YEAR}",
        rf"{YEAR}[-/](?P<month>\d{{1,2}})",
    )
]
PLAIN = re.compile(rf"{WEEKDAY}(?P<a>\d{{1,2}})(?P<s>[-/.\s])\s?(?P<b>\d{{1,2}})(?P=s)\s?(?P<c>[12]\d{{3}}|\d{{2}}){TIME}", re.IGNORECASE)
LONGEST = 100  # characters of a date; on a long text the patterns take time that grows with its square
EPOCH = datetime.date(1970, 1, 1).toordinal()


@lru_cache(maxsize=1 << 16)
def read_date(text: str, order: str = "dmy") -> float | None:
    """Seconds since 1970 UTC (a date without a zone counts as UTC), or None. Two-digit years are 1969 to 2068 (POSIX).

    >>> read_date("1970-01-02") == read_date("02/01/70", "dmy") == read_date("1/2/70", "mdy") == read_date("1970年1月2日") == 86400
    True
    """
    text = text.strip("()[] \t\"'")
    if len(text) > LONGEST:
        return None
    if found := PLAIN.fullmatch(text):
        three = dict(zip(order, (found["a"], found["b"], found["c"]), strict=True))
        if len(three["d"]) > 2 or len(three["m"]) > 2:
            return None
        return _seconds(three["y"], int(three["m"]), int(three["d"]), found)
    for pattern in PATTERNS:
        if found := pattern.fullmatch(text):
            parts = found.groupdict()
            month = MONTHS[parts["name"][:3].lower()] if parts.get("name") else int(parts["month"])
            return _seconds(parts["year"].lstrip("'"), month, int(parts.get("day") or 1), found)
    return None


def date_form(texts: Iterable[str]) -> str:
    """The order of day, month and year that reads most of the texts.

    Where several read as many, the field with more different values is the day; where that says nothing either, the day comes first.

    >>> date_form(["01/02/2018", "13/02/2018"]), date_form(["01/02/2018", "02/13/2018"])
    ('dmy', 'mdy')
    """
    plain = [(text, found) for text in texts if len(text) <= LONGEST and (found := PLAIN.fullmatch(text.strip("()[] \t\"'")))]
    if not plain:
        return "dmy"
    read = {order: sum(read_date(text, order) is not None for text, _ in plain) for order in ORDERS}
    # Year-first with two digits is rare: it has to read what the other two cannot.
    if read["ymd"] > max(read["dmy"], read["mdy"]):
        return "ymd"
    if read["dmy"] != read["mdy"]:
        return "dmy" if read["dmy"] > read["mdy"] else "mdy"
    first, second = ({found[field] for _, found in plain} for field in "ab")
    return "mdy" if len(second) > len(first) else "dmy"


def iso(seconds: float) -> str:
    """``2018-02-22`` or, where there is a time, ``2018-02-22 13:34:14``."""
    try:
        moment = datetime.datetime(1970, 1, 1) + datetime.timedelta(seconds=seconds)
    except OverflowError:  # typed columns have years for which Python has no dates
        return str(np.datetime64(int(seconds), "s")).replace("T", " ")
    return moment.date().isoformat() if moment.time() == datetime.time() else moment.isoformat(sep=" ", timespec="seconds")


def _seconds(year: str, month: int, day: int, found: re.Match[str]) -> float | None:
    full = int(year)
    if len(year) == 2:
        full += 2000 if full < 69 else 1900
    try:
        days = datetime.date(full, month, day).toordinal() - EPOCH
    except ValueError:
        return None
    if found["hour"] is None:
        return days * 86400.0
    hour, minute, second = int(found["hour"]), int(found["minute"]), int(found["second"] or 0)
    if found["noon"] or found["half"]:
        late = found["half"] == "下午" or (found["noon"] or "").lower() == "p"
        # "13:34 PM" is seen in the field; the hour then says it already.
        hour = hour if hour > 12 else hour % 12 + (12 if late else 0)
    if hour > 24 or minute > 59 or second > 60 or (hour == 24 and (minute or second)):
        return None
    part = float(f"0.{found['part']}") if found["part"] else 0.0
    return days * 86400.0 + hour * 3600 + minute * 60 + second + part - _offset(found["zone"])


def _offset(zone: str | None) -> int:
    sign = re.search(r"([+-])(\d{2}):?(\d{2})?", zone or "")
    if sign is None:
        return 0
    seconds = int(sign[2]) * 3600 + int(sign[3] or 0) * 60
    return seconds if sign[1] == "+" else -seconds
