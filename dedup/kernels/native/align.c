/* Matching blocks of two token sequences, as difflib has them: the longest run that both have, the first of equals, and
 * the same again to its left and to its right (Ratcliff and Obershelp, 1988). */
#include "core.h"

/* Tokens have numbers of 16 bits, and so have lengths: many of them fit into one vector. */
typedef struct aligner {
    int16_t first[MATCHED_TOKENS], second[MATCHED_TOKENS];
    int16_t rows[2][MATCHED_TOKENS + 1];
    int16_t *before, *now; /* lengths of the runs that end at each place of the second sequence, from place 1 on */
    words *blocks;
} aligner;

typedef struct block {
    size_t first, second, size;
} block;

/* The lengths of the runs that end in a row of the matrix; returns the greatest. */
static int16_t run_lengths(int16_t token, const int16_t *restrict second, size_t count, const int16_t *restrict before,
                           int16_t *restrict now) {
    int16_t most = 0;
    for (size_t j = 0; j < count; j++) {
        int16_t same = (int16_t)-(second[j] == token);
        int16_t length = (int16_t)((before[j] + 1) & same);
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
        int16_t most = run_lengths(with->first[i], with->second + b0, count, with->before, with->now);
        if ((size_t)most > best.size) {
            size_t j = 0;
            while (with->now[j + 1] != most) j++;
            best.size = (size_t)most;
            best.first = i + 1 - best.size;
            best.second = b0 + j + 1 - best.size;
        }
        int16_t *other = with->before;
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

/* Numbers the tokens of both sequences. */
static status number_both(aligner *with, const uint64_t *first, size_t first_count, const uint64_t *second,
                          size_t second_count) {
    uint64_t *both = array_new(2 * MATCHED_TOKENS, sizeof *both);
    int64_t *numbers = array_new(2 * MATCHED_TOKENS, sizeof *numbers);
    words distinct = {0};
    status bad = both && numbers ? STATUS_OK : STATUS_MEMORY;
    if (!bad) {
        if (first_count) memcpy(both, first, first_count * sizeof *both);
        if (second_count) memcpy(both + first_count, second, second_count * sizeof *both);
        bad = number_keys(both, first_count + second_count, numbers, &distinct);
    }
    for (size_t i = 0; i < first_count && !bad; i++) with->first[i] = (int16_t)numbers[i];
    for (size_t i = 0; i < second_count && !bad; i++) with->second[i] = (int16_t)numbers[first_count + i];
    words_free(&distinct);
    block_free(numbers);
    block_free(both);
    return bad;
}

status matching_blocks(const uint64_t *first, size_t first_count, const uint64_t *second, size_t second_count,
                       words *blocks) {
    if (first_count > MATCHED_TOKENS || second_count > MATCHED_TOKENS) return STATUS_MATCHED;
    aligner *with = array_zeros(1, sizeof *with);
    if (!with) return STATUS_MEMORY;
    with->before = with->rows[0];
    with->now = with->rows[1];
    with->blocks = blocks;
    status bad = number_both(with, first, first_count, second, second_count);
    if (!bad) bad = blocks_of(with, 0, first_count, 0, second_count);
    block_free(with);
    return bad;
}
