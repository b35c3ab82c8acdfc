"""datatrove: its four steps of min-hash deduplication, from JSONL to JSONL, with its own readers and writers.

All of the time is its own. Settings are those of its example: word 5-grams, 14 buckets of 8 hashes, 64 bits. It wants one
language for all of the input: `--language` is English as in its example (words end at white space and punctuation: a
Chinese line is one word), or Chinese, where jieba finds the words of both. One task, in this process. Not verified:
what shares a bucket is a duplicate; of a cluster the root of its union-find stays. Documents without a 5-gram stay.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from pathlib import Path

from adapter import Clock, arguments

os.environ.setdefault("DATATROVE_COLORIZE_LOGS", "0")


def main() -> None:
    """Deduplicate whole documents."""
    clock = Clock()
    language = "en"
    if sys.argv[1].startswith("--language="):
        language = sys.argv.pop(1).partition("=")[2]
    from datatrove.executor import LocalPipelineExecutor
    from datatrove.pipeline.dedup import MinhashDedupSignature
    from datatrove.pipeline.dedup.minhash import (
        MinhashConfig,
        MinhashDedupBuckets,
        MinhashDedupCluster,
        MinhashDedupFilter,
    )
    from datatrove.pipeline.readers import JsonlReader
    from datatrove.pipeline.writers.jsonl import JsonlWriter

    out, paths = arguments()
    config = MinhashConfig(n_grams=5, num_buckets=14, hashes_per_bucket=8)
    with tempfile.TemporaryDirectory(dir=Path(out).parent) as folder:
        source = Path(folder) / "in"
        source.mkdir()
        for path in paths:
            (source / Path(path).name).symlink_to(Path(path).resolve())
        steps = [
            [
                JsonlReader(str(source)),
                MinhashDedupSignature(output_folder=f"{folder}/signatures", config=config, language=language),
            ],
            [MinhashDedupBuckets(f"{folder}/signatures", f"{folder}/buckets", config=config)],
            [MinhashDedupCluster(f"{folder}/buckets", f"{folder}/removed", config=config)],
            [
                JsonlReader(str(source)),
                MinhashDedupFilter(f"{folder}/removed"),
                JsonlWriter(f"{folder}/kept", compression=None),
            ],
        ]
        tasks = [1, config.num_buckets, 1, 1]
        for number, (step, n) in enumerate(zip(steps, tasks, strict=True)):
            LocalPipelineExecutor(step, tasks=n, workers=1, logging_dir=f"{folder}/logs/{number}").run()
        with Path(out).open("wb") as stream:
            for part_path in sorted((Path(folder) / "kept").glob("*.jsonl")):
                with part_path.open("rb") as part:
                    shutil.copyfileobj(part, stream)
    clock.lap("own")
    clock.tell()


if __name__ == "__main__":
    main()
