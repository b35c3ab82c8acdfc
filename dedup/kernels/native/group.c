/* Buckets of equal keys, and independent sets over the pairs they give.
 *
 * Most keys are alone, so the table is all that is touched for them: 32 bits a slot, which hold the place of the
 * bucket's first member or, with the low bit set, the number of its `bucket`; and in the bits that these do not need a
 * piece of the key's hash, so that a foreign slot is passed by without a look at its key. A row of slots is looked at
 * as a whole, without a branch for each, and fetched ahead; it fills from its start, and when full the next goes on.
 *
 * Many keys are first dealt out by the upper bits of their hashes (radix partitioning: Manegold, Boncz, Kersten, "Optimizing main-memory
 * join on modern hardware", 2002), so that a table stays in a core's cache, and in what a cap on memory leaves resident. */
#include "core.h"

#if defined(__SSE2__) && !defined(DEDUP_NO_SIMD)
#include <emmintrin.h>
#endif

#define PART_BITS 17 /* keys that are grouped at a time */
#define MOST_BITS 10 /* parts */
#define AHEAD 32
#define ROW 8
#define CACHE_LINE 64
#define MAX_KEYS UINT32_C(0x3FFFFFFF)
#define NONE UINT32_MAX

/* A bucket of two members or more. Those after the first are chained, up to the limit. */
typedef struct bucket {
    uint32_t first, size;
    uint32_t second, last; /* links */
} bucket;

typedef struct link {
    uint32_t member, next;
} link;

typedef struct grouping {
    const uint32_t *keys32; /* one of the two is NULL */
    const uint64_t *keys64;
    const uint32_t *members; /* which item each key is of; NULL: they are all items in their order */
    size_t n;
    uint32_t limit;
    unsigned dealt;  /* upper bits of a hash that all keys have in common */
    void *memory;    /* of the slots */
    uint32_t *slots; /* on the bound of a cache line */
    unsigned row_shift, place_bits;
    words buckets, links; /* of `bucket`, two words each, and of `link`, one each */
    words *pairs;
    uint64_t skipped;
} grouping;

static bucket *bucket_at(const grouping *in, size_t number) { return (bucket *)(void *)in->buckets.data + number; }
static link *link_at(const grouping *in, size_t number) { return (link *)(void *)in->links.data + number; }

static unsigned row_bits(size_t n) {
    unsigned bits = 4;
    while (((size_t)ROW << bits) < n + n / 2) bits++;
    return bits;
}

/* Room for the slots of so many keys at a time. */
static int grouping_make(grouping *in, size_t most) {
    in->memory = array_new(((size_t)ROW << row_bits(most)) + CACHE_LINE / sizeof *in->slots, sizeof *in->slots);
    in->slots = (uint32_t *)(((uintptr_t)in->memory + CACHE_LINE - 1) & ~(uintptr_t)(CACHE_LINE - 1));
    return in->memory ? 0 : -1;
}

/* No slot is used, no bucket open; there are as many slots as the keys need. */
static void grouping_clear(grouping *in) {
    unsigned bits = row_bits(in->n), place_bits = 2;
    while (((size_t)1 << place_bits) < 2 * (in->n + 1)) place_bits++;
    in->row_shift = 64 - bits;
    in->place_bits = place_bits;
    in->buckets.size = in->links.size = 0;
    memset(in->slots, 0, ((size_t)ROW << bits) * sizeof *in->slots);
}

static void grouping_free(grouping *in) {
    block_free(in->memory);
    words_free(&in->buckets);
    words_free(&in->links);
}

/* A bucket for the key whose first member stands in `slot`: the slot then names the bucket. NONE without memory. */
static uint32_t bucket_open(grouping *in, uint32_t *slot, uint32_t mask) {
    uint32_t number = (uint32_t)(in->buckets.size / 2);
    bucket fresh = {((*slot & mask) >> 1) - 1, 1, NONE, NONE};
    if (words_reserve(&in->buckets, 2)) return NONE;
    in->buckets.size += 2;
    *bucket_at(in, number) = fresh;
    *slot = (*slot & ~mask) | (number + 1) << 1 | 1;
    return number;
}

static int bucket_chain(grouping *in, bucket *to, uint32_t member) {
    uint32_t number = (uint32_t)in->links.size;
    link fresh = {member, NONE};
    if (words_reserve(&in->links, 1)) return -1;
    in->links.size++;
    *link_at(in, number) = fresh;
    if (to->last == NONE) to->second = number;
    else link_at(in, to->last)->next = number;
    to->last = number;
    return 0;
}

ALWAYS_INLINE uint32_t item_of(const grouping *in, uint32_t member) { return in->members ? in->members[member] : member; }

