/* Matching blocks of two token sequences, as difflib has them: the longest run that both have, the first of equals, and
 * the same again to its left and to its right (Ratcliff and Obershelp, 1988). */
#include "core.h"

typedef struct aligner {
    const uint64_t *first, *second;
    uint32_t *before, *now; /* lengths of the runs that end at each place of the second sequence, from place 1 on */
    words *blocks;
} aligner;

typedef struct block {
    size_t first, second, size;
} block;

/* The lengths of the runs that end in a row of the matrix; returns the greatest. */
static uint32_t run_lengths(uint64_t token, const uint64_t *restrict second, size_t count,
                            const uint32_t *restrict before, uint32_t *restrict now) {
    uint32_t most = 0;
    for (size_t j = 0; j < count; j++) {
        uint32_t length = second[j] == token ? before[j] + 1 : 0;
        now[j + 1] = length;
        most = length > most ? length : most;
    }
    return most;
}

static block longest(aligner *with, size_t a0, size_t a1, size_t b0, size_t b1) {
    block best = {a0, b0, 0};
    size_t count = b1 - b0;
    memset(with->before, 0, (count + 1) * sizeof *with->before);
    with->now[0] = 0;
    for (size_t i = a0; i < a1; i++) {
        uint32_t most = run_lengths(with->first[i], with->second + b0, count, with->before, with->now);
        if (most > best.size) {
            size_t j = 0;
            while (with->now[j + 1] != most) j++;
            best.size = most;
            best.first = i + 1 - most;
            best.second = b0 + j + 1 - most;
        }
        uint32_t *other = with->before;
        with->before = with->now;
        with->now = other;
        with->now[0] = 0;
    }
    return best;
}

/* In order of the first sequence. Depth is bounded by what is left of the shorter sequence. */
static status blocks_of(aligner *with, size_t a0, size_t a1, size_t b0, size_t b1) {
    while (a0 < a1 && b0 < b1) {
        block best = longest(with, a0, a1, b0, b1);
        if (!best.size) break;
        status bad = blocks_of(with, a0, best.first, b0, best.second);
        if (bad) return bad;
        words *to = with->blocks;
        if (words_reserve(to, 3)) return STATUS_MEMORY;
        to->data[to->size++] = best.first;
        to->data[to->size++] = best.second;
        to->data[to->size++] = best.size;
        a0 = best.first + best.size;
        b0 = best.second + best.size;
    }
    return STATUS_OK;
}

status matching_blocks(const uint64_t *first, size_t first_count, const uint64_t *second, size_t second_count,
                       words *blocks) {
    if (first_count > MATCHED_TOKENS || second_count > MATCHED_TOKENS) return STATUS_MATCHED;
    aligner with = {first, second, array_zeros(second_count + 1, sizeof(uint32_t)),
                    array_zeros(second_count + 1, sizeof(uint32_t)), blocks};
    status bad = with.before && with.now ? blocks_of(&with, 0, first_count, 0, second_count) : STATUS_MEMORY;
    free(with.before);
    free(with.now);
    return bad;
}
