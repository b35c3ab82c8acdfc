/* Levenshtein distance over tokens, bit-parallel: Myers (1999), in the form of Hyyro (2003) for patterns of many
 * 64-bit blocks; only blocks that Ukkonen's bound (1985) leaves open are advanced. */
#include "core.h"

#define NOWHERE UINT32_MAX
#define FIRST_BOUND 64

/* What the pattern holds of one token. `where`: of a short pattern the bit mask of its places, else the first place.
 * A token that is in the pattern more often than there are blocks gets its masks written out, `row` says where: else a
 * text that repeats one token would cost the product of the lengths. There are never more than 64 such tokens. */
typedef struct symbol {
    uint64_t token;
    uint64_t where;
    uint64_t stamp;
    uint32_t times, row;
} symbol;

typedef struct block {
    uint64_t rises, falls; /* bit i: row i of the block is one more (less) than the row above it */
    int64_t score;         /* of the block's last row */
} block;

typedef struct editor {
    symbol *symbols;
    uint32_t *next; /* next place of the same token in the pattern */
    block *blocks;
    uint64_t *rows; /* masks of frequent tokens, one word a block */
    uint32_t row_count;
    uint64_t stamp;
    unsigned shift;
} editor;

typedef struct sequence {
    const uint64_t *tokens;
    size_t size;
} sequence;

/* The slot of a token: its own, or the free one where it would go. */
ALWAYS_INLINE symbol *slot_of(const editor *with, uint64_t token) {
    size_t mask = ((size_t)1 << (64 - with->shift)) - 1;
    size_t at = (size_t)((token * MIX_G) >> with->shift);
    while (with->symbols[at].stamp == with->stamp && with->symbols[at].token != token) at = (at + 1) & mask;
    return with->symbols + at;
}

ALWAYS_INLINE uint64_t find(const editor *with, uint64_t token, uint64_t absent) {
    const symbol *slot = slot_of(with, token);
    return slot->stamp == with->stamp ? slot->where : absent;
}

ALWAYS_INLINE symbol *enter(const editor *with, uint64_t token, uint64_t absent) {
    symbol *slot = slot_of(with, token);
    if (slot->stamp != with->stamp) {
        slot->stamp = with->stamp;
        slot->token = token;
        slot->where = absent;
        slot->times = 0;
        slot->row = NOWHERE;
    }
    return slot;
}

static void new_pattern(editor *with, size_t size) {
    unsigned bits = 7;
    while (((size_t)1 << bits) < 2 * size) bits++;
    with->shift = 64 - bits;
    with->stamp++;
}

/* One column of one block; `rise`, `fall` say how the row above it changed, and how its last row did. */
ALWAYS_INLINE void advance(block *at, uint64_t equal, uint64_t last_row, uint64_t *rise, uint64_t *fall) {
    uint64_t vertical = equal | at->falls;
    equal |= *fall;
    uint64_t horizontal = (((equal & at->rises) + at->rises) ^ at->rises) | equal;
    uint64_t up = at->falls | ~(horizontal | at->rises), down = at->rises & horizontal;
    uint64_t rises_out = (up & last_row) != 0, falls_out = (down & last_row) != 0;
    up = up << 1 | *rise;
    down = down << 1 | *fall;
    at->rises = down | ~(vertical | up);
    at->falls = up & vertical;
    at->score += (int64_t)rises_out - (int64_t)falls_out;
    *rise = rises_out;
    *fall = falls_out;
}

/* Pattern of 1..64 tokens. */
static int64_t distance_short(editor *with, sequence pattern, sequence text, int64_t bound) {
    uint64_t last_row = UINT64_C(1) << (pattern.size - 1);
    block all = {~UINT64_C(0), 0, (int64_t)pattern.size};
    new_pattern(with, pattern.size);
    for (size_t i = 0; i < pattern.size; i++) enter(with, pattern.tokens[i], 0)->where |= UINT64_C(1) << i;
    for (size_t i = 0; i < text.size; i++) {
        uint64_t rise = 1, fall = 0;
        advance(&all, find(with, text.tokens[i], 0), last_row, &rise, &fall);
        if (all.score - (int64_t)(text.size - i - 1) > bound) return bound + 1;
    }
    return all.score;
}

