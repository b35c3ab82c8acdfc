/* The slow twins that fuzz_native.c holds the compiled kernels against: straight from what each is to compute, forward
 * only, one step at a time. */
#ifndef DEDUP_FUZZ_NAIVE_H
#define DEDUP_FUZZ_NAIVE_H

#include "core.h"

typedef struct naive_code {
    uint32_t code, entry;
    size_t start, end;
    int skipped;
} naive_code;

typedef struct naive_token {
    uint64_t value;
    size_t start, end;
} naive_token;

static unsigned naive_length(const uint8_t *p, size_t left, uint32_t *code) {
    static const uint32_t least[5] = {0, 0, 0x80, 0x800, 0x10000};
    unsigned length = p[0] < 0x80 ? 1 : p[0] >> 5 == 6 ? 2 : p[0] >> 4 == 14 ? 3 : p[0] >> 3 == 30 ? 4 : 0;
    if (!length || length > left) return 0;
    uint32_t value = length == 1 ? p[0] : p[0] & (0x7Fu >> length);
    for (unsigned i = 1; i < length; i++) {
        if (p[i] >> 6 != 2) return 0;
        value = value << 6 | (p[i] & 63u);
    }
    if (value < least[length] || value > 0x10FFFF || (value >= 0xD800 && value < 0xE000)) return 0;
    *code = value;
    return length;
}

static uint32_t naive_entry(const fold_table *table, uint32_t code) {
    if (code < 65536) return table->bmp[code];
    return table->astral[table->pages[(code - 65536) / 256] * (size_t)256 + code % 256];
}

static size_t naive_decode(const fold_table *table, const uint8_t *bytes, size_t start, size_t end, naive_code *out) {
    size_t count = 0;
    while (start < end) {
        naive_code one = {0, 0, start, start + 1, 0};
        unsigned length = naive_length(bytes + start, end - start, &one.code);
        if (length) {
            one.entry = naive_entry(table, one.code);
            one.end = start + length;
        } else {
            one.code = UINT32_MAX;
        }
        out[count++] = one;
        start = one.end;
    }
    return count;
}

/* How many code points the gloss takes that opens at `at`; 0 for none. */
static size_t naive_gloss(const naive_code *codes, size_t at, size_t count) {
    unsigned letters = 0, tones = 0, word = 0, cjk = 0, other = 0;
    for (size_t i = at + 1; i < count; i++) {
        uint32_t entry = codes[i].entry, kind = entry >> 28;
        if (codes[i].code == ')' || codes[i].code == 0xFF09) {
            if (!letters) return 0;
            int latin = tones && word && !cjk && !other, zhuyin = cjk && !word;
            return latin || zhuyin ? i + 1 - at : 0;
        }
        if (codes[i].code == UINT32_MAX || kind == KIND_EXPANSION || !(entry >> 26 & 3)) return 0;
        letters += kind != KIND_TRANSPARENT;
        if (letters > 12) return 0;
        tones += entry >> 27 & 1;
        if (!(entry >> 26 & 1)) continue;
        word += kind == KIND_WORD;
        cjk += kind == KIND_CJK;
        other += kind != KIND_WORD && kind != KIND_CJK && kind != KIND_TRANSPARENT;
    }
    return 0;
}

typedef struct naive_word {
    uint8_t *stream;
    size_t bytes, start, end;
    int numeral;
} naive_word;

static void naive_close(naive_word *word, naive_token *out, size_t *count) {
    if (!word->bytes) return;
    uint64_t hash = MIX_G;
    for (size_t at = 0; at < word->bytes; at += 8) {
        uint64_t chunk = 0;
        for (size_t i = 0; i < 8 && at + i < word->bytes; i++) chunk |= (uint64_t)word->stream[at + i] << (8 * i);
        hash = (hash ^ chunk) * MIX_1;
        hash ^= hash >> 32;
    }
    hash = (hash ^ word->bytes) * MIX_2;
    hash ^= hash >> 29;
    naive_token token = {(hash & ~UINT64_C(3)) | 1 | (word->numeral ? 2 : 0), word->start, word->end};
    out[(*count)++] = token;
    word->bytes = 0;
    word->numeral = 0;
}

static void naive_apply(uint32_t entry, size_t start, size_t end, naive_word *word, naive_token *out, size_t *count) {
    uint32_t kind = entry >> 28, folded = entry & 0x1FFFFF;
    if (kind == KIND_TRANSPARENT || kind == KIND_VOICE) return;
    if (kind == KIND_WORD) {
        if (!word->bytes) word->start = start;
        uint32_t wide = folded | 0x800000;
        word->stream[word->bytes++] = (uint8_t)folded;
        if (folded >= 128) {
            word->stream[word->bytes++] = (uint8_t)(wide >> 8);
            word->stream[word->bytes++] = (uint8_t)(wide >> 16);
        }
        word->numeral |= (entry >> 24 & 1) != 0;
        word->end = end;
        return;
    }
    naive_close(word, out, count);
    if (kind != KIND_CJK) return;
    uint64_t hash = (folded + MIX_G) * MIX_1;
    hash ^= hash >> 32;
    hash *= MIX_2;
    hash ^= hash >> 29;
    naive_token token = {(hash & ~UINT64_C(3)) | (entry >> 24 & 1 ? 2 : 0), start, end};
    out[(*count)++] = token;
}

