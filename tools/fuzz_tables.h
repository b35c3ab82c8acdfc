/* Fold tables for fuzz_native.c: two synthetic ones, and a real one on demand. */
#ifndef DEDUP_FUZZ_TABLES_H
#define DEDUP_FUZZ_TABLES_H

#include <stdio.h>

#include "core.h"

#define WIDEST 6 /* tokens of the longest synthetic expansion */

#define DEMAND(claim)                                                             \
    do {                                                                          \
        if (!(claim)) {                                                           \
            fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__, #claim); \
            abort();                                                              \
        }                                                                         \
    } while (0)

static fold_table *tables[3];
static size_t table_count;

static uint64_t scrambled(uint64_t x) {
    x = (x ^ (x >> 31)) * MIX_1;
    return x ^ (x >> 29);
}

static uint32_t synthetic_entry(uint32_t code, int inside, uint32_t expansion_count) {
    uint64_t dice = scrambled(code * MIX_G + 1 + (uint64_t)inside);
    static const uint32_t kinds[16] = {0, 0, 1, 2, 2, 2, 2, 2, 3, 3, 3, 3, 4, 5, 2, 3};
    uint32_t kind = kinds[dice & 15], flags = (uint32_t)(dice >> 8 & 15) & (uint32_t)(dice >> 12 & 15);
    uint32_t high = (uint32_t)(dice >> 32);
    uint32_t folded = dice >> 20 & 1 ? KANA_FIRST + high % KANA_COUNT : high % 0x110000;
    if (inside && kind > KIND_WORD) kind = KIND_WORD;
    if (dice >> 21 & 1) folded %= 128;
    if (kind == KIND_EXPANSION) folded = high % expansion_count * (WIDEST + 1);
    if (kind == KIND_VOICE) folded = 1 + (high & 1);
    return kind << 28 | flags << 24 | folded;
}

static void make_plain(uint32_t *bmp) {
    for (uint32_t c = 0; c < 128; c++) {
        int letter = (c | 32) >= 'a' && (c | 32) <= 'z', digit = c >= '0' && c <= '9';
        bmp[c] = letter  ? (uint32_t)KIND_WORD << 28 | FLAG_GLOSS | c | 32
                 : digit ? (uint32_t)KIND_WORD << 28 | FLAG_NUMERAL | c
                         : 0;
    }
}

static fold_table *synthetic_table(int plain) {
    static uint32_t bmp[BMP_SIZE], astral[4 * 256], expansions[32 * (WIDEST + 1)];
    static uint16_t pages[ASTRAL_PAGES], voiced[2][KANA_COUNT];
    for (uint32_t c = 0; c < BMP_SIZE; c++) bmp[c] = synthetic_entry(c, 0, 32);
    for (uint32_t c = 0; c < 4 * 256; c++) astral[c] = synthetic_entry(c + BMP_SIZE, 0, 32);
    for (uint32_t i = 0; i < 32 * (WIDEST + 1); i++)
        expansions[i] = i % (WIDEST + 1) ? synthetic_entry(i, 1, 1) : i / (WIDEST + 1) % (WIDEST + 1);
    for (uint32_t i = 0; i < ASTRAL_PAGES; i++) pages[i] = i % 4;
    for (uint32_t i = 0; i < 2 * KANA_COUNT; i++)
        voiced[i / KANA_COUNT][i % KANA_COUNT] = i % 3 ? (uint16_t)(0x3041 + i) : 0;
    if (plain) make_plain(bmp);
    bmp['('] = bmp[')'] = bmp[0xFF08] = bmp[0xFF09] = 0;
    fold_arrays arrays = {bmp,          astral,       expansions,        pages,      voiced[0],  voiced[1], BMP_SIZE,
                          4 * 256,      32 * (WIDEST + 1), ASTRAL_PAGES, KANA_COUNT, KANA_COUNT};
    fold_table *made = NULL;
    DEMAND(table_make(&made, &arrays) == STATUS_OK);
    return made;
}

static fold_table *real_table(const char *name) {
    FILE *file = fopen(name, "rb");
    uint64_t sizes[6];
    void *parts[6];
    DEMAND(file && fread(sizes, 8, 6, file) == 6);
    for (int i = 0; i < 6; i++) {
        size_t width = i < 3 ? 4 : 2;
        DEMAND((parts[i] = malloc(sizes[i] * width + 1)) && fread(parts[i], width, sizes[i], file) == sizes[i]);
    }
    fclose(file);
    fold_arrays arrays = {parts[0], parts[1], parts[2], parts[3], parts[4], parts[5],
                          sizes[0], sizes[1], sizes[2], sizes[3], sizes[4], sizes[5]};
    fold_table *made = NULL;
    DEMAND(table_make(&made, &arrays) == STATUS_OK);
    for (int i = 0; i < 6; i++) free(parts[i]);
    return made;
}

static void start(void) {
    if (table_count) return;
    tables[table_count++] = synthetic_table(1);
    tables[table_count++] = synthetic_table(0);
    const char *name = getenv("DEDUP_FOLD_RAW");
    if (name) tables[table_count++] = real_table(name);
}

#endif
