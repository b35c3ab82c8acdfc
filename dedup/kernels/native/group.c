/* Buckets of equal keys, and independent sets over the pairs they give.
 *
 * A slot of the table is 32 bits: the place of a bucket's first member, and in the bits that the place does not need
 * a piece of the key's hash, so that a foreign slot is passed by without a look at its key. Slots are fetched ahead. */
#include "core.h"

#define AHEAD 16
#define MAX_KEYS UINT32_C(0x7FFFFFFF)

int words_reserve(words *array, size_t more) {
    if (more > SIZE_MAX / 16 - array->size) return -1;
    size_t needed = array->size + more;
    if (needed <= array->room) return 0;
    size_t room = array->room + array->room / 2 > needed ? array->room + array->room / 2 : needed;
    uint64_t *data = realloc(array->data, room * sizeof *data);
    if (!data) return -1;
    array->data = data;
    array->room = room;
    return 0;
}

void words_free(words *array) {
    free(array->data);
    array->data = NULL;
    array->size = array->room = 0;
}

typedef struct buckets {
    uint32_t *slots;
    uint32_t *sizes; /* of the bucket that starts at this place */
    uint32_t *next;  /* the bucket's next member, 0 = none; only the first `limit` are chained */
    uint32_t *last;  /* the bucket's last chained member */
    unsigned slot_shift, place_bits;
} buckets;

static void buckets_free(buckets *table) {
    free(table->slots);
    free(table->sizes);
    free(table->next);
    free(table->last);
}

static int buckets_make(buckets *table, size_t n, int chained) {
    unsigned bits = 4, place_bits = 1;
    while (((size_t)1 << bits) < n + n / 2) bits++;
    while (((size_t)1 << place_bits) <= n) place_bits++;
    table->slot_shift = 64 - bits;
    table->place_bits = place_bits;
    table->slots = calloc((size_t)1 << bits, sizeof *table->slots);
    table->sizes = malloc((n + 1) * sizeof *table->sizes);
    table->next = chained ? malloc((n + 1) * sizeof *table->next) : NULL;
    table->last = chained ? malloc((n + 1) * sizeof *table->last) : NULL;
    if (table->slots && table->sizes && (!chained || (table->next && table->last))) return 0;
    buckets_free(table);
    return -1;
}

/* Pairs of place `i` with the chained members of the bucket that starts at `first`; joins it to the chain. */
static int bucket_join(buckets *table, uint32_t first, uint32_t i, uint32_t limit, words *pairs, uint64_t *skipped) {
    uint32_t before = table->sizes[first]++, emitted = before < limit ? before : limit;
    *skipped += before - emitted;
    if (!emitted) return 0;
    if (words_reserve(pairs, 2 * (size_t)emitted)) return -1;
    uint64_t *to = pairs->data + pairs->size;
    pairs->size += 2 * (size_t)emitted;
    for (uint32_t member = first, left = emitted; left; left--) {
        *to++ = member;
        *to++ = i;
        if (left > 1) member = table->next[member];
    }
    if (table->next && before < limit) {
        table->next[before == 1 ? first : table->last[first]] = i;
        table->last[first] = i;
    }
    return 0;
}

ALWAYS_INLINE uint64_t key_hash(uint64_t key) {
    key *= MIX_G;
    return key ^ (key >> 32);
}

ALWAYS_INLINE uint64_t key_at(const uint32_t *keys32, const uint64_t *keys64, size_t i) {
    return keys32 ? keys32[i] : keys64[i];
}

ALWAYS_INLINE status pair_up(const uint32_t *keys32, const uint64_t *keys64, size_t n, uint32_t limit, words *pairs,
                             uint64_t *skipped, buckets *table) {
    size_t mask = ((size_t)1 << (64 - table->slot_shift)) - 1;
    uint32_t place_mask = (UINT32_C(1) << table->place_bits) - 1;
    for (size_t i = 0; i < n; i++) {
        if (i + AHEAD < n)
            PREFETCH(table->slots + ((key_hash(key_at(keys32, keys64, i + AHEAD)) * MIX_1) >> table->slot_shift));
        uint64_t key = key_at(keys32, keys64, i), hash = key_hash(key) * MIX_1;
        size_t slot = (size_t)(hash >> table->slot_shift);
        uint32_t piece = (uint32_t)hash & ~place_mask, found;
        while ((found = table->slots[slot]) != 0) {
            if ((found & ~place_mask) == piece && key_at(keys32, keys64, (found & place_mask) - 1) == key) break;
            slot = (slot + 1) & mask;
        }
        if (LIKELY(!found)) {
            table->slots[slot] = piece | (uint32_t)(i + 1);
            table->sizes[i] = 1;
        } else if (bucket_join(table, (found & place_mask) - 1, (uint32_t)i, limit, pairs, skipped)) {
            return STATUS_MEMORY;
        }
    }
    return STATUS_OK;
}

