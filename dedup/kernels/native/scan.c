/* Texts to tokens, and texts straight to exact hashes and signatures.
 *
 * A text goes through in blocks of LEX_BLOCK tokens, so the scratch is the same for a word and for a gigabyte; from
 * block to block the last k - 1 tokens are carried over, in front of the next ones. */
#include "core.h"

#define CARRY 64 /* at least MAX_SHINGLE - 1, whole cache lines */

typedef struct scratch {
    uint64_t tokens[CARRY + LEX_ROOM + MAX_SHINGLE];
    uint64_t shingles[CARRY + LEX_ROOM];
    uint32_t lane_hashes[CARRY + LEX_ROOM];
    uint32_t numerals[LEX_ROOM];
    int64_t starts[LEX_ROOM], ends[LEX_ROOM];
} scratch;

typedef struct scanner {
    const vector_steps *steps;
    const lanes *by;
    scratch *room;
    uint64_t salt;
    unsigned k;
} scanner;

uint64_t salt_of(uint64_t seed) {
    uint64_t hash = seed * MIX_G;
    hash = (hash ^ (hash >> 31)) * MIX_1;
    return hash ^ (hash >> 32);
}

status texts_check(const texts *in) {
    if (in->starts_count != in->ends_count) return STATUS_LENGTHS;
    for (size_t i = 0; i < in->starts_count; i++) {
        int64_t start = in->starts[i], end = in->ends[i];
        if (start < 0 || end < start || (uint64_t)end > in->size) return STATUS_RANGE;
    }
    return STATUS_OK;
}

static sink sink_of(scratch *room) {
    sink out = {room->tokens + CARRY, room->numerals, room->starts, room->ends, 0, 0};
    return out;
}

/* Makes the shingles that end in this block; `carried` tokens stand before it. */
static size_t block_shingles(const scanner *with, size_t carried, size_t count, int is_short) {
    scratch *room = with->room;
    size_t total = carried + count;
    unsigned k = is_short ? (unsigned)total : with->k;
    if (total < k || !k) return 0;
    with->steps->shingles(room->tokens + CARRY - carried, total - k + 1, k, with->salt, room->shingles);
    return total - k + 1;
}

/* Keeps the last tokens of a block in front of the next one; returns how many. */
static size_t carry_over(const scanner *with, size_t carried, size_t count) {
    size_t total = carried + count, kept = total < with->k - 1 ? total : with->k - 1;
    uint64_t *tokens = with->room->tokens + CARRY;
    memmove(tokens - kept, tokens + count - kept, kept * sizeof *tokens);
    return kept;
}

/* Lane minima over the shingles that end in this block. */
static void scan_shingles(const scanner *with, size_t carried, size_t count, int is_short, uint32_t *signature) {
    scratch *room = with->room;
    size_t windows = block_shingles(with, carried, count, is_short);
    if (!windows) return;
    with->steps->lane_hashes(room->shingles, windows, room->lane_hashes);
    with->steps->minima(room->lane_hashes, windows, with->by->a, with->by->b, with->by->count, signature);
}

/* Sum of token * (2 * place + 1), the first token having the place `base`. The sums of all beginnings stand in for the
 * factors: a token is in as many of them as it has successors, and itself. */
static uint64_t sequence_sum(const uint64_t *tokens, size_t count, uint64_t base) {
    uint64_t sum = 0, beginnings = 0;
    for (size_t i = 0; i < count; i++) {
        sum += tokens[i];
        beginnings += sum;
    }
    return sum * (2 * (base + count) + 1) - 2 * beginnings;
}

static void scan_text(const scanner *with, lexer *lex, scan_result *out, size_t text) {
    scratch *room = with->room;
    uint64_t count = 0, sum = 0, number_sum = 0, number_count = 0;
    size_t lane_count = with->by->count, carried = 0;
    uint32_t *signature = lane_count ? out->signatures + text * lane_count : NULL;
    for (size_t lane = 0; lane < lane_count; lane++) signature[lane] = EMPTY_LANE;
    for (int done = 0; !done;) {
        sink tokens = sink_of(room);
        done = lexer_run(lex, &tokens);
        sum += sequence_sum(tokens.tokens, tokens.count, count);
        for (size_t i = 0; i < tokens.numeral_count; i++)
            number_sum += tokens.tokens[tokens.numerals[i]] * (2 * number_count++ + 1);
        count += tokens.count;
        if (!lane_count) continue;
        scan_shingles(with, carried, tokens.count, count < with->k, signature);
        if (!done) carried = carry_over(with, carried, tokens.count);
    }
    out->hashes[text] = count ? finish_hash(sum * MIX_G, count) : 0;
    out->numbers[text] = number_count ? finish_hash(number_sum * MIX_G, number_count) : 0;
    out->counts[text] = (int64_t)count;
}

