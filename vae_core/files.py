"""Files that are written whole or not at all, and a cache of them, found again by what they were made from."""

from __future__ import annotations

import contextlib
import glob
import hashlib
import logging
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from filelock import SoftFileLock

LOOKS, LOOK = 20, 0.1  # at a lock without a number, and seconds between two
CHECKSUM = 32  # bytes before the content


def write_bytes(path: Path, data: bytes) -> None:
    """Write a file atomically: a temporary file beside it, fsync, rename.

    Raises:
        OSError: when the disk is full or not writable; the old file is then untouched and nothing half-written stays.
    """
    file = tempfile.NamedTemporaryFile(dir=path.parent, prefix=path.name, suffix=".tmp", delete=False)  # noqa: SIM115
    temporary = Path(file.name)
    try:
        with file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.chmod(0o644)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


class Taken(ValueError):
    """Another process is writing the file."""


def try_writing(path: Path) -> None:
    """Make and remove the temporary file that `write_bytes` would begin with.

    Raises:
        OSError: it could not be made.
    """
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=path.name, suffix=".tmp"):
        pass


@contextlib.contextmanager
def reserve(path: Path) -> Iterator[int | None]:
    """Keep a file for this process, by a lock beside it that holds the process's number and goes at the end.

    Within the process it may be reserved again. The lock of a process that has died is taken over.

    Yields:
        The number of the process that died and left a lock; None where there was none.

    Raises:
        Taken: another process holds it.
        OSError: the file could not be written.
    """
    from filelock import SoftFileLock, Timeout

    lock = SoftFileLock(path.parent.resolve() / f"{path.name}.lock", timeout=0, is_singleton=True, thread_local=False)
    holder = None if lock.is_locked else lock.pid
    try:
        try_writing(path)  # the lock would make a folder that is missing
        lock.acquire()
    except Timeout:
        number = _holder(lock) or holder
        process = f"process {number}" if number else "another process"
        raise Taken(
            f"{str(path)!r} is being written by {process}: wait for it to end, or choose another name "
            f"(its lock is {lock.lock_file!r})."
        ) from None
    except OSError as error:
        raise OSError(error.errno, f"{error.strerror}; the file could not be written", str(path)) from error
    try:
        yield holder
    finally:
        lock.release()


def _holder(lock: SoftFileLock) -> int | None:
    """Tell who holds a lock; who has only just made it has not yet written its number."""
    for _ in range(LOOKS):
        if number := lock.pid:
            return number
        time.sleep(LOOK)
    return None


def discard(path: Path) -> None:
    """Remove a file, if there is one, and its leftovers."""
    path.unlink(missing_ok=True)
    discard_leftovers(path)


def discard_leftovers(path: Path) -> None:
    """Remove what a killed process left of a file that `write_bytes` was writing; the file itself stays."""
    for file in path.parent.glob(f"{glob.escape(path.name)}[a-z0-9_]*.tmp"):  # as `tempfile` names them
        file.unlink(missing_ok=True)


class FileCache:
    """Contents by name, each with its checksum; a disk that fails only costs time.

    Args:
        kind: what the files' names begin with; nothing else in the folder is touched.
        limit: bytes kept in all; the oldest files go first.
        folder: where; by default the environment's VAE_CACHE, else the user's cache folder.
    """

    def __init__(self, kind: str, limit: int, folder: Path | None = None) -> None:
        from platformdirs import user_cache_dir

        self.folder = folder or Path(os.environ.get("VAE_CACHE") or user_cache_dir("vae-explorer"))
        self.kind, self.limit = kind, limit

    def get(self, name: str, compute: Callable[[], bytes]) -> bytes:
        """Give what is stored under a name, or compute and store it; what compute raises passes through."""
        path = self.folder / f"{self.kind}-{name}"
        if (stored := _read(path)) is not None:
            return stored
        content = compute()
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            write_bytes(path, hashlib.sha256(content).digest() + content)
            self._prune()
        except OSError as error:  # full or read-only: the person still gets what was computed
            logging.getLogger(__name__).warning("%s could not be cached: %s", path.name, error)
        return content

    def _prune(self) -> None:
        # The pattern finds unfinished files too.
        paths = sorted(self.folder.glob(f"{self.kind}-*"), key=lambda path: path.stat().st_mtime_ns)
        total = 0
        for path in reversed(paths):
            total += path.stat().st_size
            if total > self.limit:
                path.unlink(missing_ok=True)


def _read(path: Path) -> bytes | None:
    """Return the content; None where the file is absent, cut off or flipped."""
    try:
        data = path.read_bytes()
    except OSError:
        return None
    content = data[CHECKSUM:]
    return content if hashlib.sha256(content).digest() == data[:CHECKSUM] else None
