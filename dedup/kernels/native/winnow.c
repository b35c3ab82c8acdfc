/* Winnowed fingerprints: of every stretch of text, one gram's hash that any other text with the same stretch keeps too.
 *
 * S. Schleimer, D. S. Wilkerson, A. Aiken, "Winnowing: local algorithms for document fingerprinting", SIGMOD 2003; here
 * lengths are weights, a word weighing as much as two characters. Grams are hashed in constant time each, from the hash
 * of the gram before, and the least of each window is the head of a queue of the hashes that may yet be least. */
#include "core.h"

#define WEIGHT(token) (1 + ((token) & 1))

typedef struct print {
    uint64_t hash;
    size_t at;
} print;

/* From head to tail the places rise and so do the hashes. It is a ring: both ends count on and are masked. */
typedef struct queue {
    print *ring;
    size_t mask, head, tail;
} queue;

typedef struct gram {
    size_t end;
    uint64_t weight;
    uint64_t total; /* sum of its tokens */
    uint64_t sum;   /* the same, each times its odd number in the gram and MIX_G */
} gram;

/* Keeps the least hash of the starts from `first` on, unless it was kept last. */
ALWAYS_INLINE status keep(queue *minima, size_t first, size_t *last, words *hashes, words *places) {
    while (minima->ring[minima->head & minima->mask].at < first) minima->head++;
    const print *least = minima->ring + (minima->head & minima->mask);
    if (least->at == *last) return STATUS_OK;
    if (words_reserve(hashes, 1) || words_reserve(places, 1)) return STATUS_MEMORY;
    hashes->data[hashes->size++] = least->hash;
    places->data[places->size++] = *last = least->at;
    return STATUS_OK;
}

/* Of equal hashes the last stays. */
ALWAYS_INLINE void push(queue *minima, uint64_t hash, size_t at) {
    size_t tail = minima->tail;
    while (tail != minima->head && minima->ring[(tail - 1) & minima->mask].hash >= hash) tail--;
    print *slot = minima->ring + (tail & minima->mask);
    slot->hash = hash;
    slot->at = at;
    minima->tail = tail + 1;
}

static status winnow_text(const uint64_t *values, size_t start, size_t end, uint64_t least, uint64_t window,
                          queue *minima, words *hashes, words *places) {
    gram run = {start, 0, 0, 0};
    size_t at = start, first = start, last = SIZE_MAX;
    uint64_t ahead = 0; /* weight from `first` to `at` */
    status bad = STATUS_OK;
    minima->head = minima->tail = 0;
    for (; !bad; at++) {
        for (; run.weight < least && run.end < end; run.end++) {
            uint64_t token = values[run.end];
            run.sum += token * MIX_G * (2 * (run.end - at) + 1);
            run.total += token;
            run.weight += WEIGHT(token);
        }
        if (run.weight < least) break;
        for (; ahead > window && !bad; first++) {
            bad = keep(minima, first, &last, hashes, places);
            ahead -= WEIGHT(values[first]);
        }
        push(minima, finish_hash(run.sum, run.end - at), at);
        uint64_t token = values[at];
        ahead += WEIGHT(token);
        run.weight -= WEIGHT(token);
        run.total -= token;
        run.sum -= MIX_G * (token + 2 * run.total);
    }
    for (; first < at && !bad; first++) bad = keep(minima, first, &last, hashes, places);
    return bad;
}

static int queue_make(queue *minima, const ragged *tokens, uint64_t window) {
    size_t most = 0, room = 2;
    for (size_t text = 0; text + 1 < tokens->offset_count; text++) {
        size_t size = (size_t)(tokens->offsets[text + 1] - tokens->offsets[text]);
        if (size > most) most = size;
    }
    if (window < most) most = (size_t)window + 1;
    while (room < most + 1) room *= 2;
    minima->mask = room - 1;
    minima->ring = calloc(room, sizeof *minima->ring);
    return minima->ring ? 0 : -1;
}

status winnow(const ragged *tokens, int64_t gram_weight, int64_t window, words *hashes, words *places) {
    status bad = ragged_check(tokens);
    if (!bad && gram_weight < 1) bad = STATUS_GRAM;
    if (!bad && window < 0) bad = STATUS_WINDOW;
    if (bad) return bad;
    queue minima;
    if (queue_make(&minima, tokens, (uint64_t)window)) return STATUS_MEMORY;
    for (size_t text = 0; text + 1 < tokens->offset_count && !bad; text++)
        bad = winnow_text(tokens->values, (size_t)tokens->offsets[text], (size_t)tokens->offsets[text + 1],
                          (uint64_t)gram_weight, (uint64_t)window, &minima, hashes, places);
    free(minima.ring);
    return bad;
}
