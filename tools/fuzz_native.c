/* Fuzz target for the compiled kernels: any bytes in; every fast path against a slow twin (fuzz_naive.h), every result
 * against what must hold of it. Tables are synthetic (a plain one and a wild one); DEDUP_FOLD_RAW=FILE adds a real one,
 * as written by
 *     python -c "import sys, numpy as np; from dedup.kernels.fold_table import load; t = load(); a = [t.bmp, t.astral,
 *     t.expansions, t.astral_pages, t.voiced, t.semivoiced]; o = sys.stdout.buffer;
 *     o.write(np.array([len(x) for x in a], np.uint64).tobytes()); [o.write(x.tobytes()) for x in a]" > FILE
 *
 * Alone, for SECONDS from SEED (gcc or clang; add -DDEDUP_NO_SIMD for the paths without SSE2):
 *     cc -std=c11 -g -O1 -Wall -Wextra -fsanitize=address,undefined -fno-sanitize-recover=all -DFUZZ_ALONE \
 *        -Idedup/kernels/native tools/fuzz_native.c $(ls dedup/kernels/native/[!dm]*.c) dedup/kernels/native/memory.c \
 *        -o fuzz_native && ./fuzz_native SECONDS SEED
 * With libFuzzer (clang): the same without -DFUZZ_ALONE and with -fsanitize=fuzzer,address,undefined. */
#include "ascii.h"
#include "fuzz_naive.h"
#include "fuzz_tables.h"

#define MAX_INPUT 6000
#define MAX_TEXTS 6
#define MAX_LANES 80
#define ROOM (MAX_INPUT * (size_t)WIDEST * 4)

/* ---- texts --------------------------------------------------------------------------------------------------- */

typedef struct input {
    const fold_table *table;
    texts in;
    int64_t starts[MAX_TEXTS], ends[MAX_TEXTS];
    int64_t k;
    size_t lane_count;
    uint64_t seed;
} input;

static naive_code codes[MAX_INPUT];
static naive_token expected[ROOM];
static uint8_t stream[3 * ROOM];

/* The lexer, fast or slow, over one text: the same tokens at the same places. */
static void check_lexer(const input *with, size_t text, int plain, size_t count) {
    static uint64_t tokens[LEX_ROOM];
    static uint32_t numerals[LEX_ROOM];
    static int64_t starts[LEX_ROOM], ends[LEX_ROOM];
    lexer lex;
    lexer_start(&lex, with->table, &with->in, text);
    lex.plain = plain;
    size_t at = 0;
    for (int done = 0; !done;) {
        sink out = {tokens, numerals, starts, ends, 0, 0};
        size_t numeral = 0;
        done = lexer_run_places(&lex, &out);
        DEMAND(out.count <= LEX_ROOM - 8 && (done || out.count >= LEX_BLOCK) && at + out.count <= count);
        for (size_t i = 0; i < out.count; i++, at++) {
            DEMAND(tokens[i] == expected[at].value);
            DEMAND((size_t)starts[i] == expected[at].start && (size_t)ends[i] == expected[at].end);
            DEMAND(starts[i] >= with->starts[text] && starts[i] < ends[i] && ends[i] <= with->ends[text]);
            if (tokens[i] & 2) DEMAND(numeral < out.numeral_count && numerals[numeral++] == i);
        }
        DEMAND(numeral == out.numeral_count);
    }
    DEMAND(at == count);
}

static void check_signature(const input *with, const lanes *by, const uint32_t *signature, size_t count) {
    size_t k = count < (size_t)with->k ? count : (size_t)with->k, windows = count ? count - k + 1 : 0;
    for (size_t lane = 0; lane < by->count; lane++) {
        uint32_t least = EMPTY_LANE;
        for (size_t i = 0; i < windows && lane % 16 < 2; i++) {
            uint32_t hash = naive_lane_hash(naive_shingle(expected + i, (unsigned)k, salt_of(with->seed)));
            uint32_t value = by->a[lane] * hash + by->b[lane];
            if (value < least) least = value;
        }
        if (lane % 16 < 2) DEMAND(signature[lane] == least); /* all lanes of all texts would be most of the time */
    }
}

