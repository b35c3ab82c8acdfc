"""Hold a wheel against the list of files that it should have: `python tools/check_wheel.py WHEEL`."""

from __future__ import annotations

import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def expected(has_core: bool) -> set[str]:
    """All Python files of the package, its data, and the compiled core where there is one."""
    files = {str(path.relative_to(ROOT)) for path in (ROOT / "dedup").rglob("*.py")}
    files |= {"dedup/py.typed", "dedup/kernels/fold_table.bin", "dedup/kernels/_native.pyi"}
    return files | ({"dedup/kernels/_native.abi3.so"} if has_core else set())


def main(wheel: str) -> int:
    """Print what is missing and what should not be there; 1 if there is any."""
    names = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    has_core = any(name.endswith(".so") for name in names)
    wanted = expected(has_core)
    for name in sorted(wanted - names):
        print(f"missing from the wheel: {name}")
    for name in sorted(names - wanted):
        print(f"should not be in the wheel: {name}")
    if has_core and "-abi3-" not in wheel:
        print("the wheel has a compiled core but is not tagged abi3")
        return 1
    print(f"{Path(wheel).name}: {len(names)} files, {'with' if has_core else 'without'} the compiled core")
    return int(names != wanted)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