/* What of the pattern's blocks one bound leaves open. */
typedef struct band {
    size_t first, last, count; /* blocks */
    int64_t bound;
    int64_t above, below; /* rows off the diagonal that a path within the bound can reach */
    int64_t last_rows;    /* rows of the last block of all */
} band;

static int64_t rows_of(const band *open, size_t at) { return at + 1 == open->count ? open->last_rows : 64; }

static void open_block(editor *with, const band *open, size_t at, int64_t above) {
    block fresh = {~UINT64_C(0), 0, above + rows_of(open, at)};
    with->blocks[at] = fresh;
}

/* Before column `column` (from 1): one more block below if a path can come there, none above that none can leave. */
static void band_move(editor *with, band *open, int64_t column) {
    int64_t lowest = column + open->below, highest = column - open->above;
    if (open->last + 1 < open->count && with->blocks[open->last].score <= open->bound &&
        (int64_t)(open->last + 1) * 64 < lowest) {
        open->last++;
        open_block(with, open, open->last, with->blocks[open->last - 1].score);
    }
    while (open->first < open->last && (int64_t)(open->first + 1) * 64 < highest) open->first++;
}

/* After a column: close blocks all of whose rows are over the bound. 0 when none is left. */
static int band_close(const editor *with, band *open) {
    while (with->blocks[open->last].score >= open->bound + rows_of(open, open->last)) {
        if (open->last == open->first) return 0;
        open->last--;
    }
    while (open->first < open->last && with->blocks[open->first].score >= open->bound + 64) open->first++;
    return 1;
}

static void column_listed(editor *with, const band *open, symbol *slot) {
    uint64_t rise = 1, fall = 0, place;
    while (slot->where != NOWHERE && slot->where < open->first * 64) slot->where = with->next[slot->where];
    place = slot->where;
    for (size_t at = open->first; at <= open->last; at++) {
        uint64_t equal = 0;
        for (; place < (at + 1) * 64 && place != NOWHERE; place = with->next[place])
            equal |= UINT64_C(1) << (place & 63);
        advance(with->blocks + at, equal, UINT64_C(1) << (rows_of(open, at) - 1), &rise, &fall);
    }
}

static void column_of(editor *with, const band *open, uint64_t token) {
    static const uint64_t nothing;
    symbol *slot = slot_of(with, token);
    int known = slot->stamp == with->stamp;
    if (known && slot->row == NOWHERE) {
        column_listed(with, open, slot);
        return;
    }
    const uint64_t *masks = known ? with->rows + (size_t)slot->row * open->count : &nothing;
    uint64_t rise = 1, fall = 0;
    for (size_t at = open->first; at <= open->last; at++)
        advance(with->blocks + at, masks[known ? at : 0], UINT64_C(1) << (rows_of(open, at) - 1), &rise, &fall);
}

/* Enter the pattern's tokens from its end, so that their lists of places ascend. */
static void enter_long(editor *with, sequence pattern, size_t block_count) {
    new_pattern(with, pattern.size);
    with->row_count = 0;
    for (size_t i = pattern.size; i-- > 0;) {
        symbol *slot = enter(with, pattern.tokens[i], NOWHERE);
        with->next[i] = (uint32_t)slot->where;
        slot->where = i;
        if (++slot->times == block_count + 1) slot->row = with->row_count++;
    }
    memset(with->rows, 0, with->row_count * block_count * sizeof *with->rows);
    for (size_t i = 0; i < pattern.size && with->row_count; i++) {
        uint32_t row = slot_of(with, pattern.tokens[i])->row;
        if (row != NOWHERE) with->rows[row * block_count + i / 64] |= UINT64_C(1) << (i & 63);
    }
}

