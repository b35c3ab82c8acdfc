/* Exact overlaps of shingle sets through one stamped hash table: a slot counts only while its stamps are current, so
 * that nothing is ever cleared. Pairs that come in a row with a common text find its set already there. */
#include "core.h"

typedef struct slot {
    uint64_t value;
    uint64_t in_set, in_other; /* stamps */
} slot;

typedef struct table {
    slot *slots;
    unsigned shift;
    uint64_t set_stamp, other_stamp;
    int64_t row; /* whose set it holds; -1 none */
    int64_t distinct;
} table;

ALWAYS_INLINE slot *slot_of(const table *in, uint64_t value) {
    size_t mask = ((size_t)1 << (64 - in->shift)) - 1;
    size_t at = (size_t)((value * MIX_G) >> in->shift);
    slot *found = in->slots + at;
    while ((found->in_set == in->set_stamp || found->in_other == in->other_stamp) && found->value != value) {
        at = (at + 1) & mask;
        found = in->slots + at;
    }
    return found;
}

static size_t row_size(const ragged *in, int64_t row) { return (size_t)(in->offsets[row + 1] - in->offsets[row]); }

static unsigned shift_for(size_t values) {
    unsigned bits = 6;
    while (((size_t)1 << bits) < 2 * values) bits++;
    return 64 - bits;
}

/* The set goes in before anything else of its stamp, so that stale slots of an earlier `other` never cut its chains. */
static void hold(table *in, const ragged *shingles, int64_t row, unsigned shift) {
    const uint64_t *values = shingles->values + shingles->offsets[row];
    in->shift = shift;
    in->set_stamp++;
    in->other_stamp++;
    in->row = row;
    in->distinct = 0;
    for (size_t i = 0; i < row_size(shingles, row); i++) {
        slot *at = slot_of(in, values[i]);
        if (at->in_set == in->set_stamp) continue;
        at->value = values[i];
        at->in_set = in->set_stamp;
        in->distinct++;
    }
}

static void meet(table *in, const ragged *shingles, int64_t row, int64_t *shared, int64_t *distinct) {
    const uint64_t *values = shingles->values + shingles->offsets[row];
    in->other_stamp++;
    *shared = *distinct = 0;
    for (size_t i = 0; i < row_size(shingles, row); i++) {
        slot *at = slot_of(in, values[i]);
        int held = at->in_set == in->set_stamp;
        if (at->in_other == in->other_stamp) continue;
        at->value = values[i];
        at->in_other = in->other_stamp;
        *shared += held;
        ++*distinct;
    }
}

static void overlap(table *in, const ragged *shingles, const int64_t *pair, int64_t *counts) {
    unsigned shift = shift_for(row_size(shingles, pair[0]) + row_size(shingles, pair[1]));
    int second_is_held = in->row == pair[1] && shift == in->shift;
    if (!second_is_held && !(in->row == pair[0] && shift == in->shift)) hold(in, shingles, pair[0], shift);
    counts[second_is_held ? 2 : 1] = in->distinct;
    meet(in, shingles, pair[second_is_held ? 0 : 1], counts, counts + (second_is_held ? 1 : 2));
}

status overlaps(const ragged *shingles, const int64_t *pairs, size_t pair_count, int64_t *counts) {
    status bad = ragged_check(shingles);
    if (bad) return bad;
    if (!pairs_within(pairs, pair_count, shingles->offset_count - 1)) return STATUS_PAIRS;
    unsigned shift = 58;
    for (size_t i = 0; i < pair_count; i++) {
        unsigned needed = shift_for(row_size(shingles, pairs[2 * i]) + row_size(shingles, pairs[2 * i + 1]));
        if (needed < shift) shift = needed;
    }
    table in = {array_zeros((size_t)1 << (64 - shift), sizeof(slot)), shift, 0, 0, -1, 0};
    if (!in.slots) return STATUS_MEMORY;
    for (size_t i = 0; i < pair_count; i++) overlap(&in, shingles, pairs + 2 * i, counts + 3 * i);
    block_free(in.slots);
    return STATUS_OK;
}
