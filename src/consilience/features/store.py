"""Features of cells, kept on disk: bytes in, arrays out. Deduplicated, shared by processes, whole after kill -9."""

from __future__ import annotations

import json
import struct
import time
import zlib
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np

from consilience.core.errors import StoreError
from consilience.core.hashing import hash_bytes
from consilience.features._environment import REPAIR, Environment

__all__ = ["Entry", "FeatureStore", "Freed", "rounded"]

FORMAT = b'{"format": 1}'
DATABASES = FEATURES, ENCODERS = b"features", b"encoders"
HEAD = struct.Struct("<2sBBIII")  # magic, version, type, tokens, width, checksum
MAGIC, VERSION = b"cf", 1
TYPES = (np.dtype("<f2"), np.dtype("<f4"))
PREFIX = 8
USED_STEP = 3600.0
CHUNK = 10_000
DAY = 86400.0
LONGEST_CARD = 1 << 16
PAGES = 8192  # what a new entry may cost beside its own bytes


@dataclass(frozen=True)
class Entry:
    """What the store keeps for one fingerprint.

    Args:
        fingerprint: Of the encoder, its settings and its precision.
        label: Readable name, such as ``"image/efficientnet_lite0"``; empty if nobody gave one.
        items: How many distinct cells.
        bytes: How much, without the file's own overhead.
        used: Seconds since 1970 of the last use, to the hour.
    """

    fingerprint: str
    label: str
    items: int
    bytes: int
    used: float


@dataclass(frozen=True)
class Freed:
    """What a pruning removed: cells and bytes."""

    items: int
    bytes: int