static void check_texts(const input *with) {
    static uint32_t a[MAX_LANES], b[MAX_LANES], signatures[MAX_TEXTS * MAX_LANES];
    uint64_t hashes[MAX_TEXTS], numbers[MAX_TEXTS];
    int64_t counts[MAX_TEXTS], offsets[MAX_TEXTS + 1];
    for (size_t i = 0; i < MAX_LANES; i++) {
        a[i] = (uint32_t)scrambled(i + with->seed) | 1;
        b[i] = (uint32_t)scrambled(~i);
    }
    lanes by = {a, b, with->lane_count, with->lane_count};
    scan_result out = {hashes, numbers, counts, signatures};
    words values = {0}, starts = {0}, ends = {0}, alone = {0};
    DEMAND(scan(with->table, &with->in, with->k, with->seed, &by, &out) == STATUS_OK);
    DEMAND(tokenize(with->table, &with->in, offsets, &values, &starts, &ends) == STATUS_OK);
    DEMAND(tokenize(with->table, &with->in, offsets, &alone, NULL, NULL) == STATUS_OK && alone.size == values.size);
    DEMAND(!values.size || !memcmp(alone.data, values.data, values.size * sizeof *values.data));
    for (size_t text = 0; text < with->in.starts_count; text++) {
        size_t count = naive_tokens(with->table, with->in.bytes, (size_t)with->starts[text], (size_t)with->ends[text],
                                    codes, stream, expected);
        check_lexer(with, text, 0, count);
        check_lexer(with, text, 1, count);
        DEMAND((size_t)counts[text] == count && offsets[text + 1] - offsets[text] == counts[text]);
        DEMAND(hashes[text] == naive_sequence(expected, count, 0));
        DEMAND(numbers[text] == naive_sequence(expected, count, 1));
        check_signature(with, &by, signatures + text * with->lane_count, count);
        for (size_t i = 0; i < count; i++) DEMAND(values.data[(size_t)offsets[text] + i] == expected[i].value);
    }
    words_free(&values), words_free(&starts), words_free(&ends), words_free(&alone);
}

/* Ranges that some kernel made: in order, in their texts, not empty, white at neither end. */
static void check_ranges(const input *with, words *owners, words *starts, words *ends) {
    for (size_t i = 0; i < owners->size; i++) {
        uint64_t text = owners->data[i], from = starts->data[i], to = ends->data[i];
        DEMAND(text < with->in.starts_count && from < to);
        DEMAND((int64_t)from >= with->starts[text] && (int64_t)to <= with->ends[text]);
        DEMAND(!white_from(with->in.bytes, from, to) && with->in.bytes[to - 1] != ' ');
        if (i && owners->data[i - 1] == text) DEMAND(ends->data[i - 1] <= from);
    }
    words_free(owners), words_free(starts), words_free(ends);
}

static void check_pieces(const input *with) {
    words owners = {0}, starts = {0}, ends = {0};
    DEMAND(lines(&with->in, &owners, &starts, &ends) == STATUS_OK);
    check_ranges(with, &owners, &starts, &ends);
    for (int64_t mode = 0; mode < 3; mode++) {
        DEMAND(pieces(&with->in, mode, &owners, &starts, &ends) == STATUS_OK);
        check_ranges(with, &owners, &starts, &ends);
    }
}

static void check_classes(const uint8_t *bytes, size_t size) {
    uint8_t view[72] = {0};
    memcpy(view, bytes, size < sizeof view ? size : sizeof view);
    byte_classes one = classify64(view, classify16(view)), two = classify64_swar(view, classify16_swar(view));
    DEMAND(one.word == two.word && one.digit == two.digit && one.high == two.high);
    for (size_t i = 0; i < 64; i++) {
        int digit = view[i] >= '0' && view[i] <= '9', letter = (view[i] | 32) >= 'a' && (view[i] | 32) <= 'z';
        DEMAND((one.word >> i & 1) == (uint64_t)(digit || letter) && (one.digit >> i & 1) == (uint64_t)digit);
        DEMAND((one.high >> i & 1) == (uint64_t)(view[i] >= 128));
    }
}