static status bucket_pairs(const uint32_t *keys32, const uint64_t *keys64, size_t n, int64_t limit, words *pairs,
                           int64_t *skipped) {
    if (limit < 0) return STATUS_LIMIT;
    if (n >= MAX_KEYS) return STATUS_TOO_MANY;
    buckets table;
    uint64_t left_out = 0;
    uint32_t most = limit > (int64_t)MAX_KEYS ? MAX_KEYS : (uint32_t)limit;
    if (buckets_make(&table, n, most > 1)) return STATUS_MEMORY;
    status end = keys32 ? pair_up(keys32, NULL, n, most, pairs, &left_out, &table)
                        : pair_up(NULL, keys64, n, most, pairs, &left_out, &table);
    buckets_free(&table);
    *skipped = (int64_t)left_out;
    return end;
}

static const uint32_t no_keys32[1];
static const uint64_t no_keys64[1];

status bucket_pairs32(const uint32_t *keys, size_t n, int64_t limit, words *pairs, int64_t *skipped) {
    return bucket_pairs(n ? keys : no_keys32, NULL, n, limit, pairs, skipped);
}

status bucket_pairs64(const uint64_t *keys, size_t n, int64_t limit, words *pairs, int64_t *skipped) {
    return bucket_pairs(NULL, n ? keys : no_keys64, n, limit, pairs, skipped);
}

/* ---- independent set --------------------------------------------------------------------------------------- */

int pairs_within(const int64_t *pairs, size_t pair_count, uint64_t n) {
    for (size_t i = 0; i < 2 * pair_count; i++)
        if (pairs[i] < 0 || (uint64_t)pairs[i] >= n) return 0;
    return 1;
}

static int64_t later(const int64_t *pair) { return pair[0] > pair[1] ? pair[0] : pair[1]; }
static int64_t earlier(const int64_t *pair) { return pair[0] > pair[1] ? pair[1] : pair[0]; }

static int in_order(const int64_t *pairs, size_t pair_count) {
    for (size_t i = 1; i < pair_count; i++)
        if (later(pairs + 2 * i) < later(pairs + 2 * i - 2)) return 0;
    return 1;
}

/* The pairs of each node with earlier ones, as linked lists: heads per node, links per pair, both + 1. */
static status keep_unordered(const int64_t *pairs, size_t pair_count, size_t n, uint8_t *kept) {
    size_t *heads = calloc(n + 1, sizeof *heads), *links = malloc((pair_count + 1) * sizeof *links);
    if (heads && links) {
        for (size_t i = 0; i < pair_count; i++) {
            size_t node = (size_t)later(pairs + 2 * i);
            links[i] = heads[node];
            heads[node] = i + 1;
        }
        for (size_t node = 0; node < n; node++)
            for (size_t at = heads[node]; at && kept[node]; at = links[at - 1])
                if (kept[earlier(pairs + 2 * (at - 1))]) kept[node] = 0;
    }
    status end = heads && links ? STATUS_OK : STATUS_MEMORY;
    free(heads);
    free(links);
    return end;
}

status independent_set(const int64_t *pairs, size_t pair_count, int64_t n, uint8_t *kept) {
    if (n < 0) return STATUS_COUNT;
    if (!pairs_within(pairs, pair_count, (uint64_t)n)) return STATUS_NODES;
    for (size_t i = 0; i < pair_count; i++)
        if (pairs[2 * i] == pairs[2 * i + 1]) return STATUS_LOOP;
    if (n) memset(kept, 1, (size_t)n);
    if (!in_order(pairs, pair_count)) return keep_unordered(pairs, pair_count, (size_t)n, kept);
    for (size_t i = 0; i < pair_count; i++)
        if (kept[earlier(pairs + 2 * i)]) kept[later(pairs + 2 * i)] = 0;
    return STATUS_OK;
}
