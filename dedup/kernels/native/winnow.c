/* Winnowed fingerprints: of every stretch of text, one gram's hash that any other text with the same stretch keeps too.
 *
 * S. Schleimer, D. S. Wilkerson, A. Aiken, "Winnowing: local algorithms for document fingerprinting", SIGMOD 2003; here
 * lengths are weights, a word weighing as much as two characters. Grams are hashed in constant time each, from the hash
 * of the gram before. A window is searched for its least hash only when that of the window before has left it: once for
 * each hash kept at most, and a branch that the CPU foresees, which the ends of a queue of minima are not. */
#include "core.h"

#define WEIGHT(token) (1 + ((token) & 1))

/* The starts from `first` to before `next`; their hashes stand in a ring. `least` is the place of the least hash, of
 * equal ones the last. */
typedef struct window {
    uint64_t *ring;
    size_t mask, first, next, least, kept;
} window;

typedef struct gram {
    size_t end;
    uint64_t weight;
    uint64_t total; /* sum of its tokens */
    uint64_t sum;   /* the same, each times its odd number in the gram and MIX_G */
} gram;

ALWAYS_INLINE uint64_t hash_at(const window *in, size_t at) { return in->ring[at & in->mask]; }

static size_t find_least(const window *in) {
    size_t least = in->first;
    uint64_t hash = hash_at(in, least);
    for (size_t at = in->first + 1; at < in->next; at++) {
        uint64_t other = hash_at(in, at);
        least = other <= hash ? at : least;
        hash = other <= hash ? other : hash;
    }
    return least;
}

/* Keeps the least hash, unless it was kept last, and goes on to the next window. */
ALWAYS_INLINE status keep(window *in, words *hashes, words *places) {
    if (in->least < in->first) in->least = find_least(in);
    in->first++;
    if (in->least == in->kept) return STATUS_OK;
    if (words_reserve(hashes, 1) || words_reserve(places, 1)) return STATUS_MEMORY;
    hashes->data[hashes->size++] = hash_at(in, in->least);
    places->data[places->size++] = in->kept = in->least;
    return STATUS_OK;
}

/* A `least` that has left the window is no measure for what comes in. */
ALWAYS_INLINE void push(window *in, uint64_t hash) {
    if (in->least >= in->first && hash <= hash_at(in, in->least)) in->least = in->next;
    in->ring[in->next++ & in->mask] = hash;
}

static status winnow_text(const uint64_t *values, size_t start, size_t end, uint64_t least, uint64_t reach,
                          window *in, words *hashes, words *places) {
    gram run = {start, 0, 0, 0};
    uint64_t ahead = 0; /* weight from the window's first start to the next */
    status bad = STATUS_OK;
    in->first = in->next = in->least = start;
    in->kept = SIZE_MAX;
    while (!bad) {
        for (; run.weight < least && run.end < end; run.end++) {
            uint64_t token = values[run.end];
            run.sum += token * MIX_G * (2 * (run.end - in->next) + 1);
            run.total += token;
            run.weight += WEIGHT(token);
        }
        if (run.weight < least) break;
        while (ahead > reach && !bad) {
            ahead -= WEIGHT(values[in->first]);
            bad = keep(in, hashes, places);
        }
        uint64_t token = values[in->next];
        push(in, finish_hash(run.sum, run.end - in->next));
        ahead += WEIGHT(token);
        run.weight -= WEIGHT(token);
        run.total -= token;
        run.sum -= MIX_G * (token + 2 * run.total);
    }
    while (in->first < in->next && !bad) bad = keep(in, hashes, places);
    return bad;
}

static int window_make(window *in, const ragged *tokens, uint64_t reach) {
    size_t most = 0, room = 2;
    for (size_t text = 0; text + 1 < tokens->offset_count; text++) {
        size_t size = (size_t)(tokens->offsets[text + 1] - tokens->offsets[text]);
        if (size > most) most = size;
    }
    if (reach < most) most = (size_t)reach + 1;
    while (room < most) room *= 2;
    in->mask = room - 1;
    in->ring = calloc(room, sizeof *in->ring);
    return in->ring ? 0 : -1;
}

status winnow(const ragged *tokens, int64_t gram_weight, int64_t reach, words *hashes, words *places) {
    status bad = ragged_check(tokens);
    if (!bad && gram_weight < 1) bad = STATUS_GRAM;
    if (!bad && reach < 0) bad = STATUS_WINDOW;
    if (bad) return bad;
    window in;
    if (window_make(&in, tokens, (uint64_t)reach)) return STATUS_MEMORY;
    for (size_t text = 0; text + 1 < tokens->offset_count && !bad; text++)
        bad = winnow_text(tokens->values, (size_t)tokens->offsets[text], (size_t)tokens->offsets[text + 1],
                          (uint64_t)gram_weight, (uint64_t)reach, &in, hashes, places);
    free(in.ring);
    return bad;
}
