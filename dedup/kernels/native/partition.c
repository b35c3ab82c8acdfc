/* All pairs within an edit distance, by pieces: of e + 1 pieces of a text, e edits leave one as it is. Li, Deng, Wang,
 * Feng, "Pass-Join", PVLDB 5(3), 2011; the shifts are those of its multi-match-aware selection.
 *
 * Each text is cut for its own length; a text that is no longer looks for those pieces in itself. Of a pair with at
 * most e edits there is a first piece that is whole and has as many edits before it as there are pieces: so it is not
 * shifted by more than that, nor, seen from the end, by more than the edits that are left. */
#include "core.h"

enum { ROLE_PIECE, ROLE_OWN, ROLE_LONGER }; /* a piece of a text; its probe for texts of its length; for longer ones */

#define ROLE(side) ((side) & 3)
#define SIZE(side) ((int64_t)((side) >> 2))
#define MAX_ROWS UINT32_C(0x3FFFFFFF)

/* ---- rows -------------------------------------------------------------------------------------------------- */

typedef struct cutter {
    const int64_t *edits;
    size_t edit_count;
    uint64_t shard, shards;
    const uint8_t *marks; /* a bit for each piece; NULL: cut pieces */
    unsigned mark_shift;
    uint64_t *sums, *powers, *seen; /* of one text: hashes of what stands before each place; keys of one piece */
    words *keys, *rows;
} cutter;

static status edits_check(const int64_t *edits, size_t edit_count) {
    for (size_t size = 0; size < edit_count; size++)
        if (edits[size] >= (int64_t)size && edits[size] > 0) return STATUS_EDITS;
    return STATUS_OK;
}

ALWAYS_INLINE uint64_t piece_key(const cutter *with, size_t from, size_t size, uint64_t salt) {
    uint64_t hash = with->sums[from + size] - with->sums[from] * with->powers[size] + salt;
    hash = (hash ^ (hash >> 32)) * MIX_1;
    hash = (hash ^ (hash >> 29)) * MIX_2;
    return hash ^ (hash >> 32);
}

static int put(const cutter *with, uint64_t key, uint64_t row) {
    if (with->shards > 1 && key % with->shards != with->shard) return 0;
    if (words_reserve(with->keys, 1) || words_reserve(with->rows, 1)) return -1;
    with->keys->data[with->keys->size++] = key;
    with->rows->data[with->rows->size++] = row;
    return 0;
}

ALWAYS_INLINE int is_marked(const cutter *with, uint64_t key) {
    uint64_t slot = key >> with->mark_shift;
    return with->marks[slot >> 3] >> (slot & 7) & 1;
}

/* What a text of `size` tokens looks for where texts of `whole` tokens have their piece `number`. */
static int probe_piece(const cutter *with, uint64_t text, int64_t size, int64_t whole, int64_t number, int64_t start,
                       int64_t length) {
    int64_t left = number, right = with->edits[whole] - number, shorter = whole - size;
    int64_t low = shorter + right < left ? -shorter - right : -left;
    int64_t high = right - shorter < left ? right - shorter : left;
    uint64_t salt = (uint64_t)whole * MIX_G + (uint64_t)number * MIX_2, role = shorter ? ROLE_LONGER : ROLE_OWN;
    size_t known = 0;
    if (low < -start) low = -start;
    if (high > size - length - start) high = size - length - start;
    if (!shorter) with->seen[known++] = piece_key(with, (size_t)start, (size_t)length, salt);
    for (int64_t shift = low; shift <= high; shift++) {
        uint64_t key = piece_key(with, (size_t)(start + shift), (size_t)length, salt);
        size_t at = 0;
        if (LIKELY(!is_marked(with, key))) continue;
        while (at < known && with->seen[at] != key) at++;
        if (at < known) continue;
        with->seen[known++] = key;
        if (put(with, key, text << 2 | role)) return -1;
    }
    return 0;
}

/* The pieces of a text, or what it probes for, for texts of `whole` tokens. */
static int partition_for(const cutter *with, uint64_t text, size_t size, size_t whole) {
    int64_t edits = with->edits[whole], start = 0;
    int64_t length = (int64_t)whole / (edits + 1), longer = (int64_t)whole % (edits + 1);
    for (int64_t number = 0; number <= edits; number++) {
        int64_t own = length + (number >= edits + 1 - longer);
        uint64_t salt = (uint64_t)whole * MIX_G + (uint64_t)number * MIX_2;
        if (with->marks ? probe_piece(with, text, (int64_t)size, (int64_t)whole, number, start, own)
                        : put(with, piece_key(with, (size_t)start, (size_t)own, salt), text << 2 | ROLE_PIECE))
            return -1;
        start += own;
    }
    return 0;
}

static int partition_text(const cutter *with, uint64_t text, const uint64_t *tokens, size_t size) {
    if (size >= with->edit_count) return 0;
    for (size_t i = 0; i < size; i++) with->sums[i + 1] = with->sums[i] * MIX_3 + tokens[i];
    size_t last = with->marks ? with->edit_count - 1 : size;
    for (size_t whole = size; whole <= last; whole++)
        if (with->edits[whole] > 0 && (int64_t)(whole - size) <= with->edits[whole] &&
            partition_for(with, text, size, whole))
            return -1;
    return 0;
}