/* ---- values -------------------------------------------------------------------------------------------------- */

#define MAX_VALUES 400
#define MAX_ROWS 5
#define MAX_PAIRS 12

/* A ragged array, pairs and limits out of the input's bytes: small numbers, so that much is equal. */
typedef struct rows {
    uint64_t values[MAX_VALUES];
    int64_t offsets[MAX_ROWS + 1], pairs[2 * MAX_PAIRS], limits[MAX_PAIRS];
    size_t count, pair_count;
    ragged in;
} rows;

static void make_rows(rows *made, const uint8_t *bytes, size_t size) {
    size_t count = size < MAX_VALUES ? size : MAX_VALUES, spread = size ? 1 + bytes[0] % 60 : 1;
    memset(made, 0, sizeof *made);
    for (size_t i = 0; i < count; i++) made->values[i] = bytes[i] % spread * (spread & 1 ? MIX_G : 1);
    if (size > 3 && bytes[3] & 1) /* the second half nearly a copy of the first */
        for (size_t i = count / 2; i < count; i++)
            if (bytes[i] % 16) made->values[i] = made->values[i - count / 2];
    for (size_t i = 1; i <= MAX_ROWS; i++) {
        size_t step = size > i ? (size_t)bytes[i] * count / 256 / (1 + (bytes[0] & 3)) : 0;
        size_t at = (size_t)made->offsets[i - 1] + step;
        made->offsets[i] = (int64_t)(at < count ? at : count);
    }
    if (size > 3 && bytes[3] & 1) {
        made->offsets[1] = (int64_t)(count / 2);
        for (size_t i = 2; i <= MAX_ROWS; i++) made->offsets[i] = (int64_t)count;
    }
    made->pair_count = size % (MAX_PAIRS + 1);
    for (size_t i = 0; i < made->pair_count; i++) {
        uint64_t dice = scrambled(size * 31 + i + count * MIX_G);
        made->pairs[2 * i] = (int64_t)(dice % MAX_ROWS);
        made->pairs[2 * i + 1] = (int64_t)((dice >> 8) % MAX_ROWS);
        made->limits[i] = (int64_t)(dice >> 40 & 127) - 2;
    }
    ragged in = {made->values, count, made->offsets, MAX_ROWS + 1};
    made->in = in;
}

/* Bounds right at the distance are where a band would be cut too narrow. */
static void check_bounds(const rows *with, const int64_t *exact) {
    int64_t limits[MAX_PAIRS], distances[MAX_PAIRS];
    for (int64_t near = -1; near < 2; near++) {
        for (size_t i = 0; i < with->pair_count; i++) limits[i] = exact[i] + near > 0 ? exact[i] + near : 0;
        DEMAND(!edit_distances(&with->in, with->pairs, with->pair_count, limits, with->pair_count, distances));
        for (size_t i = 0; i < with->pair_count; i++)
            DEMAND(distances[i] == (exact[i] > limits[i] ? limits[i] + 1 : exact[i]));
    }
}

