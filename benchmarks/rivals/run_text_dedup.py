r"""text-dedup: its command `python -m text_dedup.minhash`, from JSONL to a data set on disk, and that back to JSONL.

All of the time is its own, but for the last step, which writes JSONL with the library it stands on. Settings are the
defaults of its command with the column, 5-grams and the faster of its hashes named, one process. Its words end at what
`\W` matches: a Chinese clause is one word. It drops documents under `min_length` words from the output. Not verified:
what shares a bucket is a duplicate; the first of a cluster stays.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from adapter import Clock, arguments


def main() -> None:
    """Deduplicate whole documents, the first stays."""
    clock = Clock()
    out, paths = arguments()
    with tempfile.TemporaryDirectory(dir=Path(out).parent) as folder:
        source = Path(folder) / "in"
        source.mkdir()
        for path in paths:
            (source / Path(path).name).symlink_to(Path(path).resolve())
        # nothing is fetched: the input is local, and the library is told so
        environment = {**os.environ, "HF_HOME": f"{folder}/home", "HF_HUB_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1"}
        command = [sys.executable, "-m", "text_dedup.minhash", "--path", "json", "--data_dir", str(source)]
        command += [
            "--split",
            "train",
            "--column",
            "text",
            "--output",
            f"{folder}/out",
            "--cache_dir",
            f"{folder}/cache",
        ]
        command += ["--ngram", "5", "--hash_func", "xxh3", "--num_proc", "1", "--batch_size", "10000"]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        if done.returncode:
            sys.exit(f"{' '.join(command)}: {done.stderr[-2000:]}")
        clock.lap("own")
        os.environ.update(environment)
        from datasets import load_from_disk

        load_from_disk(f"{folder}/out").to_json(out, force_ascii=False)
        clock.lap("write")
    clock.tell()


if __name__ == "__main__":
    main()
