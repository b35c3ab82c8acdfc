/* Overlaps of shingle sets. What cannot reach the line is told by bit maps of the sets, a few words each; what may is
 * counted in full: through a hash table of one set, or, where the other one goes on as it did, without looking. */
#include "core.h"

#define BITS_A_VALUE 8
#define LEAST_WORDS 4
#define MOST (((size_t)1 << 30) - 1)

typedef struct slot {
    uint64_t value;
    uint32_t stamp, place; /* a slot counts while its stamp is current, so that nothing is ever cleared */
} slot;

typedef struct set {
    uint64_t *values; /* the distinct ones in order, once `count` is known */
    uint64_t *bits;
    size_t words;
    int64_t ones;  /* bits that are set; there are no more distinct values than values, and no fewer than these */
    int64_t count; /* -1 not yet known */
} set;

typedef struct sets {
    const ragged *rows;
    const overlap_line *line;
    const vector_steps *steps;
    set *of;
    uint64_t *values, *bits;
    slot *slots;
    unsigned shift;
    uint32_t stamp;
    int64_t held; /* whose values the table has; -1 nobody's */
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

ALWAYS_INLINE slot *slot_of(const sets *in, uint64_t value) {
    size_t mask = ((size_t)1 << (64 - in->shift)) - 1;
    size_t at = (size_t)((value * MIX_G) >> in->shift);
    while (in->slots[at].stamp == in->stamp && in->slots[at].value != value) at = (at + 1) & mask;
    return in->slots + at;
}

/* Put the values of a row into the table, and find out by that which are distinct. */
static void hold(sets *in, int64_t row) {
    const uint64_t *values = in->rows->values + in->rows->offsets[row];
    set *made = in->of + row;
    size_t size = row_size(in->rows, row), count = 0;
    in->shift = shift_for(size);
    in->stamp++;
    in->held = row;
    for (size_t i = 0; i < size; i++) {
        slot *at = slot_of(in, values[i]);
        if (at->stamp == in->stamp) continue;
        at->value = made->values[count] = values[i];
        at->stamp = in->stamp;
        at->place = (uint32_t)count++;
    }
    made->count = (int64_t)count;
}

static double whole_of(const overlap_line *line, int64_t first, int64_t second, int64_t shared) {
    if (line->of_smaller) return (double)(first < second ? first : second);
    return (double)(first + second - shared);
}

static int is_below(const overlap_line *line, int64_t first, int64_t second, int64_t shared) {
    return (double)shared < line->least * whole_of(line, first, second, shared);
}

/* The least number of shared values that may reach the line, or one that is a little too small. */
static int64_t least_shared(const overlap_line *line, int64_t first, int64_t second) {
    double whole = whole_of(line, first, second, 0), least = line->least;
    if (!(least > 0)) return 0;
    double shared = line->of_smaller ? least * whole : least * whole / (1 + least);
    return shared < (double)INT64_MAX / 4 ? (int64_t)(shared * (1 - 1e-9)) : INT64_MAX / 4;
}

/* How many distinct values of a set are in the one held, or -1 as soon as more than `misses` are not. */
static int64_t shared_with_held(const sets *in, const set *other, int64_t misses) {
    const set *held = in->of + in->held;
    int64_t at = 0, missed = 0;
    for (int64_t i = 0; i < other->count; i++) {
        uint64_t value = other->values[i];
        if (at < held->count && held->values[at] == value) {
            at++;
            continue;
        }
        const slot *found = slot_of(in, value);
        if (found->stamp == in->stamp) at = (int64_t)found->place + 1;
        else if (++missed > misses) return -1;
    }
    return other->count - missed;
}

/* Distinct values fall on the same bit or on different ones: of the smaller map's set no more can be shared than there
 * are bits in both, and values beyond its bits. */
static int cannot_reach(const sets *in, int64_t first, int64_t second) {
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
    set *one = in->of + first, *two = in->of + second;
    counts[0] = counts[1] = counts[2] = 0;
    if (in->bits && cannot_reach(in, first, second)) return;
    if (one->count < 0) hold(in, first);
    if (two->count < 0 || (in->held != first && in->held != second)) hold(in, second);
    const set *other = in->held == first ? two : one;
    int64_t shared = shared_with_held(in, other, other->count - least_shared(in->line, one->count, two->count));
    if (shared < 0 || is_below(in->line, one->count, two->count, shared)) return;
    counts[0] = shared;
    counts[1] = one->count;
    counts[2] = two->count;
}

static void map_bits(set *of, const uint64_t *values, size_t size) {
    uint64_t mask = of->words * 64 - 1;
    for (size_t i = 0; i < size; i++) {
        uint64_t place = ((values[i] * MIX_G) >> 32) & mask;
        of->bits[place >> 6] |= UINT64_C(1) << (place & 63);
    }
}

/* Room for the sets that the pairs name, and their bit maps if there is a line to reach. */
static status prepare(sets *in, const int64_t *pairs, size_t pair_count) {
    size_t row_count = in->rows->offset_count - 1, words = 0, most = 0;
    in->of = array_zeros(row_count ? row_count : 1, sizeof *in->of);
    in->values = array_new(in->rows->size ? in->rows->size : 1, sizeof *in->values);
    if (!in->of || !in->values) return STATUS_MEMORY;
    for (size_t i = 0; i < 2 * pair_count; i++) {
        set *of = in->of + pairs[i];
        size_t size = row_size(in->rows, pairs[i]);
        if (of->values) continue;
        of->values = in->values + in->rows->offsets[pairs[i]];
        of->words = words_for(size);
        of->count = -1;
        words += of->words;
        if (size > most) most = size;
    }
    if (most > MOST) return STATUS_TOO_MANY;
    in->slots = array_zeros((size_t)1 << (64 - shift_for(most)), sizeof *in->slots);
    if (!in->slots) return STATUS_MEMORY;
    if (!(in->line->least > 0)) return STATUS_OK;
    in->bits = array_zeros(words ? words : 1, sizeof *in->bits);
    if (!in->bits) return STATUS_MEMORY;
    uint64_t *free_bits = in->bits;
    for (size_t row = 0; row < row_count; row++) {
        set *of = in->of + row;
        if (!of->values) continue;
        of->bits = free_bits;
        free_bits += of->words;
        map_bits(of, in->rows->values + in->rows->offsets[row], row_size(in->rows, (int64_t)row));
        of->ones = (int64_t)in->steps->common_bits(of->bits, of->words, of->bits, 1);
    }
    return STATUS_OK;
}

status overlaps(const ragged *shingles, const int64_t *pairs, size_t pair_count, const overlap_line *line,
                int64_t *counts) {
    status bad = ragged_check(shingles);
    if (bad) return bad;
    if (!pairs_within(pairs, pair_count, shingles->offset_count - 1)) return STATUS_PAIRS;
    if (pair_count > MOST) return STATUS_TOO_MANY;
    sets in = {shingles, line, vector_choose(2), NULL, NULL, NULL, NULL, 58, 0, -1};
    bad = prepare(&in, pairs, pair_count);
    for (size_t i = 0; i < pair_count && !bad; i++) overlap(&in, pairs[2 * i], pairs[2 * i + 1], counts + 3 * i);
    block_free(in.of);
    block_free(in.values);
    block_free(in.bits);
    block_free(in.slots);
    return bad;
}
