"""The LMDB file under the store: opened late and once per process, grown when full, its errors put into words.

LMDB keeps a file whole under kill -9 (old pages stay until the new ones are written) and lets many processes read while one writes.
It forbids to open one file twice in a process, and to use an open file after a fork; both are seen to here.
"""

from __future__ import annotations

import errno
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

import lmdb

from consilience.core.errors import StoreError
from consilience.core.files import FORBIDDEN, FULL

try:
    import fcntl
except ImportError:  # Windows has no such locks: there the file is emptied, never replaced
    fcntl = None  # type: ignore[assignment]

__all__ = ["REPAIR", "Environment"]

T = TypeVar("T")

MARK = b"consilience"
FIRST_MAP = 64 << 20
LARGEST_STEP = 4 << 30
# Zeros behind the last page, which take no place on the disk: what a damaged page points to is found to be damage there, where reading behind the
# end of the file would kill the process. A page's own pointers reach 64 KB far, a key in it as far again.
MARGIN = 256 << 10 if os.name == "posix" else 0
REPAIR = "Empty it with `consilience cache prune --all`, or delete the folder: features are made again when they are needed."
FOREIGN = "Choose another folder with --cache or CONSILIENCE_CACHE."
ELSEWHERE = "Choose another folder with --cache or CONSILIENCE_CACHE, or make room with `consilience cache prune --older-than DAYS`."
DAMAGED = (lmdb.InvalidError, lmdb.VersionMismatchError, lmdb.CorruptedError, lmdb.PageNotFoundError, lmdb.IncompatibleError, lmdb.NotFoundError)
# LMDB reports a write that was cut short, which is how a full disk begins, as EIO.
FULL_OR_SHORT = FULL | {errno.EIO}