static void check_pairs(const rows *with) {
    int64_t exact[MAX_PAIRS], distances[MAX_PAIRS], counts[3 * MAX_PAIRS], row[MAX_VALUES + 1], distinct, shared;
    DEMAND(!edit_distances(&with->in, with->pairs, with->pair_count, with->limits, with->pair_count, distances));
    const overlap_line all = {0, 0}, half = {0.5, 0};
    DEMAND(overlaps(&with->in, with->pairs, with->pair_count, &all, counts) == STATUS_OK);
    int64_t above[3 * MAX_PAIRS];
    DEMAND(overlaps(&with->in, with->pairs, with->pair_count, &half, above) == STATUS_OK);
    for (size_t i = 0; i < with->pair_count; i++) {
        int64_t x = with->pairs[2 * i], y = with->pairs[2 * i + 1], limit = with->limits[i];
        const uint64_t *one = with->values + with->offsets[x], *two = with->values + with->offsets[y];
        size_t one_size = (size_t)(with->offsets[x + 1] - with->offsets[x]);
        size_t two_size = (size_t)(with->offsets[y + 1] - with->offsets[y]);
        int64_t distance = exact[i] = naive_distance(one, one_size, two, two_size, row);
        DEMAND(distances[i] == (limit >= 0 && distance > limit ? limit + 1 : distance));
        naive_overlap(one, one_size, two, two_size, &distinct, &shared);
        DEMAND(counts[3 * i] == shared && counts[3 * i + 1] == distinct);
        naive_overlap(two, two_size, one, one_size, &distinct, &shared);
        DEMAND(counts[3 * i] == shared && counts[3 * i + 2] == distinct);
        int reaches = 2 * shared >= counts[3 * i + 1] + distinct - shared;
        for (int j = 0; j < 3; j++) DEMAND(above[3 * i + j] == (reaches ? counts[3 * i + j] : 0));
    }
    check_bounds(with, exact);
}

static void check_agreements(const rows *with, const uint8_t *bytes, size_t size) {
    int64_t counts[MAX_PAIRS];
    size_t width = size / MAX_ROWS;
    DEMAND(agreements(bytes, MAX_ROWS, width, with->pairs, with->pair_count, counts) == STATUS_OK);
    for (size_t i = 0; i < with->pair_count; i++) {
        const uint8_t *one = bytes + (size_t)with->pairs[2 * i] * width;
        const uint8_t *two = bytes + (size_t)with->pairs[2 * i + 1] * width;
        int64_t same = 0;
        for (size_t j = 0; j < width; j++) same += one[j] == two[j];
        DEMAND(counts[i] == same);
        for (int level = 0; level < 3; level++)
            DEMAND(vector_choose(level)->equal_places(one, two, width) == (size_t)same);
    }
}

static void check_buckets(const rows *with, int64_t limit) {
    uint32_t keys[MAX_VALUES];
    uint8_t kept[MAX_VALUES];
    words pairs = {0}, wide = {0};
    int64_t skipped, wide_skipped, left_out = 0;
    size_t at = 0, n = with->in.size;
    for (size_t i = 0; i < n; i++) keys[i] = (uint32_t)with->values[i];
    DEMAND(bucket_pairs32(keys, n, limit, &pairs, &skipped) == STATUS_OK);
    DEMAND(bucket_pairs64(with->values, n, limit, &wide, &wide_skipped) == STATUS_OK);
    words distinct = {0};
    int64_t *numbers = array_new(n ? n : 1, sizeof *numbers);
    DEMAND(numbers && number_keys(with->values, n, numbers, &distinct) == STATUS_OK);
    for (size_t i = 0; i < n; i++) DEMAND(distinct.data[numbers[i]] == with->values[i]);
    words_free(&distinct);
    free(numbers);
    DEMAND(pairs.size == wide.size && skipped == wide_skipped);
    for (size_t i = 0; i < n; i++) {
        int64_t paired = 0;
        for (size_t j = 0; j < i; j++) {
            if (keys[j] != keys[i]) continue;
            if (paired++ >= limit) {
                left_out++;
                continue;
            }
            DEMAND(at + 1 < pairs.size && pairs.data[at] == j && pairs.data[at + 1] == i && wide.data[at] == j);
            at += 2;
        }
    }
    DEMAND(at == pairs.size && left_out == skipped);
    DEMAND(independent_set((const int64_t *)pairs.data, at / 2, (int64_t)n, kept) == STATUS_OK);
    for (size_t i = 0; i < n; i++) {
        int free_of = 1;
        for (size_t p = 0; p < at; p += 2) free_of &= !(pairs.data[p + 1] == i && kept[pairs.data[p]]);
        DEMAND(kept[i] == free_of);
    }
    words_free(&pairs), words_free(&wide);
}

