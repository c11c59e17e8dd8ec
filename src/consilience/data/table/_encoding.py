"""Bytes of a text file of unknown encoding -> UTF-8 bytes without byte-order mark."""

from __future__ import annotations

import codecs
import re
from collections import Counter
from collections.abc import Callable, Iterator

from consilience.core.errors import TableError

__all__ = ["to_utf8"]

MARKS = (  # UTF-32 first: its mark begins with that of UTF-16
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
FOREIGN = {
    b"PK\x03\x04": "an xlsx or zip file", b"PAR1": "a Parquet file", b"ARROW1": "an Arrow file", b"%PDF-": "a PDF file", b"\x89PNG": "a PNG picture",
    b"\xff\xd8\xff": "a JPEG picture", b"\xd0\xcf\x11\xe0": "an old Excel file", b"SQLite format 3": "an SQLite database",
}  # fmt: skip
SAMPLE = 1 << 16
NON_ASCII = re.compile(rb"[\x80-\xff]")
LATIN = {"ascii", "cp1250", "cp1252", "latin_1", "iso8859_2", "iso8859_15"}
CANDIDATES = ["cp1250", "cp1251", "cp1252", "latin_1", "koi8_r", "gb18030", "big5", "cp932", "euc_jp", "cp949"]


def to_utf8(data: bytes, file: str) -> bytes:
    """The same text as UTF-8, without byte-order mark and without NUL characters (which mean nothing in a text).

    Tried in this order: byte-order mark, UTF-16 without one, UTF-8, GB18030 where it makes common Chinese of the bytes, then what
    charset-normalizer takes it for. Western European text is taken for Windows-1252, a superset of what people call latin-1.

    Raises:
        TableError: The file is not a text, or holds bytes that its encoding cannot have (names the line).

    >>> to_utf8("名称".encode("gb18030"), "a.csv").decode()
    '名称'
    """
    for magic, name in FOREIGN.items():
        if data.startswith(magic):
            raise TableError(f"It is not a text but {name}.", file=file, hint="Give it the suffix of what it is.")
    for mark, encoding in MARKS:
        if data.startswith(mark):
            while data.startswith(mark):  # files that were put together have several
                data = data[len(mark) :]
            return decode(data, encoding, file).replace(b"\0", b"")
    if b"\0" in data[:SAMPLE]:
        encoding = wide_encoding(data[:SAMPLE], file)
        return decode(data, encoding, file).replace(b"\0", b"")
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        data = decode(data, narrow_encoding(data), file)
    return data.replace(b"\0", b"")


def decode(data: bytes, encoding: str, file: str) -> bytes:
    try:
        return data.decode(encoding).encode("utf-8")
    except UnicodeDecodeError as error:
        line = data[: error.start].decode(encoding, "replace").count("\n") + 1
        found = data[error.start : error.end].hex(" ")
        what = f"Line {line} holds bytes that are no {encoding.upper()} text: {found}."
        raise TableError(what, file=file, hint="Save the file as UTF-8, or mend that line.") from None


def wide_encoding(sample: bytes, file: str) -> str:
    """The encoding of a text with NUL bytes: UTF-16 in either order, or UTF-8 with stray NULs."""
    texts = {name: codecs.getincrementaldecoder(name)("replace").decode(sample) for name in ("utf-8", "utf-16-le", "utf-16-be")}
    odd = {name: sum((char < " " and char not in "\t\r\n") or char == "\ufffd" for char in text) / max(1, len(text)) for name, text in texts.items()}
    header = texts["utf-8"].partition("\n")[0]
    if odd["utf-8"] < 0.05 or (odd["utf-8"] < 0.3 and min(header, default=" ") >= "\t"):
        return "utf-8"
    # The wrong byte order turns letters, commas and line ends of the ASCII range into letters of other scripts.
    ascii_count = {name: sum(" " <= char < "\x7f" or char in "\t\r\n" for char in texts[name]) for name in ("utf-16-le", "utf-16-be")}
    best = max(ascii_count, key=lambda name: ascii_count[name])
    if odd[best] > 0.02 or ascii_count[best] == 0:
        raise TableError("It is not a text: it is full of control bytes.", file=file, hint="Give it the suffix of what it is, or save it as UTF-8.")
    return best


def narrow_encoding(data: bytes) -> str:
    """The encoding of a text that is not whole UTF-8, from its lines that hold more than ASCII."""
    lines, size = [], 0
    for line in foreign_lines(data):
        lines.append(line)
        size += len(line)
        if size > SAMPLE:
            break
    sample = b"\n".join(lines)
    text = sample.decode("utf-8", "replace")
    broken, good = text.count("\ufffd"), sum(char > "\x7f" and char != "\ufffd" for char in text)
    if good > 5 * broken:  # UTF-8 with a damaged spot: say so instead of reading all of it as something else
        return "utf-8"
    if share(sample, "cp949", lambda char: "\uac00" <= char <= "\ud7a3", at_least=20) > 0.95:
        return "cp949"
    if share(sample, "gb18030", common_chinese) >= 0.8:
        return "gb18030"
    runs = [len(run) for run in re.findall(rb"[\x80-\xff]+", sample)]
    if runs.count(1) < 0.8 * len(runs):  # accents and curly quotes stand alone between ASCII letters; a guess from so little would be wild
        from charset_normalizer import from_bytes

        best = from_bytes(sample, cp_isolation=CANDIDATES).best()
        if best is not None and best.encoding not in LATIN:
            return best.encoding
    try:
        data.decode("cp1252")
    except UnicodeDecodeError:
        return "latin-1"
    return "cp1252"


def foreign_lines(data: bytes) -> Iterator[bytes]:
    """The lines that hold more than ASCII."""
    end = 0
    while found := NON_ASCII.search(data, end):
        begin, end = data.rfind(b"\n", 0, found.start()) + 1, data.find(b"\n", found.end())
        end = end if end >= 0 else len(data)
        yield data[begin:end]


def share(sample: bytes, encoding: str, wanted: Callable[[str], bool], at_least: int = 1) -> float:
    """Share of the characters beyond ASCII that are ``wanted``; 0 where the bytes are not of this encoding."""
    try:
        counts = Counter(char for char in sample.decode(encoding) if char > "\x7f")
    except UnicodeDecodeError:
        return 0.0
    total = sum(counts.values())
    return sum(count for char, count in counts.items() if wanted(char)) / total if total >= at_least else 0.0


def common_chinese(char: str) -> bool:
    """In GB 2312, as nearly all Chinese text is. A Western text misread as GB18030 falls outside: its second bytes are ASCII letters."""
    try:
        char.encode("gb2312")
    except UnicodeEncodeError:
        return False
    return char >= "\u2010"