status partition(const ragged *in, const int64_t *edits, size_t edit_count, uint64_t shard, uint64_t shards,
                 const uint8_t *marks, size_t mark_bytes, words *keys, words *rows, uint64_t *bags) {
    status bad = ragged_check(in);
    if (bad) return bad;
    bad = edits_check(edits, edit_count);
    if (bad) return bad;
    if (shard >= shards) return STATUS_SHARDS;
    if (mark_bytes & (mark_bytes - 1)) return STATUS_MARKS;
    cutter with = {edits, edit_count, shard, shards, mark_bytes ? marks : NULL,
                   61 - low_bit(mark_bytes ? mark_bytes : 1), array_zeros(edit_count + 1, 8),
                   array_new(edit_count + 1, 8), array_new(2 * edit_count + 2, 8), keys, rows};
    status end = with.sums && with.powers && with.seen ? STATUS_OK : STATUS_MEMORY;
    if (!end) with.powers[0] = 1;
    for (size_t i = 0; i < edit_count && !end; i++) with.powers[i + 1] = with.powers[i] * MIX_3;
    for (size_t text = 0; text + 1 < in->offset_count && !end; text++) {
        const uint64_t *tokens = in->values + in->offsets[text];
        size_t size = (size_t)(in->offsets[text + 1] - in->offsets[text]);
        uint64_t bag = 0;
        for (size_t i = 0; i < size; i++) bag ^= UINT64_C(1) << ((tokens[i] * MIX_G) >> 58);
        bags[text] = bag;
        if (partition_text(&with, text, tokens, size)) end = STATUS_MEMORY;
    }
    block_free(with.sums);
    block_free(with.powers);
    block_free(with.seen);
    return end;
}

/* ---- pairs ------------------------------------------------------------------------------------------------- */

typedef struct member {
    uint64_t bag;
    uint32_t row, side;
} member;

typedef struct joiner {
    const piece_rows *in;
    uint64_t limit, scanned;
    uint64_t *marks;  /* two bits a slot: a piece is there; something else is there as well */
    unsigned mark_shift;
    uint32_t *alive, *bucket_of;
    size_t alive_count, bucket_count;
    uint32_t *slots, *ends; /* of the table of alive keys; behind the last row of each bucket */
    uint64_t *keys;         /* of each bucket */
    unsigned slot_shift;
    member *members;
    words *pairs;
    uint64_t skipped;
} joiner;

ALWAYS_INLINE unsigned bits_set(uint64_t word) {
    word -= (word >> 1) & UINT64_C(0x5555555555555555);
    word = (word & UINT64_C(0x3333333333333333)) + ((word >> 2) & UINT64_C(0x3333333333333333));
    word = (word + (word >> 4)) & UINT64_C(0x0F0F0F0F0F0F0F0F);
    return (unsigned)((word * UINT64_C(0x0101010101010101)) >> 56);
}

/* Whether two texts may be within the edits: each edit changes at most two of the bits that say which tokens stand
 * there an odd number of times, and one where it makes a text longer. */
ALWAYS_INLINE int alike(const joiner *with, const member *one, const member *two) {
    int64_t x = SIZE(one->side), y = SIZE(two->side), apart = x > y ? x - y : y - x;
    int64_t most = 2 * with->in->edits[ROLE(two->side) == ROLE_PIECE ? y : x] - apart;
    return (int64_t)bits_set(one->bag ^ two->bag) <= most;
}

ALWAYS_INLINE uint64_t *mark_of(const joiner *with, uint64_t key, unsigned *at) {
    uint64_t slot = (key * MIX_G) >> with->mark_shift;
    *at = (unsigned)(slot & 31) * 2;
    return with->marks + (slot >> 5);
}

/* Most keys are of one row, or of probes alone: they are not looked at again. */
static void find_alive(joiner *with) {
    const piece_rows *in = with->in;
    unsigned at;
    for (size_t i = 0; i < in->n; i++) {
        if (ROLE(in->sides[i]) != ROLE_PIECE) continue;
        uint64_t *mark = mark_of(with, in->keys[i], &at);
        *mark |= UINT64_C(1) << (at + (*mark >> at & 1));
    }
    for (size_t i = 0; i < in->n; i++) {
        if (ROLE(in->sides[i]) == ROLE_PIECE) continue;
        uint64_t *mark = mark_of(with, in->keys[i], &at);
        *mark |= (*mark >> at & 1) << (at + 1);
    }
    for (size_t i = 0; i < in->n; i++) {
        uint64_t *mark = mark_of(with, in->keys[i], &at);
        if (*mark >> (at + 1) & 1) with->alive[with->alive_count++] = (uint32_t)i;
    }
}