class Environment:
    """One LMDB environment, shared by all stores of this process on the same folder.

    Args:
        folder: Where ``data.mdb`` and ``lock.mdb`` lie; made when something is first written.
        names: The named databases in it.
        mark: What a file of ours says of itself; a file that says something else is refused.
    """

    def __init__(self, folder: Path, names: tuple[bytes, ...], mark: bytes) -> None:
        self.folder, self.names, self.mark = folder, names, mark
        self.data = folder / "data.mdb"
        self.users = 0
        # One lock for all that happens: the map may only grow while no transaction of this process is open.
        self.lock = threading.RLock()
        self._env: lmdb.Environment | None = None
        self._dbs: dict[bytes, Any] = {}
        self._inode = 0
        self._guard: int | None = None

    @classmethod
    def shared(cls, folder: Path, names: tuple[bytes, ...], mark: bytes) -> Environment:
        """The one environment of this process for the folder. Each call is paired with one of ``release``."""
        with OPEN_LOCK:
            env = OPEN.setdefault(os.path.realpath(folder), cls(folder, names, mark))
            env.users += 1
            return env

    def release(self) -> None:
        """One user less; the last one closes the file."""
        with OPEN_LOCK:
            self.users -= 1
            if self.users == 0:
                OPEN.pop(os.path.realpath(self.folder), None)
                self.close()

    def read(self, job: Callable[[Any, dict[bytes, Any]], T], absent: T) -> T:
        """Runs ``job(transaction, databases)`` on one snapshot; ``absent`` where nothing was ever kept.

        What the job returns must not point into the map: it is gone when the transaction ends.
        """
        with self.lock, self._words():
            while self._found():
                env = self._current(write=False)
                if not self._dbs:
                    break
                try:
                    with env.begin(buffers=True) as txn:
                        return job(txn, self._dbs)
                except lmdb.MapResizedError:  # another process made the map larger
                    env.set_mapsize(0)
            return absent

    def write(self, job: Callable[[Any, dict[bytes, Any]], T], need: int = 0) -> T:
        """Runs ``job(transaction, databases)`` and commits all of it or nothing. It may run again, in a larger map.

        Args:
            job: What to do; repeatable.
            need: Bytes that it will write at most, so that the map grows once.
        """
        with self.lock, self._words():
            while True:
                env = self._current(write=True)
                try:
                    with env.begin(write=True, buffers=True) as txn:
                        return job(txn, self._dbs)
                except lmdb.MapResizedError:
                    env.set_mapsize(0)
                except lmdb.MapFullError:
                    size = env.info()["map_size"]
                    env.set_mapsize(-(-(size + max(min(size, LARGEST_STEP), 2 * need)) >> 20) << 20)

    def close(self) -> None:
        """Closes the file; the next use opens it again."""
        with self.lock:
            if self._env is not None:
                self._env.close()
            if self._guard is not None:
                os.close(self._guard)
            self._env, self._guard, self._dbs = None, None, {}

    def compact(self) -> None:
        """Gives freed space back to the disk if no other process looks on; otherwise it stays in the file, to be used again."""
        beside = self.folder / "compact"
        with self.alone() as alone:
            if not alone:
                return
            with suppress(lmdb.Error, OSError):  # no room for a second copy
                beside.mkdir(exist_ok=True)
                with lmdb.open(str(self.folder), lock=False, readonly=True, max_dbs=len(self.names)) as env:
                    env.copy(str(beside), compact=True)
                (self.folder / "lock.mdb").unlink(missing_ok=True)  # it speaks of the old file's transactions
                os.replace(beside / "data.mdb", self.data)
            with suppress(OSError):
                (beside / "data.mdb").unlink(missing_ok=True)
                beside.rmdir()

    def remove(self) -> bool:
        """Deletes the file, whatever is in it. False if another process has it open."""
        with self.alone() as alone, self._words():
            if alone:
                for name in ("data.mdb", "lock.mdb"):
                    (self.folder / name).unlink(missing_ok=True)
            return alone

    @contextmanager
    def alone(self) -> Iterator[bool]:
        """True if no other process has the folder open, and none can open it until the block ends. The file is closed meanwhile."""
        with self.lock:
            self.close()
            try:
                self._guard = self._guarded(exclusive=True)
                yield self._guard is not None
            finally:
                self.close()

    def forget(self) -> None:
        """In the child of a fork: lets go of what belongs to the parent."""
        self.lock = threading.RLock()
        self.close()

    def _found(self) -> int:
        try:
            return self.data.stat().st_ino
        except FileNotFoundError:
            return 0

    def _current(self, *, write: bool) -> lmdb.Environment:
        """The open environment. Without ``write`` it may be read-only, and then without databases where nothing was kept yet."""
        if self._env is not None and (self._inode != self._found() or (write and self._env.flags()["readonly"])):
            self.close()  # somebody deleted or replaced the folder, or only reading was possible until now
        if self._env is None:
            if write:
                self.folder.mkdir(parents=True, exist_ok=True)
            self._guard = self._guarded(exclusive=False)
            self._env = self._opened(write)
            self._stretch(self._env)
            self._identify(self._env)
            self._env.reader_check()  # places of killed readers
            self._inode = self._found()
        return self._env

    def _opened(self, write: bool) -> lmdb.Environment:
        size = self.data.stat().st_size if self._found() else 0
        options: dict[str, Any] = {"map_size": max(FIRST_MAP, 2 * size), "max_dbs": len(self.names), "max_readers": 512}
        try:
            return lmdb.open(str(self.folder), **options)
        except (lmdb.Error, OSError) as error:
            if write or isinstance(error, DAMAGED):
                raise
        try:
            return lmdb.open(str(self.folder), readonly=True, **options)
        except (lmdb.Error, OSError):
            # The lock file cannot be written either. Without it another person's writer could reuse a page while it is read here; checksums notice.
            return lmdb.open(str(self.folder), readonly=True, lock=False, **options)

    def _stretch(self, env: lmdb.Environment) -> None:
        """Fills a file that was cut off with zeros, and keeps some behind its end, see ``MARGIN``."""
        if self._missing(env) <= 0:
            return
        cut_off = self._missing(env) > MARGIN
        if env.flags()["readonly"]:
            if cut_off:
                raise lmdb.CorruptedError("the file is shorter than it says")
            return
        try:
            with env.begin(write=True):  # nobody else writes meanwhile
                os.truncate(self.data, self.data.stat().st_size + max(0, self._missing(env)))
        except OSError:
            if cut_off:
                raise

    def _missing(self, env: lmdb.Environment) -> int:
        """Bytes by which the file is shorter than its first two pages say, and the margin; only these have been read so far."""
        return (env.info()["last_pgno"] + 1) * env.stat()["psize"] + MARGIN - self.data.stat().st_size

    def _identify(self, env: lmdb.Environment) -> None:
        """Checks the mark, or sets it in a new file, and opens the databases."""
        with env.begin() as txn:
            found, empty = txn.get(MARK), txn.stat()["entries"] == 0
        if found is not None and found != self.mark:
            raise StoreError(f"The file of features {str(self.data)!r} was made by another version of Consilience.", hint=REPAIR)
        if found is None and not empty:
            raise StoreError(f"The file {str(self.data)!r} was made by another program.", hint=FOREIGN)
        if found is not None:
            self._dbs = {name: env.open_db(name, create=False) for name in self.names}
        elif not env.flags()["readonly"]:
            with env.begin(write=True) as txn:  # another process may have been here first: both write the same
                txn.put(MARK, self.mark)
                self._dbs = {name: env.open_db(name, txn=txn) for name in self.names}

    def _guarded(self, *, exclusive: bool) -> int | None:
        """A file descriptor with a lock that says "in use" or "mine alone"; None if it cannot be had."""
        if fcntl is None:
            return None
        try:
            handle = os.open(self.folder / "users.lock", os.O_RDWR | os.O_CREAT, 0o644)
        except OSError:
            return None
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB if exclusive else fcntl.LOCK_SH)
        except OSError:
            os.close(handle)
            return None
        return handle

    @contextmanager
    def _words(self) -> Iterator[None]:
        """Puts the errors of LMDB and of the system into words, and closes the file after them."""
        try:
            yield
        except StoreError:
            self.close()
            raise
        except DAMAGED as error:
            self.close()
            raise StoreError(f"The file of features {str(self.data)!r} is damaged ({error}).", hint=REPAIR) from error
        except (lmdb.Error, OSError, MemoryError) as error:
            self.close()
            raise StoreError(f"{self._reason(error)} ({error}).", hint=ELSEWHERE) from error

    def _reason(self, error: BaseException) -> str:
        code = getattr(error, "code", None) or getattr(error, "errno", None) or 0
        if isinstance(error, lmdb.DiskError) or code in FULL_OR_SHORT:
            return f"The disk is full, or a file may not grow: features cannot be kept in {str(self.folder)!r}"
        if isinstance(error, lmdb.ReadonlyError) or code in FORBIDDEN:
            return f"The folder for features {str(self.folder)!r} cannot be written"
        return f"The folder for features {str(self.folder)!r} cannot be used"


OPEN: dict[str, Environment] = {}
OPEN_LOCK = threading.Lock()


def forget_all() -> None:
    global OPEN_LOCK
    OPEN_LOCK = threading.Lock()
    for env in OPEN.values():
        env.forget()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=forget_all)