status scan(const fold_table *table, const texts *in, int64_t k, uint64_t seed, const lanes *by, scan_result *out) {
    status bad = texts_check(in);
    if (bad) return bad;
    if (k < 1 || k > MAX_SHINGLE) return STATUS_K;
    if (by->count != by->b_count) return STATUS_AB;
    if (!table) return STATUS_TABLE_UNSET;
    scratch *room = calloc(1, sizeof *room);
    if (!room) return STATUS_MEMORY;
    scanner with = {vector_choose(2), by, room, salt_of(seed), (unsigned)k};
    lexer lex;
    for (size_t text = 0; text < in->starts_count; text++) {
        lexer_start(&lex, table, in, text);
        scan_text(&with, &lex, out, text);
    }
    free(room);
    return STATUS_OK;
}

static int append(words *to, const void *from, size_t count) {
    if (words_reserve(to, count)) return -1;
    if (count) memcpy(to->data + to->size, from, count * sizeof *to->data);
    to->size += count;
    return 0;
}

static int add_shingles(const scanner *with, lexer *lex, words *shingles) {
    size_t count = 0, carried = 0;
    for (int done = 0; !done;) {
        sink tokens = sink_of(with->room);
        done = lexer_run(lex, &tokens);
        count += tokens.count;
        size_t windows = block_shingles(with, carried, tokens.count, count < with->k);
        if (append(shingles, with->room->shingles, windows)) return -1;
        if (!done) carried = carry_over(with, carried, tokens.count);
    }
    return 0;
}

status text_shingles(const fold_table *table, const texts *in, int64_t k, uint64_t seed, int64_t *offsets,
                     words *shingles) {
    status bad = texts_check(in);
    if (bad) return bad;
    if (k < 1 || k > MAX_SHINGLE) return STATUS_K;
    if (!table) return STATUS_TABLE_UNSET;
    size_t likely = 0;
    for (size_t text = 0; text < in->starts_count; text++) likely += (size_t)(in->ends[text] - in->starts[text]) / 3;
    scratch *room = calloc(1, sizeof *room);
    if (!room || words_reserve(shingles, likely)) bad = STATUS_MEMORY;
    scanner with = {vector_choose(2), NULL, room, salt_of(seed), (unsigned)k};
    lexer lex;
    offsets[0] = 0;
    for (size_t text = 0; text < in->starts_count && !bad; text++) {
        lexer_start(&lex, table, in, text);
        if (add_shingles(&with, &lex, shingles)) bad = STATUS_MEMORY;
        offsets[text + 1] = (int64_t)shingles->size;
    }
    free(room);
    return bad;
}

status tokenize(const fold_table *table, const texts *in, int64_t *offsets, words *values, words *starts, words *ends) {
    status bad = texts_check(in);
    if (bad) return bad;
    if (!table) return STATUS_TABLE_UNSET;
    size_t likely = 0;
    for (size_t text = 0; text < in->starts_count; text++) likely += (size_t)(in->ends[text] - in->starts[text]) / 4;
    scratch *room = calloc(1, sizeof *room);
    if (!room || words_reserve(values, likely) ||
        (starts && (words_reserve(starts, likely) || words_reserve(ends, likely))))
        bad = STATUS_MEMORY;
    lexer lex;
    offsets[0] = 0;
    for (size_t text = 0; text < in->starts_count && !bad; text++) {
        lexer_start(&lex, table, in, text);
        for (int done = 0; !done && !bad;) {
            sink tokens = sink_of(room);
            done = starts ? lexer_run_places(&lex, &tokens) : lexer_run(&lex, &tokens);
            if (append(values, tokens.tokens, tokens.count) ||
                (starts && (append(starts, tokens.starts, tokens.count) || append(ends, tokens.ends, tokens.count))))
                bad = STATUS_MEMORY;
        }
        offsets[text + 1] = (int64_t)values->size;
    }
    free(room);
    return bad;
}
