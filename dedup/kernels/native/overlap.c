/* Overlaps of shingle sets. One set is held in a hash table, and the other goes past it: where that goes on as the held one
 * did, without looking. What cannot reach the line is given up on the way; and where a set is in many pairs, by bit maps of
 * the sets, a few words each, before that. */
#include "core.h"

#define BITS_A_VALUE 8
#define LEAST_WORDS 4
#define MAPPED 4    /* pairs of a set from which on a map of it pays */
#define PATIENCE 32 /* values that the held set has not, between looks at the line */
#define MOST (((size_t)1 << 30) - 1)

typedef struct slot {
    uint64_t value;
    uint32_t stamp, place; /* a slot counts while its stamp is current, so that nothing is ever cleared */
} slot;

typedef struct table {
    slot *slots;
    unsigned shift;
    uint32_t stamp;
} table;

typedef struct set {
    uint64_t *bits; /* NULL without a map */
    size_t words;
    int64_t ones;  /* bits that are set; there are no more distinct values than values, and no fewer than these */
    int64_t count; /* of distinct values; -1 not yet known */
    uint32_t pairs;
} set;

typedef struct sets {
    const ragged *rows;
    const overlap_line *line;
    const vector_steps *steps;
    set *of;
    uint64_t *bits;
    int64_t held;     /* whose values the table has; -1 nobody's */
    uint64_t *values; /* the distinct ones of the held set in order */
    uint32_t *seen;   /* for each of these the last pass that met it */
    uint32_t pass;
    table of_held, of_other;
} sets;

static size_t row_size(const ragged *in, int64_t row) { return (size_t)(in->offsets[row + 1] - in->offsets[row]); }

static unsigned shift_for(size_t values) {
    unsigned bits = 6;
    while (((size_t)1 << bits) < 2 * values) bits++;
    return 64 - bits;
}

static size_t words_for(size_t values) {
    size_t words = LEAST_WORDS;
    while (words * 64 < BITS_A_VALUE * values) words *= 2;
    return words;
}

static void table_start(table *in, size_t values) {
    in->shift = shift_for(values);
    in->stamp++;
}

ALWAYS_INLINE slot *slot_of(const table *in, uint64_t value) {
    size_t mask = ((size_t)1 << (64 - in->shift)) - 1;
    size_t at = (size_t)((value * MIX_G) >> in->shift);
    while (in->slots[at].stamp == in->stamp && in->slots[at].value != value) at = (at + 1) & mask;
    return in->slots + at;
}

/* 1 for a value that was not there. */
ALWAYS_INLINE int table_add(const table *in, uint64_t value, uint32_t place) {
    slot *at = slot_of(in, value);
    if (at->stamp == in->stamp) return 0;
    at->value = value;
    at->stamp = in->stamp;
    at->place = place;
    return 1;
}

/* Put the values of a row into the table, and find out by that which are distinct. */
static void hold(sets *in, int64_t row) {
    const uint64_t *values = in->rows->values + in->rows->offsets[row];
    size_t size = row_size(in->rows, row), count = 0;
    table_start(&in->of_held, size);
    in->held = row;
    for (size_t i = 0; i < size; i++) {
        in->values[count] = values[i];
        count += (size_t)table_add(&in->of_held, values[i], (uint32_t)count);
    }
    in->of[row].count = (int64_t)count;
}

static double whole_of(const overlap_line *line, int64_t first, int64_t second, int64_t shared) {
    if (line->of_smaller) return (double)(first < second ? first : second);
    return (double)(first + second - shared);
}

static int is_below(const overlap_line *line, int64_t first, int64_t second, int64_t shared) {
    return (double)shared < line->least * whole_of(line, first, second, shared);
}

/* Whether a set of which so much is known yet cannot reach the line with the held one: of what is `left` of its values all
 * may be shared, and be new or not. */
static int is_hopeless(const sets *in, const set *other, int64_t shared, int64_t missed, int64_t left) {
    int64_t held = in->of[in->held].count, most = shared + left < held ? shared + left : held;
    int64_t least_count = (in->line->of_smaller ? shared : most) + missed;
    return is_below(in->line, held, other->count < 0 ? least_count : other->count, most);
}

/* How many distinct values of a row are in the one held, or -1 if it cannot reach the line. What the held one has not is
 * gathered, so long as it is not known how many distinct values the row has. */
static int64_t shared_with_held(sets *in, int64_t row) {
    const uint64_t *values = in->rows->values + in->rows->offsets[row];
    const int64_t held = in->of[in->held].count, size = (int64_t)row_size(in->rows, row);
    set *other = in->of + row;
    const int is_new = other->count < 0;
    int64_t at = 0, shared = 0, missed = 0, looks = 0;
    in->pass++;
    if (is_new) table_start(&in->of_other, (size_t)size);
    for (int64_t i = 0; i < size; i++) {
        if (at >= held || in->values[at] != values[i]) {
            const slot *found = slot_of(&in->of_held, values[i]);
            if (found->stamp != in->of_held.stamp) {
                if (is_new) missed += table_add(&in->of_other, values[i], 0);
                if (++looks % PATIENCE == 0 && is_hopeless(in, other, shared, missed, size - 1 - i)) return -1;
                continue;
            }
            at = (int64_t)found->place;
        }
        shared += in->seen[at] != in->pass;
        in->seen[at++] = in->pass;
    }
    if (is_new) other->count = shared + missed;
    return shared;
}