static void check_steps(const rows *with, unsigned k) {
    static uint64_t tokens[MAX_VALUES + 80], one[MAX_VALUES + 8];
    static uint32_t hashes[MAX_VALUES + 8], a[MAX_LANES], b[MAX_LANES], least[MAX_LANES];
    static naive_token as_tokens[MAX_VALUES];
    size_t n = with->in.size, lane_count = n % MAX_LANES, windows = n >= k ? n - k + 1 : 0;
    memcpy(tokens, with->values, sizeof with->values);
    for (size_t i = 0; i < n; i++) as_tokens[i].value = tokens[i];
    for (size_t i = 0; i < MAX_LANES; i++) {
        a[i] = (uint32_t)scrambled(i) | 1;
        b[i] = (uint32_t)scrambled(~i);
    }
    for (int level = 0; level < 3; level++) {
        const vector_steps *steps = vector_choose(level);
        steps->shingles(tokens, windows, k, 99, one);
        steps->lane_hashes(one, windows, hashes);
        for (size_t i = 0; i < windows; i++)
            DEMAND(one[i] == naive_shingle(as_tokens + i, k, 99) && hashes[i] == naive_lane_hash(one[i]));
        memset(least, 0xFF, sizeof least);
        steps->minima(hashes, windows, a, b, lane_count, least);
        for (size_t lane = 0; lane < lane_count; lane++) {
            uint32_t value = EMPTY_LANE;
            for (size_t i = 0; i < windows; i++)
                if (a[lane] * hashes[i] + b[lane] < value) value = a[lane] * hashes[i] + b[lane];
            DEMAND(least[lane] == value);
        }
    }
}

#define MAX_PIECES (1 << 16)

typedef struct piece_table {
    uint64_t keys[MAX_PIECES], bags[MAX_PIECES];
    uint16_t sides[MAX_PIECES];
    uint32_t owners[MAX_PIECES];
    size_t n;
} piece_table;

/* Pieces and what meets them, text after text: one stable order, as `piece_pairs` takes its rows. */
static void in_order(piece_table *table, const words *keys, const words *texts_of, const uint64_t *bags,
                     const rows *with) {
    table->n = 0;
    for (uint64_t text = 0; text < MAX_ROWS; text++)
        for (int part = 0; part < 2; part++)
            for (size_t i = 0; i < keys[part].size; i++) {
                if (texts_of[part].data[i] >> 2 != text) continue;
                int64_t size = with->offsets[text + 1] - with->offsets[text];
                DEMAND(table->n < MAX_PIECES);
                table->keys[table->n] = keys[part].data[i];
                table->bags[table->n] = bags[text];
                table->owners[table->n] = (uint32_t)text;
                table->sides[table->n++] = (uint16_t)(4 * size + (int64_t)(texts_of[part].data[i] & 3));
            }
}

/* Of texts within the edits none is missed, whatever shares their pieces. */
static void check_partition(const rows *with, size_t size) {
    static int64_t edits[MAX_VALUES + 1], row[MAX_VALUES + 1];
    static piece_table table;
    uint64_t bags[MAX_ROWS], shares = 2 + size % 6;
    uint8_t marks[64] = {0};
    words keys[2] = {{0}, {0}}, texts_of[2] = {{0}, {0}}, pairs = {0};
    int64_t skipped;
    size_t most = size % 48;
    for (size_t i = 0; i <= most; i++) edits[i] = (int64_t)(i / shares);
    DEMAND(!partition(&with->in, edits, most + 1, 0, 1, NULL, 0, keys, texts_of, bags));
    for (size_t i = 0; i < keys[0].size; i++)
        marks[keys[0].data[i] >> 58] |= (uint8_t)(1 << (keys[0].data[i] >> 55 & 7));
    DEMAND(!partition(&with->in, edits, most + 1, 0, 1, marks, sizeof marks, keys + 1, texts_of + 1, bags));
    in_order(&table, keys, texts_of, bags, with);
    piece_rows in = {table.keys, table.sides, table.bags, table.n, edits, most + 1};
    DEMAND(!piece_pairs(&in, INT64_MAX, INT64_MAX, &pairs, &skipped) && !skipped);
    for (size_t y = 0; y < MAX_ROWS; y++)
        for (size_t x = 0; x < y; x++) {
            size_t one = (size_t)(with->offsets[x + 1] - with->offsets[x]);
            size_t two = (size_t)(with->offsets[y + 1] - with->offsets[y]), longer = one > two ? one : two;
            const uint64_t *first = with->values + with->offsets[x], *second = with->values + with->offsets[y];
            int found = longer > most || edits[longer] < 1 ||
                        naive_distance(first, one, second, two, row) > edits[longer];
            for (size_t p = 0; p < pairs.size && !found; p += 2)
                found = table.owners[pairs.data[p]] == x && table.owners[pairs.data[p + 1]] == y;
            DEMAND(found);
        }
    words_free(keys), words_free(keys + 1), words_free(texts_of), words_free(texts_of + 1), words_free(&pairs);
}

