import errno
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from vae_core import files
from vae_core.files import FileCache, discard, write_bytes


class Computation:
    """Counts how often it is asked."""

    calls = 0

    def __call__(self) -> bytes:
        self.calls += 1
        return b"what takes long"


@pytest.fixture
def cached(tmp_path: Path) -> tuple[FileCache, Computation, Path]:
    cache, compute = FileCache("kind", 1_000, tmp_path), Computation()
    assert cache.get("name", compute) == b"what takes long"
    (path,) = tmp_path.iterdir()
    return cache, compute, path


def test_what_is_stored_is_not_computed_again(cached) -> None:
    cache, compute, path = cached
    assert FileCache("kind", 1_000, path.parent).get("name", compute) == b"what takes long"
    assert compute.calls == 1
    cache.get("other", compute)
    FileCache("sort", 1_000, path.parent).get("name", compute)
    assert compute.calls == 3


@pytest.mark.parametrize("damage", ["cut", "flip", "text", "empty", "folder"])
def test_a_damaged_or_foreign_file_is_computed_again(cached, damage: str) -> None:
    cache, compute, path = cached
    whole = path.read_bytes()
    path.unlink()
    if damage == "folder":
        path.mkdir()
    else:
        flipped = whole[:-1] + bytes([whole[-1] ^ 1])
        path.write_bytes({"cut": whole[:-3], "flip": flipped, "text": b"hello", "empty": b""}[damage])
    for _ in range(2):
        assert cache.get("name", compute) == b"what takes long"
    assert compute.calls == (3 if damage == "folder" else 2)  # a file is mended


def test_a_folder_that_cannot_be_written_costs_only_time(tmp_path: Path) -> None:
    blocked, compute = tmp_path / "file", Computation()
    blocked.write_bytes(b"")
    for _ in range(2):
        FileCache("kind", 1_000, blocked / "cache").get("name", compute)
    assert compute.calls == 2


def test_a_full_disk_leaves_no_file_and_the_old_one_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    old = tmp_path / "old"
    write_bytes(old, b"old")
    monkeypatch.setattr(os, "fsync", full)
    assert FileCache("kind", 1_000, tmp_path).get("name", Computation()) == b"what takes long"
    with pytest.raises(OSError, match="No space left"):
        write_bytes(old, b"new")
    assert [path.name for path in tmp_path.iterdir()] == ["old"] and old.read_bytes() == b"old"


def test_what_compute_raises_passes_and_nothing_is_stored(tmp_path: Path) -> None:
    def compute() -> bytes:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        FileCache("kind", 1_000, tmp_path).get("name", compute)
    assert not list(tmp_path.iterdir())


def test_it_stays_within_its_limit_and_removes_only_the_oldest_of_its_own(cached) -> None:
    _, compute, first = cached
    stranger = first.parent / "sort-pictures"
    stranger.write_bytes(bytes(10_000))
    os.utime(first, ns=(0, 0))
    cache = FileCache("kind", int(2.5 * first.stat().st_size), first.parent)
    for name in ("second", "third"):
        cache.get(name, compute)
    assert sorted(path.name for path in first.parent.iterdir()) == ["kind-second", "kind-third", "sort-pictures"]


def test_the_folder_follows_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VAE_CACHE", str(tmp_path))
    assert FileCache("kind", 1).folder == tmp_path
    monkeypatch.delenv("VAE_CACHE")
    assert "vae-explorer" in FileCache("kind", 1).folder.parts


def test_discarding_takes_unfinished_files_too(tmp_path: Path) -> None:
    for name in ("a[1].bin", "a[1].bin123.tmp", "b.bin"):
        (tmp_path / name).write_bytes(b"")
    discard(tmp_path / "a[1].bin")
    assert [path.name for path in tmp_path.iterdir()] == ["b.bin"]


# --- one writer -----------------------------------------------------------------------------------------------------

HOLDER = """
import os, sys
from pathlib import Path
from vae_core.files import reserve
with reserve(Path(sys.argv[1])):
    print(os.getpid(), flush=True)
    sys.stdin.read()
    os._exit(1) if sys.argv[2:] else None
"""


def holder(path: Path, *rest: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(path), *rest], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )


def test_a_file_has_one_writer_and_no_lock_stays(tmp_path: Path) -> None:
    out = tmp_path / "m.safetensors"
    with holder(out) as other:
        assert other.stdout and int(other.stdout.readline()) == other.pid
        with pytest.raises(files.Taken, match=f"is being written by process {other.pid}: "), files.reserve(out):
            pass
        assert [path.name for path in tmp_path.iterdir()] == ["m.safetensors.lock"]
    with files.reserve(out) as dead, files.reserve(out) as again:
        assert dead is again is None
        assert (tmp_path / "m.safetensors.lock").read_text().splitlines()[0] == str(os.getpid())
    assert list(tmp_path.iterdir()) == []


def test_the_lock_of_a_process_that_died_is_taken_over(tmp_path: Path) -> None:
    out = tmp_path / "m.safetensors"
    with holder(out, "die") as other:
        assert other.stdout and other.stdout.readline()
    assert [path.name for path in tmp_path.iterdir()] == ["m.safetensors.lock"]
    with files.reserve(out) as dead:
        assert dead == other.pid
    assert list(tmp_path.iterdir()) == []


def test_a_lock_that_has_only_just_been_made_soon_tells_its_number(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, lock = tmp_path / "m.safetensors", tmp_path / "m.safetensors.lock"
    lock.touch()
    writing = [lambda: None, lambda: lock.write_text(f"{os.getppid()}\n{socket.gethostname()}\n")]
    monkeypatch.setattr("vae_core.files.time.sleep", lambda seconds: writing.pop(0)())
    with pytest.raises(files.Taken, match=f"by process {os.getppid()}"), files.reserve(path):
        pass
    assert not writing


def test_a_lock_that_cannot_be_written_names_the_file(tmp_path: Path) -> None:
    out = tmp_path / "nowhere" / "m.safetensors"
    with pytest.raises(OSError, match="could not be written") as caught, files.reserve(out):
        pass
    assert caught.value.filename == str(out)