/* Pairs of a member with the chained ones before it; takes it into the bucket. */
static int bucket_join(grouping *in, bucket *to, uint32_t member) {
    uint32_t before = to->size++, paired = before < in->limit ? before : in->limit;
    in->skipped += before - paired;
    if (!paired) return 0;
    if (words_reserve(in->pairs, 2 * (size_t)paired)) return -1;
    uint64_t *pair = in->pairs->data + in->pairs->size, later = item_of(in, member);
    in->pairs->size += 2 * (size_t)paired;
    *pair++ = item_of(in, to->first);
    *pair++ = later;
    for (uint32_t at = to->second, i = 1; i < paired; i++, at = link_at(in, at)->next) {
        *pair++ = item_of(in, link_at(in, at)->member);
        *pair++ = later;
    }
    return before < in->limit && in->limit > 1 ? bucket_chain(in, to, member) : 0;
}

ALWAYS_INLINE uint64_t key_at(const grouping *in, int wide, size_t i) { return wide ? in->keys64[i] : in->keys32[i]; }

ALWAYS_INLINE uint64_t hash_of(uint64_t key) { return key * MIX_G; }

ALWAYS_INLINE uint32_t slot_first(const grouping *in, uint32_t slot, uint32_t mask) {
    uint32_t number = ((slot & mask) >> 1) - 1;
    return slot & 1 ? bucket_at(in, number)->first : number;
}

/* How many slots of a row are used; `alike` becomes whether one may have the key. */
#if defined(__SSE2__) && !defined(DEDUP_NO_SIMD)
ALWAYS_INLINE unsigned row_used(const uint32_t *row, uint32_t piece, uint32_t mask, int *alike) {
    const __m128i low = _mm_load_si128((const __m128i *)(const void *)row);
    const __m128i high = _mm_load_si128((const __m128i *)(const void *)(row + 4));
    const __m128i pieces = _mm_set1_epi32((int)piece), others = _mm_set1_epi32((int)~mask), none = _mm_setzero_si128();
    __m128i free_slots = _mm_packs_epi32(_mm_cmpeq_epi32(low, none), _mm_cmpeq_epi32(high, none));
    __m128i found = _mm_or_si128(_mm_cmpeq_epi32(_mm_and_si128(low, others), pieces),
                                 _mm_cmpeq_epi32(_mm_and_si128(high, others), pieces));
    *alike = _mm_movemask_epi8(found);
    return low_bit_of((uint64_t)(unsigned)_mm_movemask_epi8(free_slots) | UINT64_C(1) << 2 * ROW) / 2;
}
#else
ALWAYS_INLINE unsigned row_used(const uint32_t *row, uint32_t piece, uint32_t mask, int *alike) {
    unsigned used = 0;
    *alike = 0;
    for (unsigned i = 0; i < ROW; i++) {
        used += row[i] != 0;
        *alike |= ((row[i] ^ piece) & ~mask) == 0;
    }
    return used;
}
#endif

/* The slot of the key itself, or the free one where it goes. */
static uint32_t *slot_of(const grouping *in, int wide, size_t row, uint64_t key, uint32_t piece, uint32_t mask) {
    size_t row_mask = ((size_t)1 << (64 - in->row_shift)) - 1;
    for (;; row = (row + 1) & row_mask) {
        uint32_t *slot = in->slots + row * ROW;
        for (unsigned i = 0; i < ROW; i++)
            if (!slot[i] || ((slot[i] & ~mask) == piece && key_at(in, wide, slot_first(in, slot[i], mask)) == key))
                return slot + i;
    }
}

ALWAYS_INLINE status pair_up(grouping *in, int wide) {
    uint32_t *slots = in->slots, mask = (UINT32_C(1) << in->place_bits) - 1;
    size_t n = in->n;
    int alike;
    unsigned shift = in->row_shift, dealt = in->dealt;
    for (size_t i = 0; i < n; i++) {
        size_t ahead = i + AHEAD < n ? i + AHEAD : i;
        PREFETCH(slots + ROW * ((hash_of(key_at(in, wide, ahead)) << dealt) >> shift));
        uint64_t key = key_at(in, wide, i), hash = hash_of(key) << dealt;
        size_t row = (size_t)(hash >> shift);
        uint32_t piece = (uint32_t)hash & ~mask, *slot = slots + row * ROW;
        unsigned used = row_used(slot, piece, mask, &alike);
        slot += used;
        if (UNLIKELY(alike || used == ROW)) slot = slot_of(in, wide, row, key, piece, mask);
        if (LIKELY(!*slot)) {
            *slot = piece | (uint32_t)(i + 1) << 1;
            continue;
        }
        uint32_t number = *slot & 1 ? ((*slot & mask) >> 1) - 1 : bucket_open(in, slot, mask);
        if (number == NONE || bucket_join(in, bucket_at(in, number), (uint32_t)i)) return STATUS_MEMORY;
    }
    return STATUS_OK;
}

/* Keys and the items they are of, part by part; in a part they are in their order. */
typedef struct parts {
    uint32_t *keys32, *members;
    uint64_t *keys64;
    size_t ends[1 << MOST_BITS];
} parts;