static void check_values(const uint8_t *bytes, size_t size, unsigned k) {
    static rows with;
    static uint32_t a[MAX_LANES], signatures[MAX_ROWS * MAX_LANES];
    words shingles = {0}, places = {0};
    int64_t bounds[MAX_ROWS + 1];
    make_rows(&with, bytes, size);
    check_pairs(&with);
    check_agreements(&with, bytes, size);
    check_buckets(&with, (int64_t)(size % 5));
    check_steps(&with, k);
    check_partition(&with, size);
    DEMAND(shingle(&with.in, k, size, bounds, &shingles) == STATUS_OK);
    ragged rows_of = {shingles.data, shingles.size, bounds, MAX_ROWS + 1};
    lanes by = {a, a, size % MAX_LANES, size % MAX_LANES};
    DEMAND(sketch(&rows_of, &by, signatures) == STATUS_OK);
    words_free(&shingles);
    (void)winnow(&with.in, (int64_t)k, (int64_t)(size % 9), &shingles, &places);
    words_free(&shingles), words_free(&places);
    /* offsets and pairs that may be anything: refused or done, never out of bounds */
    memcpy(with.offsets, bytes, size < sizeof with.offsets ? size : sizeof with.offsets);
    memcpy(with.pairs, bytes, size < sizeof with.pairs ? size : sizeof with.pairs);
    int64_t distances[3 * MAX_PAIRS];
    (void)edit_distances(&with.in, with.pairs, with.pair_count, with.limits, with.pair_count, distances);
    const overlap_line half = {0.5, 1};
    (void)overlaps(&with.in, with.pairs, with.pair_count, &half, distances);
    (void)agreements(bytes, size, 1, with.pairs, with.pair_count, distances);
}

/* ---- records ------------------------------------------------------------------------------------------------- */

/* What is quoted decodes to what it was, and places in it are found where they stand. */
static void check_quoted(const uint8_t *bytes, size_t size) {
    part string = {(const uint8_t *)"-", 1, PART_QUOTE, bytes, size};
    int64_t cell[2] = {0, (int64_t)size};
    composed made = {{0}, 0};
    DEMAND(compose(&string, 1, cell, 1, &made) == STATUS_OK);
    const uint8_t *quoted = (const uint8_t *)made.words.data;
    uint8_t escaped = 1, halves = 1, *values = malloc(made.bytes);
    int64_t start = 2, end = (int64_t)made.bytes - 1, offsets[2], firsts[2] = {0, 2}, places[2] = {0, (int64_t)size}, borders[8];
    texts inside = {quoted, made.bytes, &start, &end, 1, 1};
    DEMAND(values && quoted[0] == '-' && quoted[1] == '"' && quoted[end] == '"');
    DEMAND(unescape(&inside, &escaped, values, made.bytes, offsets) == STATUS_OK);
    DEMAND(offsets[1] == (int64_t)size && !memcmp(values, bytes, size));
    DEMAND(json_places(&inside, firsts, places, 2, borders, &halves) == STATUS_OK && !halves);
    DEMAND(borders[0] == 0 && borders[1] == 0 && borders[4] == (int64_t)size && borders[5] <= end - start);
    words_free(&made.words);
    free(values);
}