class FeatureStore:
    """Features by content of the cell and fingerprint of the encoder, float16, in one LMDB file below ``folder``.

    It knows nothing of tables. Nothing is opened before the first use, and an object may travel through a fork. Threads and processes may use one
    folder at once. An entry whose checksum is wrong counts as absent and is replaced.

    Args:
        folder: Where the file lies; made when something is first kept.

    Attributes:
        told: Errors that the person has been told of already, so that many columns do not say the same.

    Raises:
        StoreError: From every method, where the folder cannot be read or written, the disk is full or the file is damaged; says what to do.

    >>> import tempfile
    >>> store = FeatureStore(Path(tempfile.mkdtemp()))
    >>> store.put_many([b"a"], "encoder", [np.ones((1, 3))])
    >>> store.get_many([b"a", b"b"], "encoder")
    [array([[1., 1., 1.]], dtype=float16), None]
    >>> store.close()
    """

    def __init__(self, folder: Path) -> None:
        self.folder = Path(folder)
        self.told: set[str] = set()
        self._shared: Environment | None = Environment.shared(self.folder, DATABASES, FORMAT)

    @property
    def graphs(self) -> Path:
        """Where compiled encoders are kept, beside the features that they make."""
        return self.folder / "graphs"

    @property
    def hashes(self) -> Path:
        """Where the hashes of weight files are kept, see ``hashes_kept``."""
        return self.folder / "weights.json"

    def get_many(self, keys: Sequence[bytes], fingerprint: str) -> list[np.ndarray | None]:
        """Each cell's features ``[T, D]`` (float16, or float32 where values are too large for it), None where there are none."""
        full = [full_key(key, fingerprint) for key in keys]

        def job(txn: Any, dbs: dict[bytes, Any]) -> list[np.ndarray | None]:
            return [self._unpacked(key, txn.get(key, db=dbs[FEATURES])) for key in full]

        return self._env.read(job, [None] * len(full))

    def put_many(self, keys: Sequence[bytes], fingerprint: str, arrays: Sequence[np.ndarray]) -> None:
        """Keeps features ``[T, D]`` of cells, all or none of them; what was there is replaced. Values are rounded, see ``rounded``."""
        if not keys:
            return
        entries = [packed(full_key(key, fingerprint), rounded(array)) for key, array in zip(keys, arrays, strict=True)]

        prefix = prefix_of(fingerprint)

        def job(txn: Any, dbs: dict[bytes, Any]) -> None:
            card = self._card(txn.get(prefix, db=dbs[ENCODERS]), fingerprint)
            items, size = card.items, card.bytes
            for key, value in entries:
                old = txn.get(key, db=dbs[FEATURES])
                items += old is None
                size += len(value) - (0 if old is None else len(old))
                txn.put(key, value, db=dbs[FEATURES])
            txn.put(prefix, json.dumps(asdict(replace(card, items=items, bytes=size))).encode(), db=dbs[ENCODERS])

        self._env.write(job, need=sum(len(value) + PAGES for _, value in entries))

    def describe(self, fingerprint: str, label: str) -> None:
        """Remembers a readable name for a fingerprint, and that it is in use now (to the hour, so that most calls write nothing)."""
        prefix = prefix_of(fingerprint)
        known = self._entries().get(prefix)
        if known is not None and known.label == label and abs(time.time() - known.used) < USED_STEP:
            return

        def job(txn: Any, dbs: dict[bytes, Any]) -> None:
            card = self._card(txn.get(prefix, db=dbs[ENCODERS]), fingerprint)
            txn.put(prefix, json.dumps(asdict(replace(card, label=label, used=time.time()))).encode(), db=dbs[ENCODERS])

        self._env.write(job)

    def fingerprints(self) -> list[Entry]:
        """What is kept for each fingerprint, the last used first."""
        return list(self._entries().values())

    def prune(self, *, fingerprints: Collection[str] | None = None, older_than_days: float | None = None, max_bytes: int | None = None) -> Freed:
        """Removes features, and the compiled encoders that made them; without any argument all of them, also from a damaged file.

        Args:
            fingerprints: Only features of these may go.
            older_than_days: Those that were last used longer ago go.
            max_bytes: The least recently used go until no more than this is left.
        """
        if fingerprints is None and older_than_days is None and max_bytes is None:
            return self._emptied()
        entries = self._entries()
        left = sum(entry.bytes for entry in entries.values())
        going: dict[bytes, Entry] = {}
        for prefix, entry in reversed(entries.items()):
            old = older_than_days is not None and entry.used < time.time() - older_than_days * DAY
            much = max_bytes is not None and left > max_bytes
            if (fingerprints is None or entry.fingerprint in fingerprints) and (old or much or (older_than_days is None and max_bytes is None)):
                going[prefix] = entry
                left -= entry.bytes
        if entries and len(going) == len(entries):
            return self._emptied()
        if going:
            self._delete(going)
            self._env.compact()
            for entry in going.values():
                self._drop_graphs(f"{entry.fingerprint}-*")
        return freed(going)

    def close(self) -> None:
        """Closes the file; the next use opens it again."""
        if self._shared is not None:
            self._shared.release()
            self._shared = None

    def __enter__(self) -> FeatureStore:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    @property
    def _env(self) -> Environment:
        if self._shared is None:
            self._shared = Environment.shared(self.folder, DATABASES, FORMAT)
        return self._shared

    def _entries(self) -> dict[bytes, Entry]:
        """What is kept, by the prefix of the keys, the last used first. Counted when written: walking over all entries would take long."""

        def job(txn: Any, dbs: dict[bytes, Any]) -> list[tuple[bytes, Entry]]:
            with txn.cursor(db=dbs[ENCODERS]) as cursor:
                return [(bytes(key), self._card(value)) for key, value in cursor]

        nothing: list[tuple[bytes, Entry]] = []
        return dict(sorted(self._env.read(job, nothing), key=lambda pair: (-pair[1].used, pair[0])))

    def _emptied(self) -> Freed:
        try:
            entries = self._entries()
        except StoreError:
            entries = {}
        if not self._env.remove():  # another process uses the file
            entries = self._entries()
            self._delete(entries)
        self._drop_graphs("*")
        with suppress(OSError):
            self.hashes.unlink(missing_ok=True)
        return freed(entries)

    def _drop_graphs(self, pattern: str) -> None:
        """What runs an encoder goes with its features; a process that has read it does not need the file any more."""
        with suppress(OSError):  # what cannot be deleted is not wrong, and its name says what it is good for
            for path in self.graphs.glob(f"{pattern}.graph"):
                path.unlink(missing_ok=True)

    def _delete(self, prefixes: Collection[bytes]) -> None:
        def job(txn: Any, dbs: dict[bytes, Any]) -> bool:
            card = self._card(txn.get(prefix, db=dbs[ENCODERS]))
            items = size = 0
            with txn.cursor(db=dbs[FEATURES]) as cursor:
                while items < CHUNK and cursor.set_range(prefix) and bytes(cursor.key()[:PREFIX]) == prefix:
                    items, size = items + 1, size + len(cursor.value())
                    cursor.delete()
            if items < CHUNK:
                txn.delete(prefix, db=dbs[ENCODERS])
            else:
                card = replace(card, items=max(0, card.items - items), bytes=max(0, card.bytes - size))
                txn.put(prefix, json.dumps(asdict(card)).encode(), db=dbs[ENCODERS])
            return items == CHUNK

        for prefix in prefixes:  # noqa: B007  # the job looks at it
            while self._env.write(job):  # in parts, so that other writers get a turn
                pass

    def _card(self, value: memoryview | None, fingerprint: str = "") -> Entry:
        """What is known of a fingerprint; of a new one, that it is used now."""
        if value is None:
            return Entry(fingerprint, "", 0, 0, time.time())
        try:
            if len(value) > LONGEST_CARD:  # what a damaged page says may be longer than the file
                raise ValueError("too long")
            return Entry(**json.loads(bytes(value)))
        except (ValueError, TypeError) as error:
            raise self._garbage() from error

    def _unpacked(self, key: bytes, value: memoryview | None) -> np.ndarray | None:
        if value is None:
            return None
        if len(value) < HEAD.size:
            raise self._garbage()
        magic, version, kind, tokens, width, checksum = HEAD.unpack_from(value)
        if magic != MAGIC:
            raise self._garbage()
        if version != VERSION or kind >= len(TYPES) or len(value) != HEAD.size + tokens * width * TYPES[kind].itemsize:
            return None
        body = bytes(value[HEAD.size :])
        if checksum != checked(key, kind, tokens, width, body):
            return None
        return np.frombuffer(bytearray(body), dtype=TYPES[kind]).reshape(tokens, width)

    def _garbage(self) -> StoreError:
        return StoreError(f"The file of features in {str(self.folder)!r} holds something that is no feature.", hint=REPAIR)


