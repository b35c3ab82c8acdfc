#!/usr/bin/env bash
# Fuzz the compiled kernels under sanitizers: `tools/fuzz.sh [SECONDS] [SEED]`. Needs gcc or clang; says so and passes where there is none.
set -euo pipefail
cd "$(dirname "$0")/.."
seconds=${1:-60} seed=${2:-1}
compiler=$(command -v gcc || command -v clang || true)
if [ -z "$compiler" ]; then
    echo "no C compiler: the compiled kernels are not fuzzed"
    exit 0
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python -c "
import sys, numpy as np
from dedup.kernels.fold_table import load
t = load()
arrays = [t.bmp, t.astral, t.expansions, t.astral_pages, t.voiced, t.semivoiced]
out = sys.stdout.buffer
out.write(np.array([len(a) for a in arrays], np.uint64).tobytes())
[out.write(a.tobytes()) for a in arrays]" >"$work/table"
for simd in "" -DDEDUP_NO_SIMD; do
    # the kernels, without the door to Python (door*.c, module.c)
    "$compiler" -std=c11 -g -O1 -Wall -Wextra -Werror -fsanitize=address,undefined -fno-sanitize-recover=all -DFUZZ_ALONE $simd \
        -Idedup/kernels/native tools/fuzz_native.c $(ls dedup/kernels/native/[!dm]*.c) dedup/kernels/native/memory.c -o "$work/fuzz"
    DEDUP_FOLD_RAW="$work/table" "$work/fuzz" "$((seconds / 2))" "$seed"
done