ALWAYS_INLINE void deal(const grouping *in, int wide, unsigned bits, parts *to) {
    size_t count = (size_t)1 << bits, sum = 0;
    memset(to->ends, 0, count * sizeof *to->ends);
    for (size_t i = 0; i < in->n; i++) to->ends[hash_of(key_at(in, wide, i)) >> (64 - bits)]++;
    for (size_t part = 0; part < count; part++) {
        size_t size = to->ends[part];
        to->ends[part] = sum;
        sum += size;
    }
    for (size_t i = 0; i < in->n; i++) {
        uint64_t key = key_at(in, wide, i);
        size_t at = to->ends[hash_of(key) >> (64 - bits)]++;
        if (wide) to->keys64[at] = key;
        else to->keys32[at] = (uint32_t)key;
        to->members[at] = (uint32_t)i;
    }
}

static status pair_parts(grouping *in, unsigned bits, parts *dealt) {
    size_t count = (size_t)1 << bits, most = 0, start = 0;
    int wide = in->keys64 != NULL;
    if (wide) deal(in, 1, bits, dealt);
    else deal(in, 0, bits, dealt);
    for (size_t part = 0; part < count; part++) {
        size_t size = dealt->ends[part] - (part ? dealt->ends[part - 1] : 0);
        if (size > most) most = size;
    }
    if (grouping_make(in, most)) return STATUS_MEMORY;
    in->dealt = bits;
    status end = STATUS_OK;
    for (size_t part = 0; part < count && !end; start = dealt->ends[part++]) {
        in->n = dealt->ends[part] - start;
        in->members = dealt->members + start;
        if (wide) in->keys64 = dealt->keys64 + start;
        else in->keys32 = dealt->keys32 + start;
        grouping_clear(in);
        end = wide ? pair_up(in, 1) : pair_up(in, 0);
    }
    return end;
}

static status pair_all(grouping *in) {
    unsigned bits = 0;
    while (bits < MOST_BITS && in->n >> bits > (size_t)1 << PART_BITS) bits++;
    if (!bits) {
        if (grouping_make(in, in->n)) return STATUS_MEMORY;
        grouping_clear(in);
        return in->keys64 ? pair_up(in, 1) : pair_up(in, 0);
    }
    parts *dealt = calloc(1, sizeof *dealt);
    if (!dealt) return STATUS_MEMORY;
    dealt->members = array_new(in->n, sizeof *dealt->members);
    if (in->keys64) dealt->keys64 = array_new(in->n, sizeof *dealt->keys64);
    else dealt->keys32 = array_new(in->n, sizeof *dealt->keys32);
    int made = dealt->members && (dealt->keys64 || dealt->keys32);
    status end = made ? pair_parts(in, bits, dealt) : STATUS_MEMORY;
    block_free(dealt->members);
    block_free(dealt->keys64);
    block_free(dealt->keys32);
    free(dealt);
    return end;
}

static status bucket_pairs(grouping *in, int64_t limit, int64_t *skipped) {
    if (limit < 0) return STATUS_LIMIT;
    if (in->n > MAX_KEYS) return STATUS_TOO_MANY;
    in->limit = limit > (int64_t)MAX_KEYS ? MAX_KEYS : (uint32_t)limit;
    status end = pair_all(in);
    grouping_free(in);
    *skipped = (int64_t)in->skipped;
    return end;
}

status bucket_pairs32(const uint32_t *keys, size_t n, int64_t limit, words *pairs, int64_t *skipped) {
    grouping in = {.keys32 = keys, .n = n, .pairs = pairs};
    return bucket_pairs(&in, limit, skipped);
}

status bucket_pairs64(const uint64_t *keys, size_t n, int64_t limit, words *pairs, int64_t *skipped) {
    grouping in = {.keys64 = keys, .n = n, .pairs = pairs};
    return bucket_pairs(&in, limit, skipped);
}

/* ---- numbers ----------------------------------------------------------------------------------------------- */

/* A slot holds the number of a key plus one; `distinct` has the keys by number. */
status number_keys(const uint64_t *keys, size_t n, int64_t *numbers, words *distinct) {
    if (n > MAX_KEYS) return STATUS_TOO_MANY;
    unsigned bits = 4;
    while (((size_t)1 << bits) < 2 * n) bits++;
    const unsigned shift = 64 - bits;
    const size_t last = ((size_t)1 << bits) - 1;
    uint32_t *slots = array_zeros(last + 1, sizeof *slots);
    if (!slots) return STATUS_MEMORY;
    for (size_t i = 0; i < n; i++) {
        if (i + AHEAD < n) PREFETCH(slots + (keys[i + AHEAD] * MIX_G >> shift));
        size_t at = (size_t)(keys[i] * MIX_G >> shift);
        while (slots[at] && distinct->data[slots[at] - 1] != keys[i]) at = (at + 1) & last;
        if (!slots[at]) {
            if (words_reserve(distinct, 1)) {
                block_free(slots);
                return STATUS_MEMORY;
            }
            distinct->data[distinct->size++] = keys[i];
            slots[at] = (uint32_t)distinct->size;
        }
        numbers[i] = (int64_t)slots[at] - 1;
    }
    block_free(slots);
    return STATUS_OK;
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
    size_t *heads = array_zeros(n, sizeof *heads), *links = array_new(pair_count, sizeof *links);
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
    block_free(heads);
    block_free(links);
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