/* What is found lies in its line; what is decoded is no longer than it was, and is UTF-8. */
static void check_record(const uint8_t *bytes, size_t size, const records_made *made, size_t record, size_t keys) {
    const uint64_t *line = made->lines.data + 2 * record;
    DEMAND(line[0] < line[1] && line[1] <= size && (line[1] == size || bytes[line[1] - 1] == '\n'));
    for (size_t key = record * keys; key < (record + 1) * keys; key++) {
        uint64_t kind = made->kinds.data[key];
        const int64_t *range = (const int64_t *)made->ranges.data + 2 * key;
        DEMAND(kind <= JSON_OTHER && (kind == JSON_ABSENT || (int64_t)made->members.data[record] > 0));
        if (kind == JSON_ABSENT) DEMAND(range[0] == 0 && range[1] == 0);
        else DEMAND(range[0] > (int64_t)line[0] && range[0] <= range[1] && range[1] < (int64_t)line[1]);
        if (kind != JSON_STRING && kind != JSON_ESCAPED) continue;
        DEMAND(bytes[range[0] - 1] == '"' && bytes[range[1]] == '"');
        size_t room = (size_t)(range[1] - range[0]);
        uint8_t escaped = kind == JSON_ESCAPED, *values = malloc(room ? room : 1), valid = 0;
        int64_t offsets[2];
        texts raw = {bytes, size, range, range + 1, 1, 1}, decoded = {values, room, offsets, offsets + 1, 1, 1};
        DEMAND(values && unescape(&raw, &escaped, values, room, offsets) == STATUS_OK);
        DEMAND(escaped ? offsets[1] < (int64_t)room : !memcmp(values, bytes + range[0], room));
        DEMAND(valid_utf8(&raw, &valid) == STATUS_OK && valid);
        DEMAND(valid_utf8(&decoded, &valid) == STATUS_OK && valid);
        check_quoted(values, (size_t)offsets[1]);
        free(values);
    }
}

static void check_records(const uint8_t *bytes, size_t size) {
    static const uint8_t names[] = "atextid";
    static const int64_t bounds[] = {0, 1, 5, 7, 7};
    key_names keys = {names, 7, bounds, 5};
    records_made made = {{0}, {0}, {0}, {0}};
    DEMAND(records(bytes, size, &keys, &made) == STATUS_OK);
    size_t count = made.members.size;
    DEMAND(made.lines.size == 2 * count && made.kinds.size == 4 * count && made.ranges.size == 8 * count);
    for (size_t i = 0; i < count; i++) check_record(bytes, size, &made, i, 4);
    words_free(&made.lines), words_free(&made.members), words_free(&made.kinds), words_free(&made.ranges);
}

/* Rows do not overlap and lie in order; what is found lies in its row, and nothing is lost in front of `stop`. */
static void check_delimited(const uint8_t *bytes, size_t size, const row_rules *rules) {
    rows_made made = {{0}, {0}, {0}, {0}, {0}, 0};
    DEMAND(delimited(bytes, size, rules, &made) == STATUS_OK);
    size_t count = made.counts.size, columns = rules->column_count, before = 0;
    DEMAND(made.places.size == 2 * count && made.faults.size == count);
    DEMAND(made.kinds.size == columns * count && made.ranges.size == 2 * columns * count);
    DEMAND(made.stop <= size && (!rules->at_end || made.stop == size));
    for (size_t i = 0; i < count; i++) {
        const uint64_t *place = made.places.data + 2 * i;
        DEMAND(before <= place[0] && place[0] < place[1] && place[1] <= made.stop);
        DEMAND(!made.faults.data[i] == !!made.counts.data[i]);
        for (; before < place[0]; before++) DEMAND(!rules->blank && (bytes[before] == '\n' || bytes[before] == '\r'));
        before = place[1];
        for (size_t j = i * columns; j < (i + 1) * columns; j++) {
            uint64_t kind = made.kinds.data[j], *range = made.ranges.data + 2 * j;
            DEMAND(kind <= ROW_DOUBLED && (kind == ROW_ABSENT || !made.faults.data[i]));
            if (kind == ROW_ABSENT) DEMAND(range[0] == 0 && range[1] == 0);
            else DEMAND(place[0] <= range[0] && range[0] <= range[1] && range[1] <= place[1]);
            if (kind > ROW_BARE) DEMAND(bytes[range[0] - 1] == '"' && bytes[range[1]] == '"');
        }
    }
    words_free(&made.places), words_free(&made.counts), words_free(&made.faults);
    words_free(&made.kinds), words_free(&made.ranges);
}

