"""What a column's name alone gives away."""

from __future__ import annotations

import re

__all__ = ["CODE_WORDS", "looks_like_id", "words"]

CODE_WORDS = frozenset(
    [
        *("zip", "zipcode", "postcode", "postal", "plz", "code", "codes", "sku", "iso", "fips", "naics", "sic", "icd", "cpt"),
        *("class", "category", "cat", "type", "kind", "status", "state", "flag", "group", "cluster", "segment", "label", "gender", "sex"),
        *("邮编", "编码", "代码", "类别", "类型"),
    ]
)
ID_WORDS = frozenset(("id", "ids", "uuid", "guid", "index", "idx", "rowid", "pk", "编号", "序号"))
ID_END = re.compile(
    r"(row|user|customer|order|product|item|passenger|patient|record|sample|case|image|session|transaction|account|client|employee|student|person|doc"
    r"|file|house|listing|pet|member|device|event|ticket)id$"
)


def words(name: str) -> list[str]:
    """The name's words in lower case.

    >>> words("PassengerId_no2")
    ['passenger', 'id', 'no2']
    """
    parted = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", name)
    return [word for word in re.split(r"[\W_]+", parted.lower()) if word]


def looks_like_id(name: str) -> bool:
    """True for names such as ``id``, ``house_id``, ``PassengerId``, ``Unnamed: 0``.

    >>> [looks_like_id(name) for name in ("house_id", "paid", "customerid", "grid")]
    [True, False, True, False]
    """
    parts = words(name)
    if not parts or parts[0] == "unnamed" or name.endswith(("编号", "序号")):
        return True
    return any(part in ID_WORDS for part in parts) or bool(ID_END.search(parts[-1]))