/* Number the buckets in the order of their first rows. */
static void number_buckets(joiner *with) {
    size_t mask = ((size_t)1 << (64 - with->slot_shift)) - 1;
    for (size_t i = 0; i < with->alive_count; i++) {
        uint64_t key = with->in->keys[with->alive[i]];
        size_t at = (size_t)((key * MIX_G) >> with->slot_shift);
        while (with->slots[at] && with->keys[with->slots[at] - 1] != key) at = (at + 1) & mask;
        if (!with->slots[at]) {
            with->keys[with->bucket_count] = key;
            with->ends[with->bucket_count] = 0;
            with->slots[at] = (uint32_t)++with->bucket_count;
        }
        with->bucket_of[i] = with->slots[at] - 1;
        with->ends[with->bucket_of[i]]++;
    }
}

/* Lay the rows out bucket after bucket, in order. */
static void lay_out(joiner *with) {
    uint32_t before = 0;
    for (size_t bucket = 0; bucket < with->bucket_count; bucket++) {
        uint32_t size = with->ends[bucket];
        with->ends[bucket] = before;
        before += size;
    }
    for (size_t i = 0; i < with->alive_count; i++) {
        uint32_t row = with->alive[i];
        member *at = with->members + with->ends[with->bucket_of[i]]++;
        at->row = row;
        at->side = with->in->sides[row];
        at->bag = with->in->bags[row];
    }
}

/* Pairs of one bucket. Those that others are held against are moved to its front: `held` of them so far. */
static int pair_bucket(joiner *with, member *of, size_t size) {
    uint64_t held = 0, pieces = 0, longer = 0;
    for (size_t i = 0; i < size; i++) {
        member mine = of[i];
        int is_piece = ROLE(mine.side) == ROLE_PIECE;
        uint64_t looked_at = 0, found = 0;
        for (uint64_t j = 0; j < held; j++) {
            if (!is_piece && ROLE(of[j].side) != ROLE_PIECE) continue;
            looked_at++;
            if (!alike(with, of + j, &mine) || ++found > with->limit) continue;
            if (words_reserve(with->pairs, 2)) return -1;
            with->pairs->data[with->pairs->size++] = of[j].row;
            with->pairs->data[with->pairs->size++] = mine.row;
        }
        with->skipped += pieces + (is_piece ? longer : 0) - looked_at;
        if (found > with->limit) with->skipped += found - with->limit;
        pieces += is_piece;
        longer += ROLE(mine.side) == ROLE_LONGER;
        if (ROLE(mine.side) != ROLE_OWN && held < with->scanned) of[held++] = mine;
    }
    return 0;
}

static status rows_check(const piece_rows *in) {
    if (in->n > MAX_ROWS) return STATUS_TOO_MANY;
    for (size_t i = 0; i < in->n; i++)
        if (ROLE(in->sides[i]) > ROLE_LONGER || (size_t)SIZE(in->sides[i]) >= in->edit_count) return STATUS_ROLES;
    return STATUS_OK;
}

static status join(joiner *with) {
    with->alive = array_new(with->in->n, sizeof *with->alive);
    if (!with->alive) return STATUS_MEMORY;
    find_alive(with);
    unsigned bits = 4;
    while (((size_t)1 << bits) < 2 * with->alive_count) bits++;
    with->slot_shift = 64 - bits;
    with->slots = array_zeros((size_t)1 << bits, sizeof *with->slots);
    with->bucket_of = array_new(with->alive_count, sizeof *with->bucket_of);
    with->ends = array_new(with->alive_count, sizeof *with->ends);
    with->keys = array_new(with->alive_count, sizeof *with->keys);
    with->members = array_new(with->alive_count, sizeof *with->members);
    if (!with->slots || !with->bucket_of || !with->ends || !with->keys || !with->members) return STATUS_MEMORY;
    number_buckets(with);
    lay_out(with);
    for (size_t bucket = 0, from = 0; bucket < with->bucket_count; from = with->ends[bucket++])
        if (with->ends[bucket] > from + 1 && pair_bucket(with, with->members + from, with->ends[bucket] - from))
            return STATUS_MEMORY;
    return STATUS_OK;
}

status piece_pairs(const piece_rows *in, int64_t limit, int64_t scanned, words *pairs, int64_t *skipped) {
    if (limit < 0 || scanned < 0) return STATUS_LIMIT;
    status bad = rows_check(in);
    if (bad) return bad;
    unsigned bits = 6;
    while (((size_t)1 << bits) < 8 * in->n) bits++;
    joiner with = {.in = in, .limit = (uint64_t)limit, .scanned = (uint64_t)scanned, .pairs = pairs,
                   .mark_shift = 64 - bits, .marks = array_zeros((size_t)1 << (bits - 5), 8)};
    status end = with.marks ? join(&with) : STATUS_MEMORY;
    block_free(with.marks);
    block_free(with.alive);
    block_free(with.slots);
    block_free(with.bucket_of);
    block_free(with.ends);
    block_free(with.keys);
    block_free(with.members);
    *skipped = (int64_t)with.skipped;
    return end;
}
