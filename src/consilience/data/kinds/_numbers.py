"""The grammar of written numbers: signs, currencies, units, thousands marks of two conventions, multipliers."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

__all__ = ["NOT_FINITE", "Number", "fits", "mostly_numbers", "number_form", "read_number"]

MONEY = r"[$€£¥₹₩₽฿₺₫]|(?:US|A|C|HK|NZ|S|R)\$|USD|EUR|GBP|CNY|RMB|JPY|CHF|INR|AUD|CAD|MYR|RM|Rs\.?"
SPACE = "[ '’\u00a0\u202f\u2009]"
POINT = rf"\d{{1,3}}(?:,\d{{2,3}})*,\d{{3}}(?:\.\d*)?|\d{{1,3}}(?:{SPACE}\d{{3}})+(?:\.\d*)?|\d+\.?\d*|\.\d+"
COMMA = rf"\d{{1,3}}(?:\.\d{{3}})+(?:,\d*)?|\d{{1,3}}(?:{SPACE}\d{{3}})+(?:,\d*)?|\d+(?:,\d*)?|,\d+"
UNIT = rf"(?:{MONEY}|[^\W\d_]|[%‰°µ\"′″'²³])(?:[^\s\d,;:|()<>=@#&!?]{{0,11}}[23]?)(?: [^\W\d_]{{1,8}}[23]?)?\.?"
TAIL = rf"(?P<power>[eE][+-]?\d{{1,4}})?(?P<times>(?:bn|[kKM万亿])(?=$|[\s$€£¥元)]))?\s*(?P<unit>{UNIT})?"
HEAD = rf"(?P<sign>[+-])?\s*(?P<money>{MONEY})?\s*(?P<sign2>[+-])?\s*"
CELL = {mark: re.compile(rf"{HEAD}(?P<body>{body}){TAIL}") for mark, body in ((".", POINT), (",", COMMA))}
POINTED = re.compile(r"[+-]?[0-9]*(?:[0-9]\.?|\.[0-9]{1,2}|\.[0-9]{4,})(?:e[+-]?[0-9]+)?")
PLAIN = re.compile(r"[+-]?[0-9]+")
TIMES = {"": 1.0, "k": 1e3, "K": 1e3, "M": 1e6, "bn": 1e9, "万": 1e4, "亿": 1e8}
WIDE = str.maketrans("０１２３４５６７８９．，－＋％−–", "0123456789.,-+%--")
NOT_FINITE = "is a number that is not finite."  # how the problem ends of a cell that is a number all the same
LONGEST = 400  # characters of a number; on a long text the patterns take time that grows with its square
NOT_BODY = str.maketrans("", "", " '’\u00a0\u202f\u2009")


@dataclass(frozen=True)
class Number:
    """A written number and the unit beside it (lower case, without a plural s)."""

    value: float
    unit: str


@lru_cache(maxsize=1 << 16)
def read_number(text: str, mark: str = ".") -> Number | None:
    """The number a cell holds, or None. ``mark`` stands before the decimals; a percent sign is a unit, the number stays as written.

    >>> read_number("$1,200.50"), read_number("€ 3,5k", ",")
    (Number(value=1200.5, unit='$'), Number(value=3500.0, unit='€'))
    >>> read_number("12 Main Street, Springfield")
    """
    if PLAIN.fullmatch(text):
        return Number(float(text), "")
    if len(text) > LONGEST:
        return None
    text = text.translate(WIDE).strip()
    negative = text.startswith("(") and text.endswith(")")
    found = CELL[mark].fullmatch(text[1:-1].strip() if negative else text)
    if found is None or (found["sign"] and found["sign2"]):
        return None
    body = found["body"].translate(NOT_BODY)
    body = body.replace(",", "") if mark == "." else body.replace(".", "").replace(",", ".")
    value = float(body + (found["power"] or "")) * TIMES[found["times"] or ""]
    minus = negative != (found["sign"] == "-" or found["sign2"] == "-")
    unit = "".join(part for part in (found["money"], found["unit"]) if part).lower().strip(". ")
    return Number(-value if minus else value, unit[:-1] if len(unit) > 3 and unit.endswith("s") else unit)


def fits(text: str, form: str) -> bool:
    """Whether the text is a number of this form: with the form's unit or without one."""
    number = read_number(text, form[0])
    return number is not None and (not number.unit or number.unit == form[1:])


def mostly_numbers(texts: Sequence[str], share: float = 0.9) -> bool:
    """Whether more than ``share`` of a few hundred of the texts are numbers of one unit."""
    some = texts[:: max(1, len(texts) // 200)]
    form = number_form(some)
    return sum(fits(text, form) for text in some) > share * len(some)


def number_form(texts: Iterable[str]) -> str:
    """The decimal mark that reads more of the texts (a point where both read as many), then the unit most of them carry.

    >>> number_form(["1.234,56", "1.234"]), number_form(["12 kg", "9 kg", "3"])
    (',', '.kg')
    """
    texts = list(texts)
    if all(map(POINTED.fullmatch, texts)):
        return "."
    read = {mark: [number for text in texts if (number := read_number(text, mark))] for mark in ".,"}
    mark = "," if len(read[","]) > len(read["."]) else "."
    units = Counter(number.unit for number in read[mark] if number.unit)
    return mark + (units.most_common(1)[0][0] if units else "")
