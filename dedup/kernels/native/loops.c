/* Loops: a few clauses said again and again. */
#include "core.h"

#define MAX_PERIOD 64

typedef struct clauses {
    const uint64_t *hashes;
    const int64_t *tokens;
    size_t count;
} clauses;

/* How many clauses from `at` on are equal to those `period` further on; stops at `enough`. */
static size_t agreeing(const clauses *in, size_t at, size_t period, size_t enough) {
    size_t i = 0;
    while (i < enough && at + i + period < in->count && in->hashes[at + i] == in->hashes[at + i + period]) i++;
    return i;
}

/* The shortest period at `at` that is heavy enough, 0 for none. */
static size_t period_at(const clauses *in, size_t at, int64_t least) {
    uint64_t weight = 0;
    for (size_t period = 1; period <= MAX_PERIOD && at + 2 * period <= in->count; period++) {
        weight += (uint64_t)in->tokens[at + period - 1];
        if (in->hashes[at] == in->hashes[at + period] && (int64_t)weight >= least &&
            agreeing(in, at, period, period) == period)
            return period;
    }
    return 0;
}

static status loops_of(const clauses *in, size_t group, int64_t least, words *found) {
    for (size_t at = 0; at < in->count;) {
        size_t period = period_at(in, at, least);
        if (!period) {
            at++;
            continue;
        }
        size_t copies = 1 + agreeing(in, at, period, in->count) / period;
        if (words_reserve(found, 4)) return STATUS_MEMORY;
        uint64_t *to = found->data + found->size;
        to[0] = group;
        to[1] = at;
        to[2] = period;
        to[3] = copies;
        found->size += 4;
        at += period * copies;
    }
    return STATUS_OK;
}

status loops(const ragged *hashes, const int64_t *tokens, size_t token_count, int64_t least, words *found) {
    if (hashes->size != token_count) return STATUS_CLAUSES;
    status bad = ragged_check(hashes);
    for (size_t i = 0; i < hashes->size && !bad; i++)
        if (!hashes->values[i]) bad = STATUS_EMPTY_CLAUSE;
    for (size_t group = 0; group + 1 < hashes->offset_count && !bad; group++) {
        size_t start = (size_t)hashes->offsets[group], end = (size_t)hashes->offsets[group + 1];
        clauses in = {hashes->values + start, tokens + start, end - start};
        bad = loops_of(&in, group, least, found);
    }
    return bad;
}