/* Pattern of more than 64 tokens, no longer than the text; bound at least the difference of their lengths. */
static int64_t distance_banded(editor *with, sequence pattern, sequence text, int64_t bound) {
    int64_t longer = (int64_t)(text.size - pattern.size);
    size_t count = (pattern.size + 63) / 64, reach = bound ? (size_t)(bound - 1) / 64 : 0;
    band open = {0, reach < count ? reach : count - 1, count, bound, (bound + longer) / 2, (bound - longer) / 2,
                 (int64_t)(pattern.size - (count - 1) * 64)};
    enter_long(with, pattern, count);
    for (size_t at = 0; at <= open.last; at++) open_block(with, &open, at, (int64_t)at * 64);
    for (size_t i = 0; i < text.size; i++) {
        band_move(with, &open, (int64_t)i + 1);
        column_of(with, &open, text.tokens[i]);
        if (!band_close(with, &open)) return bound + 1;
    }
    if (open.last + 1 < count) return bound + 1;
    int64_t score = with->blocks[count - 1].score;
    return score <= bound ? score : bound + 1;
}

/* Most pairs are far closer, or far further apart, than their bound: small bounds are tried first. */
static int64_t distance_long(editor *with, sequence pattern, sequence text, int64_t bound) {
    int64_t tried = FIRST_BOUND;
    while (tried < (int64_t)(text.size - pattern.size)) tried *= 2;
    for (;; tried *= 4) {
        if (tried > bound) tried = bound;
        int64_t distance = distance_banded(with, pattern, text, tried);
        if (distance <= tried || tried == bound) return distance;
    }
}

static int64_t distance_of(editor *with, sequence x, sequence y, int64_t limit) {
    sequence pattern = x.size <= y.size ? x : y, text = x.size <= y.size ? y : x;
    while (pattern.size && pattern.tokens[0] == text.tokens[0]) {
        pattern.tokens++, text.tokens++;
        pattern.size--, text.size--;
    }
    while (pattern.size && pattern.tokens[pattern.size - 1] == text.tokens[text.size - 1]) pattern.size--, text.size--;
    int64_t longest = (int64_t)text.size, bound = limit < 0 || limit > longest ? longest : limit;
    if ((int64_t)(text.size - pattern.size) > bound) return bound + 1;
    if (!pattern.size) return longest;
    return pattern.size <= 64 ? distance_short(with, pattern, text, bound) : distance_long(with, pattern, text, bound);
}

static sequence row_of(const ragged *in, int64_t row) {
    sequence tokens = {in->values + in->offsets[row], (size_t)(in->offsets[row + 1] - in->offsets[row])};
    return tokens;
}

static size_t longest_pattern(const ragged *in, const int64_t *pairs, size_t pair_count) {
    size_t longest = 1;
    for (size_t i = 0; i < pair_count; i++) {
        size_t x = row_of(in, pairs[2 * i]).size, y = row_of(in, pairs[2 * i + 1]).size;
        size_t shorter = x < y ? x : y;
        if (shorter > longest) longest = shorter;
    }
    return longest;
}

static status editor_make(editor *with, size_t longest) {
    memset(with, 0, sizeof *with);
    if (longest >= NOWHERE) return STATUS_TOO_MANY;
    new_pattern(with, longest);
    with->symbols = array_zeros((size_t)1 << (64 - with->shift), sizeof *with->symbols);
    with->next = array_new(longest, sizeof *with->next);
    with->blocks = array_new(longest / 64 + 1, sizeof *with->blocks);
    with->rows = array_new(longest + 64, sizeof *with->rows);
    return with->symbols && with->next && with->blocks && with->rows ? STATUS_OK : STATUS_MEMORY;
}

status edit_distances(const ragged *in, const int64_t *pairs, size_t pair_count, const int64_t *limits,
                      size_t limit_count, int64_t *distances) {
    status bad = ragged_check(in);
    if (bad) return bad;
    if (limit_count != pair_count) return STATUS_LIMITS;
    if (!pairs_within(pairs, pair_count, in->offset_count - 1)) return STATUS_PAIRS;
    editor with;
    bad = editor_make(&with, longest_pattern(in, pairs, pair_count));
    for (size_t i = 0; i < pair_count && !bad; i++)
        distances[i] = distance_of(&with, row_of(in, pairs[2 * i]), row_of(in, pairs[2 * i + 1]), limits[i]);
    block_free(with.symbols);
    block_free(with.next);
    block_free(with.blocks);
    block_free(with.rows);
    return bad;
}
