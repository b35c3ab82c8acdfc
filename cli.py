"""Run dedup from a checkout: `python cli.py ...` is the same program as the installed `dedup ...`."""

import sys

if __name__ == "__main__":
    try:
        from dedup.cli import main
    except ModuleNotFoundError as missing:
        sys.exit(f"dedup needs {missing.name}: run `pip install -e .` first")
    main(prog_name="dedup")
