"""The rivals whose whole pipelines are measured: what each is, and a pinned environment for each.

    python benchmarks/rivals.py --install DIR            # all of them, an environment each; what cannot be is said
    python benchmarks/rivals.py --install DIR daft gaoya

Each has in `rivals/` an adapter, `run_NAME.py`, whose first lines say what is fair about it, and its pinned
requirements. They are measured by `pipelines.py`; single steps of some of them, in this process, by `speed.py`.
"""

from __future__ import annotations

import argparse
import ast
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from measure import table

ADAPTERS = Path(__file__).with_name("rivals")


@dataclass(frozen=True, slots=True)
class Rival:
    """A rival's pipeline, from JSONL to cleaned JSONL.

    Attributes:
        name: of the row.
        adapter: NAME in `run_NAME.py`, in `NAME.txt`, and of its environment.
        arguments: that its adapter takes first.
        shingles_here: the adapter makes the shingles in Python; such a one is never the fastest rival counted.
    """

    name: str
    adapter: str
    arguments: tuple[str, ...] = ()
    shingles_here: bool = False

    def python(self, folder: Path) -> Path:
        """The interpreter of its environment."""
        return folder / self.adapter / ("Scripts/python.exe" if os.name == "nt" else "bin/python")

    def command(self, folder: Path, sources: Sequence[str], out: str) -> list[str]:
        """What runs it over some files."""
        script = str(ADAPTERS / f"run_{self.adapter}.py")
        return [str(self.python(folder)), script, *self.arguments, out, *sources]

    def missing(self, folder: Path) -> str:
        """Why it cannot be run; empty where it can."""
        why = folder / f"{self.adapter}.failed.txt"
        if why.exists():
            return why.read_text(encoding="utf-8").strip()
        return "" if self.python(folder).exists() else "not installed"

    @property
    def note(self) -> str:
        """The first line of what its adapter says of it."""
        said = ast.get_docstring(ast.parse((ADAPTERS / f"run_{self.adapter}.py").read_text(encoding="utf-8"))) or ""
        return said.partition("\n")[0]


RIVALS = (
    Rival("gaoya", "gaoya"),
    Rival("daft", "daft"),
    Rival("rensa", "rensa", shingles_here=True),
    Rival("datasketch", "datasketch", shingles_here=True),
    Rival("text-dedup", "text_dedup"),
    Rival("datatrove", "datatrove", ("--language=en",)),
    Rival("datatrove, Chinese", "datatrove", ("--language=zh",)),
)


def install(folder: Path, names: Sequence[str]) -> dict[str, str]:
    """Make environments; returns for each adapter why it failed, or an empty string."""
    folder.mkdir(parents=True, exist_ok=True)
    said: dict[str, str] = {}
    for name in names:
        print(f"{name}: installing", file=sys.stderr, flush=True)
        home, why = folder / name, folder / f"{name}.failed.txt"
        why.unlink(missing_ok=True)
        python = Rival(name, name).python(folder)
        for command in (
            [sys.executable, "-m", "venv", "--clear", str(home)],
            [str(python), "-m", "pip", "install", "-q", "--no-deps", "-r", str(ADAPTERS / f"{name}.txt")],
        ):
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if done.returncode:
                errors = [line for line in done.stderr.splitlines() if line.startswith("ERROR")]
                why.write_text((errors or ["it does not install"])[-1] + "\n", encoding="utf-8")
                break
        said[name] = why.read_text(encoding="utf-8").strip() if why.exists() else ""
    return said


def main(arguments: Sequence[str] | None = None) -> int:
    """Install rivals, or say which there are; returns the exit code."""
    known = list(dict.fromkeys(rival.adapter for rival in RIVALS))
    parser = argparse.ArgumentParser(description="Rivals: say which there are, or make an environment for each.")
    parser.add_argument("--install", type=Path, metavar="DIR", help="folder for the environments")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"which: {', '.join(known)} [all]")
    given = parser.parse_args(arguments)
    if wrong := set(given.names) - set(known):
        parser.error(f"no such rival: {', '.join(sorted(wrong))}; there are {', '.join(known)}")
    if given.install is None:
        print(table(("rival", "what it is"), [[rival.name, rival.note] for rival in RIVALS]))
        return 0
    said = install(given.install, given.names or known)
    print(table(("rival", "installed"), [[name, why or "yes"] for name, why in said.items()]))
    return int(any(said.values()))


if __name__ == "__main__":
    sys.exit(main())
