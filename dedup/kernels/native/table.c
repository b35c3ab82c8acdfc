/* The fold table: checked, copied, and put into the form that the lexer reads fastest. */
#include "core.h"

#define MAX_CODE_POINT UINT32_C(0x10FFFF)

static int entry_is_sound(uint32_t entry, int inside_expansion) {
    uint32_t kind = KIND(entry);
    if (kind > KIND_VOICE || (inside_expansion && kind > KIND_WORD)) return 0;
    if (kind == KIND_CJK || kind == KIND_WORD) return (entry & UINT32_C(0xFFFFFF)) <= MAX_CODE_POINT;
    if (kind == KIND_VOICE) return PAYLOAD(entry) == 1 || PAYLOAD(entry) == 2;
    return 1;
}

static int expansion_is_sound(const fold_arrays *in, uint32_t entry, size_t *longest) {
    size_t place = PLACE(entry);
    if (place >= in->expansion_size) return 0;
    size_t count = in->expansions[place];
    if (count > MAX_EXPANSION || count > in->expansion_size - place - 1) return 0;
    for (size_t i = 0; i < count; i++)
        if (!entry_is_sound(in->expansions[place + 1 + i], 1)) return 0;
    if (count > *longest) *longest = count;
    return 1;
}

static int entries_are_sound(const fold_arrays *in, const uint32_t *entries, size_t count, size_t *longest) {
    for (size_t i = 0; i < count; i++) {
        if (!entry_is_sound(entries[i], 0)) return 0;
        if (KIND(entries[i]) == KIND_EXPANSION && !expansion_is_sound(in, entries[i], longest)) return 0;
    }
    return 1;
}

static int arrays_are_sound(const fold_arrays *in, size_t *longest) {
    if (in->bmp_size != BMP_SIZE || in->pages_size != ASTRAL_PAGES || in->astral_size % 256 != 0) return 0;
    if (in->voiced_size != KANA_COUNT || in->semivoiced_size != KANA_COUNT) return 0;
    for (size_t i = 0; i < ASTRAL_PAGES; i++)
        if (((size_t)in->pages[i] + 1) * 256 > in->astral_size) return 0;
    return entries_are_sound(in, in->bmp, BMP_SIZE, longest) &&
           entries_are_sound(in, in->astral, in->astral_size, longest);
}

static int ascii_is_plain(const uint32_t *bmp) {
    for (uint32_t c = 0; c < 128; c++) {
        uint32_t entry = bmp[c] & ~(FLAG_GLOSS | FLAG_TONE);
        int digit = c >= '0' && c <= '9';
        int letter = (c | 32) >= 'a' && (c | 32) <= 'z';
        uint32_t word = ((uint32_t)KIND_WORD << 28) | c | (letter ? 32 : 0) | (digit ? FLAG_NUMERAL : 0);
        if (digit || letter ? entry != word : KIND(entry) != KIND_BREAK) return 0;
    }
    return 1;
}

/* Only what needs no look around it: the lexer has closed the open word before it trusts these. */
static uint64_t quick_of(uint32_t code, uint32_t entry) {
    if (code < 0x800 || (code >= 0xD800 && code < 0xE000) || code == 0xFF08) return 0;
    if (KIND(entry) == KIND_BREAK || KIND(entry) == KIND_TRANSPARENT) return QUICK_SKIP;
    return KIND(entry) == KIND_CJK ? single_token(PAYLOAD(entry), (entry & FLAG_NUMERAL) != 0) : 0;
}

static void *copied(const void *from, size_t bytes) {
    void *copy = malloc(bytes ? bytes : 1);
    if (copy && bytes) memcpy(copy, from, bytes);
    return copy;
}

void table_free(fold_table *table) {
    if (!table) return;
    free(table->bmp);
    free(table->quick);
    free(table->pages);
    free(table->astral);
    free(table->expansions);
    free(table);
}

status table_make(fold_table **made, const fold_arrays *in) {
    size_t longest = 1;
    if (!arrays_are_sound(in, &longest)) return STATUS_TABLE;
    fold_table *table = calloc(1, sizeof *table);
    if (!table) return STATUS_MEMORY;
    table->bmp = copied(in->bmp, BMP_SIZE * sizeof *in->bmp);
    table->quick = calloc(BMP_SIZE, sizeof *table->quick);
    table->pages = copied(in->pages, ASTRAL_PAGES * sizeof *in->pages);
    table->astral = copied(in->astral, in->astral_size * sizeof *in->astral);
    table->expansions = copied(in->expansions, in->expansion_size * sizeof *in->expansions);
    if (!table->bmp || !table->quick || !table->pages || !table->astral || !table->expansions) {
        table_free(table);
        return STATUS_MEMORY;
    }
    table->expansion_size = in->expansion_size;
    table->max_expansion = longest;
    memcpy(table->voiced[0], in->voiced, sizeof table->voiced[0]);
    memcpy(table->voiced[1], in->semivoiced, sizeof table->voiced[1]);
    for (uint32_t code = 0; code < BMP_SIZE; code++) table->quick[code] = quick_of(code, table->bmp[code]);
    table->plain_ascii = ascii_is_plain(table->bmp);
    *made = table;
    return STATUS_OK;
}
