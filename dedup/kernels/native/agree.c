/* How many lanes of two signatures agree. The rows of pairs lie anywhere, so they are fetched ahead. */
#include "core.h"

#define AHEAD 16
#define CACHE_LINE 64

static void fetch(const uint8_t *row, size_t width) {
    for (size_t at = 0; at < width; at += CACHE_LINE) PREFETCH(row + at);
    if (width) PREFETCH(row + width - 1);
}

status agreements(const uint8_t *lanes, size_t n, size_t width, const int64_t *pairs, size_t pair_count,
                  int64_t *counts) {
    if (!pairs_within(pairs, pair_count, n)) return STATUS_PAIRS;
    const vector_steps *steps = vector_choose(2);
    for (size_t i = 0; i < pair_count; i++) {
        const int64_t *pair = pairs + 2 * i;
        if (i + AHEAD < pair_count) {
            fetch(lanes + (size_t)pair[2 * AHEAD] * width, width);
            fetch(lanes + (size_t)pair[2 * AHEAD + 1] * width, width);
        }
        counts[i] =
            (int64_t)steps->equal_places(lanes + (size_t)pair[0] * width, lanes + (size_t)pair[1] * width, width);
    }
    return STATUS_OK;
}