static uint32_t naive_voiced(const fold_table *table, uint32_t kana, uint32_t mark) {
    uint32_t folded = kana & 0x1FFFFF;
    if (kana >> 28 != KIND_CJK || mark >> 28 != KIND_VOICE || folded < 0x3040 || folded > 0x30FF) return 0;
    return table->voiced[(mark & 0x1FFFFF) - 1][folded - 0x3040];
}

/* `codes` and `out` have room for whatever comes: one code point a byte, MAX_EXPANSION tokens each. */
static size_t naive_tokens(const fold_table *table, const uint8_t *bytes, size_t start, size_t end, naive_code *codes,
                           uint8_t *stream, naive_token *out) {
    size_t size = naive_decode(table, bytes, start, end, codes), count = 0;
    naive_word word = {stream, 0, 0, 0, 0};
    for (size_t i = 0; i < size;) {
        uint32_t entry = codes[i].entry, kind = entry >> 28;
        uint32_t voiced = i + 1 < size ? naive_voiced(table, entry, codes[i + 1].entry) : 0;
        if (kind == KIND_EXPANSION) {
            const uint32_t *list = table->expansions + (entry & 0xFFFFFF);
            for (uint32_t j = 1; j <= list[0]; j++)
                naive_apply(list[j], codes[i].start, codes[i].end, &word, out, &count);
        } else if (voiced) {
            naive_apply((uint32_t)KIND_CJK << 28 | voiced, codes[i].start, codes[i + 1].end, &word, out, &count);
            i += 2;
            continue;
        } else {
            naive_apply(entry, codes[i].start, codes[i].end, &word, out, &count);
        }
        i++;
        if (kind == KIND_CJK && (entry >> 25 & 1) && i < size && (codes[i].code == '(' || codes[i].code == 0xFF08))
            i += naive_gloss(codes, i, size);
    }
    naive_close(&word, out, &count);
    return count;
}

static uint64_t naive_sequence(const naive_token *tokens, size_t count, int numerals_only) {
    uint64_t sum = 0, n = 0;
    for (size_t i = 0; i < count; i++)
        if (!numerals_only || tokens[i].value & 2) sum += tokens[i].value * ((2 * n++ + 1) * MIX_G);
    if (!n) return 0;
    sum = (sum ^ n) * MIX_1;
    sum ^= sum >> 32;
    sum *= MIX_2;
    return sum ^ (sum >> 29);
}

static uint64_t naive_shingle(const naive_token *tokens, unsigned k, uint64_t salt) {
    uint64_t sum = 0;
    for (unsigned j = 0; j < k; j++) {
        unsigned turn = 13 * (k - 1 - j) % 64;
        sum += turn ? tokens[j].value << turn | tokens[j].value >> (64 - turn) : tokens[j].value;
    }
    sum = (sum ^ salt) * MIX_3;
    return sum ^ (sum >> 32);
}

static uint32_t naive_lane_hash(uint64_t shingle) {
    uint32_t hash = (uint32_t)(shingle >> 32);
    hash ^= hash >> 16;
    hash *= 0x85EBCA6Bu;
    hash ^= hash >> 13;
    hash *= 0xC2B2AE35u;
    return hash ^ (hash >> 16);
}

/* Levenshtein distance by the whole matrix; `row` has room for y_size + 1. */
static int64_t naive_distance(const uint64_t *x, size_t x_size, const uint64_t *y, size_t y_size, int64_t *row) {
    for (size_t j = 0; j <= y_size; j++) row[j] = (int64_t)j;
    for (size_t i = 0; i < x_size; i++) {
        int64_t corner = row[0];
        row[0] = (int64_t)i + 1;
        for (size_t j = 0; j < y_size; j++) {
            int64_t change = corner + (x[i] != y[j]), least = row[j] < row[j + 1] ? row[j] : row[j + 1];
            corner = row[j + 1];
            row[j + 1] = change < least + 1 ? change : least + 1;
        }
    }
    return row[y_size];
}

/* Distinct values of x, and how many of them are in y. */
static void naive_overlap(const uint64_t *x, size_t x_size, const uint64_t *y, size_t y_size, int64_t *distinct,
                          int64_t *shared) {
    *distinct = *shared = 0;
    for (size_t i = 0; i < x_size; i++) {
        int seen = 0, found = 0;
        for (size_t j = 0; j < i; j++) seen |= x[j] == x[i];
        for (size_t j = 0; j < y_size; j++) found |= y[j] == x[i];
        *distinct += !seen;
        *shared += !seen && found;
    }
}

#endif
