"""`python killed.py FOLDER`: cleans FOLDER/in and dies at the n-th touch of the disk, for each n; prints how many there are.

After each death OUT is absent or whole, the inputs are as they were, and the next run gives the same bytes.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from dedup.files import clean_files

STRIDE = int(os.environ.get("DEDUP_KILL_STRIDE", "1"))
"""Every so manieth touch is tried."""
EVENTS = ("open", "os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.truncate", "os.listdir", "os.scandir")


def tree(folder: Path) -> dict[str, bytes]:
    """All files below a folder."""
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def deadly(n: int, folder: Path) -> None:
    """Have this process die at its n-th touch of the folder."""
    touches = 0

    def touch() -> None:
        nonlocal touches
        touches += 1
        if touches == n:
            os.kill(os.getpid(), signal.SIGKILL)

    def audit(event: str, args: tuple[Any, ...]) -> None:
        if event in EVENTS:
            touch()

    def counted(function: Callable[..., Any]) -> Callable[..., Any]:
        def called(*args: Any, **named: Any) -> Any:
            result = function(*args, **named)
            touch()
            return result

        return called

    sys.addaudithook(audit)
    os.fsync = counted(os.fsync)  # type: ignore[assignment]
    Path.rename = counted(Path.rename)  # type: ignore[method-assign]


def main(folder: Path) -> int:
    """Die and look, again and again."""
    given, out = str(folder / "in"), folder / "out"
    before = tree(folder / "in")
    clean_files([given], str(folder / "wanted"))
    wanted = tree(folder / "wanted")
    n = 0
    while True:
        n += STRIDE
        child = os.fork()
        if child == 0:
            deadly(n, folder)
            clean_files([given], str(out))
            os._exit(0)
        _, status = os.waitpid(child, 0)
        is_last = os.WIFEXITED(status)
        if out.exists():
            assert tree(out) == wanted, f"touch {n}: OUT is not whole"
            clean_files([given], str(out), overwrite=True)  # clears what the dead run left
        else:
            assert not is_last, f"touch {n}: the run ended without OUT"
            clean_files([given], str(out))
            assert tree(out) == wanted, f"touch {n}: the next run gives something else"
        assert tree(folder / "in") == before, f"touch {n}: the input was changed"
        left = sorted(path.name for path in folder.iterdir())
        assert left == ["in", "out", "wanted"], f"touch {n}: {left} stand there"
        for path in sorted(out.rglob("*"), reverse=True):
            path.rmdir() if path.is_dir() else path.unlink()
        out.rmdir()
        if is_last:
            return n


if __name__ == "__main__":
    print(main(Path(sys.argv[1])), "touches of the disk")