static void check_rows(const uint8_t *bytes, size_t size, uint8_t choice) {
    static const int64_t columns[] = {1, 0, 7, 1};
    row_rules rules = {columns, choice % 5, choice & 64 ? choice % 50 : SIZE_MAX, choice & 8 ? ',' : 'e',
                       choice & 16, choice & 32};
    check_delimited(bytes, size, &rules);
}

/* Bytes that are no JSON are decoded and checked without a step too far. */
static void check_strings(const input *with) {
    uint8_t escaped[MAX_TEXTS], valid[MAX_TEXTS], *values = malloc(MAX_TEXTS * MAX_INPUT);
    int64_t offsets[MAX_TEXTS + 1];
    memset(escaped, 1, sizeof escaped);
    DEMAND(values && unescape(&with->in, escaped, values, MAX_TEXTS * MAX_INPUT, offsets) == STATUS_OK);
    DEMAND(valid_utf8(&with->in, valid) == STATUS_OK);
    for (size_t i = 0; i < with->in.starts_count; i++)
        DEMAND(offsets[i] <= offsets[i + 1] && offsets[i + 1] - offsets[i] <= with->ends[i] - with->starts[i]);
    DEMAND(unquote(&with->in, escaped, values, MAX_TEXTS * MAX_INPUT, offsets) == STATUS_OK);
    for (size_t i = 0; i < with->in.starts_count; i++)
        DEMAND(offsets[i] <= offsets[i + 1] && offsets[i + 1] - offsets[i] <= with->ends[i] - with->starts[i]);
    free(values);
}

/* ---- the target ---------------------------------------------------------------------------------------------- */

#define HEAD 8 /* bytes that choose; the rest is text */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    start();
    if (size < HEAD || size > MAX_INPUT) return 0;
    size_t bytes = size - HEAD, n = 1 + data[1] % MAX_TEXTS;
    uint8_t *text = malloc(bytes ? bytes : 1); /* of the exact size, so that a step too far is seen */
    DEMAND(text);
    memcpy(text, data + HEAD, bytes);
    input with = {.table = tables[data[0] % table_count],
                  .k = 1 + data[2] % MAX_SHINGLE,
                  .lane_count = data[3] % MAX_LANES,
                  .seed = data[4]};
    if (data[2] & 128) with.k = 1 + data[2] % 8;
    for (size_t i = 0; i < n; i++) {
        size_t one = bytes * (data[5] * i % 256) / 256, two = i ? bytes * (data[6] * i % 257) / 256 : bytes;
        with.starts[i] = (int64_t)(one < two ? one : two);
        with.ends[i] = (int64_t)(one < two ? two : one);
    }
    texts in = {text, bytes, with.starts, with.ends, n, n};
    with.in = in;
    check_texts(&with);
    check_pieces(&with);
    check_classes(text, bytes);
    check_records(text, bytes);
    check_rows(text, bytes, data[7]);
    check_strings(&with);
    check_values(text, bytes, (unsigned)with.k);
    free(text);
    return 0;
}

#ifdef FUZZ_ALONE
#include "fuzz_alone.h"
#endif
