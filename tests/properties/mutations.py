"""Seeded damage to bytes and to JSON: what fuzzers do to valid files."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from typing import Any

__all__ = ["damage_bytes", "damage_json"]

TOKENS = (
    b'"',
    b'""',
    b"\0",
    b"\xef\xbb\xbf",
    b"\xff\xfe",
    b"\n",
    b"\r\n",
    b"\r",
    b"\r\r\n",
    b",",
    b";",
    b"\t",
    b"|",
    b"'",
    b"\\",
    b"sep=",
    b"sep=;\n",
    b"\xff",
    b"\x80",
    b"\xed\xa0\x80",
    b"\xf0\x9f\x98\x80",
    "名称".encode("gb18030"),
    "é".encode("latin-1"),
    "х".encode("utf-16"),
    b"nan",
    b"-inf",
    b"1e308",
    b"1e999",
    b"NULL",
    b"[",
    b"]",
    b"{",
    b"}",
    b"\xe2\x80\x8f",
    b"\x1a",
    b"\x1b[31m",
    b"\x00\x00\x00\x00",
    b"9" * 400,
    b"9" * 5000,
    b"[" * 3000,
    b"\\ud800",
    b"2024-01-01",
    b"1,5 kg",
    b"a|b",
)
EXTREMES = (0, 1, 2, 0x7F, 0x80, 0xFF, 0x100, 0x3FF, 0x2710, 0x7FFF, 0x8000, 0xFFFF, 0x10000, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)
ODD_VALUES: tuple[Any, ...] = (
    None,
    True,
    False,
    0,
    1,
    -1,
    2,
    7,
    10**6,
    2**31,
    2**63,
    10**30,
    0.0,
    -0.0,
    0.5,
    -1.5,
    1e-320,
    1e308,
    "",
    "x",
    "0",
    "../x",
    "\0",
    "名",
    "text",
    "image",
    "linear",
    [],
    [0],
    [None],
    ["x"],
    [[]],
    {},
    {"x": 1},
    {"parts": {}},
)


def damage_bytes(data: bytes, draw: random.Random, others: Sequence[bytes] = ()) -> bytes:
    """One to six changes: flips, cuts, splices, insertions, doubled parts, integers at their limits, huge fields."""
    made = bytearray(data)
    for _ in range(draw.choice((1, 1, 1, 2, 3, 6))):
        at = draw.randrange(len(made) + 1)
        what = draw.randrange(9)
        if what == 0 and made:
            made[at % len(made)] ^= 1 << draw.randrange(8)
        elif what == 1 and made:
            made[at % len(made)] = draw.randrange(256)
        elif what == 2:
            del made[at : at + draw.choice((1, 1, 2, 4, 16, 64, len(made)))]
        elif what == 3:
            made[at:at] = draw.choice(TOKENS)
        elif what == 4 and made:
            part = made[at : at + draw.choice((1, 4, 16, 64, 256))]
            made[at:at] = part * draw.choice((1, 2, 20))
        elif what == 5:
            size = draw.choice((1, 2, 4, 8))
            number = (draw.choice(EXTREMES) + draw.choice((0, 0, 1, -1))) % (1 << 8 * size)
            made[at : at + size] = number.to_bytes(size, draw.choice(("little", "big")))
        elif what == 6 and others:
            other = draw.choice(others)
            begin = draw.randrange(len(other) + 1)
            made[at:] = other[begin:] if draw.random() < 0.5 else other[begin : begin + 64] + made[at:]
        elif what == 7 and draw.random() < 0.2:
            made[at:at] = bytes([draw.randrange(256)]) * draw.choice((1000, 70_000, 200_000))
        elif what == 8 and made:
            begin = draw.randrange(len(made))
            made[at:at] = made[begin : begin + draw.randrange(1, 32)]
    return bytes(made)


def damage_json(text: str, draw: random.Random) -> str:
    """The same JSON with one to three values replaced, removed, doubled or moved."""
    whole: Any = {"": json.loads(text)}
    for _ in range(draw.choice((1, 1, 1, 2, 3))):
        holder, key = draw.choice(list(_places(whole)))
        what = draw.randrange(5)
        if what <= 1:
            holder[key] = draw.choice(ODD_VALUES)
        elif what == 2 and isinstance(holder[key], (int, float)) and not isinstance(holder[key], bool):
            holder[key] = draw.choice((holder[key] + 1, holder[key] - 1, -holder[key], holder[key] * 1000, holder[key] / 3))
        elif what == 3:
            if isinstance(holder, list):
                holder.insert(key, holder[key])
            else:
                holder[f"{key}x"] = holder.pop(key) if key else holder[key]
        elif key != "":
            del holder[key]
        if "" not in whole:
            whole = {"": None}
    return json.dumps(whole[""], ensure_ascii=False)


def _places(value: Any) -> Any:
    """All (holder, key) below a value; lists of many numbers are represented by a few of them."""
    keys = list(value) if isinstance(value, dict) else range(len(value)) if len(value) <= 12 else (0, 1, len(value) // 2, len(value) - 1)
    for key in keys:
        yield value, key
        if isinstance(value[key], (dict, list)):
            yield from _places(value[key])