def rounded(array: np.ndarray) -> np.ndarray:
    """The array as it is kept: float16, or float32 if a finite value is too large for that.

    Features that were just made go through it too, so that they equal those read back to the bit.

    >>> rounded(np.array([[1.0, 1e6]])).dtype, rounded(np.array([[0.1]])).dtype
    (dtype('float32'), dtype('float16'))
    """
    values = np.asarray(array, dtype=np.float32)
    with np.errstate(over="ignore"):
        half = values.astype(np.float16)
    return half if np.array_equal(np.isfinite(half), np.isfinite(values)) else values


def freed(entries: Mapping[bytes, Entry]) -> Freed:
    return Freed(sum(entry.items for entry in entries.values()), sum(entry.bytes for entry in entries.values()))


def prefix_of(fingerprint: str) -> bytes:
    """What the keys of a fingerprint begin with, so that they lie side by side."""
    return hash_bytes(fingerprint.encode())[:PREFIX]


def full_key(key: bytes, fingerprint: str) -> bytes:
    return prefix_of(fingerprint) + hash_bytes(key, fingerprint.encode())


def packed(key: bytes, array: np.ndarray) -> tuple[bytes, bytes]:
    """A key and its value: a header, then the numbers, little endian."""
    kind = 0 if array.dtype == np.float16 else 1
    tokens, width = array.shape
    body = np.ascontiguousarray(array, dtype=TYPES[kind]).tobytes()
    return key, HEAD.pack(MAGIC, VERSION, kind, tokens, width, checked(key, kind, tokens, width, body)) + body


def checked(key: bytes, kind: int, tokens: int, width: int, body: bytes) -> int:
    """A checksum over key, header and numbers: an entry under another one's key is wrong too."""
    return zlib.crc32(body, zlib.crc32(key + struct.pack("<BII", kind, tokens, width)))