/* Distinct values fall on the same bit or on different ones: of the smaller map's set no more can be shared than there
 * are bits in both, and values beyond its bits. */
static int cannot_reach(const sets *in, int64_t first, int64_t second) {
    if (!in->of[first].bits || !in->of[second].bits) return 0;
    if (in->of[first].words > in->of[second].words) {
        int64_t other = first;
        first = second;
        second = other;
    }
    const set *few = in->of + first, *many = in->of + second;
    int64_t few_size = (int64_t)row_size(in->rows, first), many_size = (int64_t)row_size(in->rows, second);
    int64_t most = few_size < many_size ? few_size : many_size;
    if (is_below(in->line, few->ones, many->ones, most)) return 1;
    int64_t both = (int64_t)in->steps->common_bits(few->bits, few->words, many->bits, many->words / few->words);
    both += few_size - few->ones;
    return is_below(in->line, few->ones, many->ones, both < most ? both : most);
}

static void overlap(sets *in, int64_t first, int64_t second, int64_t *counts) {
    counts[0] = counts[1] = counts[2] = 0;
    if (cannot_reach(in, first, second)) return;
    if (in->held != first && in->held != second) hold(in, first);
    int64_t shared = shared_with_held(in, in->held == first ? second : first);
    int64_t one = in->of[first].count, two = in->of[second].count;
    if (shared < 0 || is_below(in->line, one, two, shared)) return;
    counts[0] = shared;
    counts[1] = one;
    counts[2] = two;
}

static void map_bits(set *of, const uint64_t *values, size_t size) {
    uint64_t mask = of->words * 64 - 1;
    for (size_t i = 0; i < size; i++) {
        uint64_t place = ((values[i] * MIX_G) >> 32) & mask;
        of->bits[place >> 6] |= UINT64_C(1) << (place & 63);
    }
}

/* Bit maps of the sets that are in many pairs. */
static status map_sets(sets *in, size_t row_count) {
    size_t words = 0;
    for (size_t row = 0; row < row_count; row++)
        if (in->of[row].pairs >= MAPPED) words += in->of[row].words = words_for(row_size(in->rows, (int64_t)row));
    uint64_t *free_bits = in->bits = array_zeros(words ? words : 1, sizeof *in->bits);
    if (!in->bits) return STATUS_MEMORY;
    for (size_t row = 0; row < row_count; row++) {
        set *of = in->of + row;
        if (of->pairs < MAPPED) continue;
        of->bits = free_bits;
        free_bits += of->words;
        map_bits(of, in->rows->values + in->rows->offsets[row], row_size(in->rows, (int64_t)row));
        of->ones = (int64_t)in->steps->common_bits(of->bits, of->words, of->bits, 1);
    }
    return STATUS_OK;
}

/* Room for the sets that the pairs name, and their bit maps if there is a line to reach. */
static status prepare(sets *in, const int64_t *pairs, size_t pair_count) {
    size_t row_count = in->rows->offset_count - 1, most = 0;
    in->of = array_zeros(row_count ? row_count : 1, sizeof *in->of);
    if (!in->of) return STATUS_MEMORY;
    for (size_t i = 0; i < 2 * pair_count; i++) {
        set *of = in->of + pairs[i];
        size_t size = row_size(in->rows, pairs[i]);
        if (!of->pairs++) of->count = -1;
        if (size > most) most = size;
    }
    if (most > MOST) return STATUS_TOO_MANY;
    in->values = array_new(most + 1, sizeof *in->values); /* one more: each value is put down before it is known to be new */
    in->seen = array_zeros(most + 1, sizeof *in->seen);
    in->of_held.slots = array_zeros((size_t)1 << (64 - shift_for(most)), sizeof *in->of_held.slots);
    in->of_other.slots = array_zeros((size_t)1 << (64 - shift_for(most)), sizeof *in->of_other.slots);
    if (!in->values || !in->seen || !in->of_held.slots || !in->of_other.slots) return STATUS_MEMORY;
    return in->line->least > 0 ? map_sets(in, row_count) : STATUS_OK;
}

status overlaps(const ragged *shingles, const int64_t *pairs, size_t pair_count, const overlap_line *line,
                int64_t *counts) {
    status bad = ragged_check(shingles);
    if (bad) return bad;
    if (!pairs_within(pairs, pair_count, shingles->offset_count - 1)) return STATUS_PAIRS;
    if (pair_count > MOST) return STATUS_TOO_MANY;
    sets in = {.rows = shingles, .line = line, .steps = vector_choose(2), .held = -1};
    bad = prepare(&in, pairs, pair_count);
    for (size_t i = 0; i < pair_count && !bad; i++) overlap(&in, pairs[2 * i], pairs[2 * i + 1], counts + 3 * i);
    block_free(in.of);
    block_free(in.bits);
    block_free(in.values);
    block_free(in.seen);
    block_free(in.of_held.slots);
    block_free(in.of_other.slots);
    return bad;
}
