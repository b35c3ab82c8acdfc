/* From bytes to tokens: strict UTF-8, the fold table, words, kana marks and glosses.
 *
 * Three paths give the same tokens. ASCII goes 64 bytes at a time through bit masks; three-byte characters of the
 * common kinds through a small table; all else code point by code point (`lex_step`). What depends on the character
 * before (a voice mark, the bracket of a gloss) looks back into the bytes instead of carrying state: UTF-8 can be
 * read backwards without doubt, because a lead byte is never part of another character. */
#include "ascii.h"

#define CASE_BITS (EVERY_BYTE * 32)
#define FULLWIDTH_OPEN UINT32_C(0xFF08)
#define FULLWIDTH_CLOSE UINT32_C(0xFF09)
#define MAX_GLOSS 12
#define ASCII_VIEW 63   /* bytes looked at: one bit is left over, so that a word's end always has one */
#define ASCII_LOADED 72 /* bytes that the masks and the load of a word's last byte may touch */

/* ---- code points ------------------------------------------------------------------------------------------ */

ALWAYS_INLINE int follows(uint8_t byte) { return (byte & 0xC0) == 0x80; }

/* Length of the character at `at`, 0 where the byte is no valid one. */
ALWAYS_INLINE unsigned decode(const uint8_t *bytes, size_t at, size_t end, uint32_t *code) {
    const uint8_t *p = bytes + at;
    size_t left = end - at;
    uint32_t lead = p[0];
    if (lead < 0x80) {
        *code = lead;
        return 1;
    }
    if (lead < 0xC2 || lead > 0xF4 || left < 2 || !follows(p[1])) return 0;
    if (lead < 0xE0) {
        *code = (lead & 0x1F) << 6 | (p[1] & 0x3Fu);
        return 2;
    }
    if (left < 3 || !follows(p[2])) return 0;
    if (lead < 0xF0) {
        *code = (lead & 0x0F) << 12 | (p[1] & 0x3Fu) << 6 | (p[2] & 0x3Fu);
        return *code >= 0x800 && (*code < 0xD800 || *code > 0xDFFF) ? 3 : 0;
    }
    if (left < 4 || !follows(p[3])) return 0;
    *code = (lead & 0x07) << 18 | (p[1] & 0x3Fu) << 12 | (p[2] & 0x3Fu) << 6 | (p[3] & 0x3Fu);
    return *code >= 0x10000 && *code <= 0x10FFFF ? 4 : 0;
}

ALWAYS_INLINE uint32_t entry_of(const fold_table *table, uint32_t code) {
    if (LIKELY(code < BMP_SIZE)) return table->bmp[code];
    uint32_t above = code - BMP_SIZE;
    return table->astral[(size_t)table->pages[above >> 8] * 256 + (above & 0xFF)];
}

/* Entry of the character that ends just before `at`; BREAK where there is none. */
static uint32_t entry_before(const lexer *lex, size_t at) {
    size_t from = at;
    uint32_t code = 0;
    while (from > lex->first && at - from < 4) {
        from--;
        if (!follows(lex->bytes[from]))
            return decode(lex->bytes, from, at, &code) == at - from ? entry_of(lex->table, code) : 0;
    }
    return 0;
}

/* ---- tokens and words ------------------------------------------------------------------------------------- */

ALWAYS_INLINE void put(sink *out, uint64_t token, size_t start, size_t end, int places) {
    size_t at = out->count++;
    out->tokens[at] = token;
    out->numerals[out->numeral_count] = (uint32_t)at;
    out->numeral_count += (token >> 1) & 1;
    if (places) {
        out->starts[at] = (int64_t)start;
        out->ends[at] = (int64_t)end;
    }
}

ALWAYS_INLINE uint64_t mix_chunk(uint64_t hash, uint64_t chunk) {
    hash = (hash ^ chunk) * MIX_1;
    return hash ^ (hash >> 32);
}

ALWAYS_INLINE uint64_t word_token(uint64_t hash, uint64_t bytes, uint64_t numeral) {
    hash = (hash ^ bytes) * MIX_2;
    hash ^= hash >> 29;
    return (hash & ~UINT64_C(3)) | numeral << 1 | 1;
}

/* The last chunk of an open word, full or not, is mixed when the word ends. */
ALWAYS_INLINE void word_close(lexer *lex, sink *out, int places) {
    if (!lex->word_bytes) return;
    uint64_t hash = mix_chunk(lex->hash, lex->chunk);
    put(out, word_token(hash, lex->word_bytes, lex->numeral), lex->word_start, lex->word_end, places);
    lex->word_bytes = 0;
}

ALWAYS_INLINE void word_open(lexer *lex, size_t start) {
    lex->hash = MIX_G;
    lex->chunk = 0;
    lex->filled = lex->numeral = 0;
    lex->word_start = start;
}

ALWAYS_INLINE void word_spill(lexer *lex) {
    lex->hash = mix_chunk(lex->hash, lex->chunk);
    lex->chunk = 0;
    lex->filled = 0;
}

ALWAYS_INLINE void word_letter(lexer *lex, uint32_t entry, size_t start, size_t end) {
    uint64_t folded = PAYLOAD(entry);
    unsigned bytes = folded < 128 ? 1 : 3;
    if (!lex->word_bytes) word_open(lex, start);
    if (bytes == 3) folded |= 0x800000;
    if (lex->filled == 8) word_spill(lex);
    unsigned fits = 8 - lex->filled;
    lex->chunk |= folded << (8 * lex->filled);
    lex->filled += bytes;
    if (bytes > fits) {
        word_spill(lex);
        lex->chunk = folded >> (8 * fits);
        lex->filled = bytes - fits;
    }
    lex->word_bytes += bytes;
    lex->numeral |= (entry & FLAG_NUMERAL) != 0;
    lex->word_end = end;
}

/* Append `count` plain letters and digits; 8 bytes from the last of them on must be readable. */
static void word_letters(lexer *lex, const uint8_t *from, size_t count, int numeral) {
    lex->word_bytes += count;
    lex->numeral |= (unsigned)numeral;
    while (count) {
        if (lex->filled == 8) word_spill(lex);
        size_t take = 8 - lex->filled < count ? 8 - lex->filled : count;
        lex->chunk |= ((load64(from) | CASE_BITS) & low_mask(8 * take)) << (8 * lex->filled);
        lex->filled += (unsigned)take;
        from += take;
        count -= take;
    }
}

/* ---- what looks around ------------------------------------------------------------------------------------ */

static int is_close(uint32_t code) { return code == ')' || code == FULLWIDTH_CLOSE; }

/* End of the gloss whose opening bracket lies before `at`, or 0: pinyin with a tone or bopomofo, then a bracket. */
static size_t gloss_end(const lexer *lex, size_t at) {
    unsigned letters = 0, tones = 0, latin = 0, bopomofo = 0, marks = 0;
    uint32_t code = 0;
    while (at < lex->end) {
        unsigned length = decode(lex->bytes, at, lex->end, &code);
        if (!length) return 0;
        at += length;
        if (is_close(code)) break;
        uint32_t entry = entry_of(lex->table, code), kind = KIND(entry);
        if (!(entry & (FLAG_GLOSS | FLAG_TONE)) || kind == KIND_EXPANSION) return 0;
        letters += kind != KIND_TRANSPARENT;
        if (letters > MAX_GLOSS) return 0;
        tones |= (entry & FLAG_TONE) != 0;
        if (!(entry & FLAG_GLOSS)) continue;
        latin |= kind == KIND_WORD;
        bopomofo |= kind == KIND_CJK;
        marks |= kind != KIND_WORD && kind != KIND_CJK && kind != KIND_TRANSPARENT;
    }
    if (!letters || !is_close(code)) return 0;
    return (tones && latin && !bopomofo && !marks) || (bopomofo && !latin) ? at : 0;
}

/* Where to go on behind the bracket at `at`, if it opens the gloss of a Han character; else 0. */
static size_t gloss_after_han(const lexer *lex, size_t at, unsigned bracket_bytes) {
    uint32_t before = entry_before(lex, at);
    if (KIND(before) != KIND_CJK || !(before & FLAG_HAN)) return 0;
    return gloss_end(lex, at + bracket_bytes);
}

/* A voice mark right behind a kana makes the composed kana of the token just put out. */
static void voice(const lexer *lex, sink *out, uint32_t mark, size_t end, int places) {
    uint32_t before = entry_before(lex, lex->at);
    uint32_t kana = PAYLOAD(before) - KANA_FIRST;
    if (KIND(before) != KIND_CJK || kana >= KANA_COUNT || !out->count) return;
    uint32_t composed = lex->table->voiced[PAYLOAD(mark) - 1][kana];
    if (!composed) return;
    size_t last = out->count - 1;
    if (out->tokens[last] & 2) out->numeral_count--;
    out->tokens[last] = single_token(composed, 0);
    if (places) out->ends[last] = (int64_t)end;
}

static int voice_is_next(const lexer *lex) {
    uint32_t code;
    return decode(lex->bytes, lex->at, lex->end, &code) && KIND(entry_of(lex->table, code)) == KIND_VOICE;
}

/* ---- the three paths --------------------------------------------------------------------------------------- */

ALWAYS_INLINE void apply(lexer *lex, sink *out, uint32_t entry, size_t end, int places) {
    switch (KIND(entry)) {
    case KIND_WORD: word_letter(lex, entry, lex->at, end); break;
    case KIND_TRANSPARENT: break;
    case KIND_CJK:
        word_close(lex, out, places);
        put(out, single_token(PAYLOAD(entry), (entry & FLAG_NUMERAL) != 0), lex->at, end, places);
        break;
    default: word_close(lex, out, places);
    }
}

ALWAYS_INLINE void lex_step(lexer *lex, sink *out, int places) {
    uint32_t code = 0;
    unsigned length = decode(lex->bytes, lex->at, lex->end, &code);
    uint32_t entry = length ? entry_of(lex->table, code) : 0;
    size_t end = lex->at + (length ? length : 1);
    if (UNLIKELY(length && (code == '(' || code == FULLWIDTH_OPEN))) {
        size_t behind = gloss_after_han(lex, lex->at, length);
        if (behind) {
            lex->at = behind;
            return;
        }
    }
    if (KIND(entry) == KIND_EXPANSION) {
        const uint32_t *entries = lex->table->expansions + PLACE(entry);
        for (uint32_t i = 1; i <= entries[0]; i++) apply(lex, out, entries[i], end, places);
    } else if (KIND(entry) == KIND_VOICE) {
        voice(lex, out, entry, end, places);
    } else {
        apply(lex, out, entry, end, places);
    }
    lex->at = end;
}

/* What the quick table knows of the three-byte character at `p`, where four bytes are readable; 0 if it is none. The
 * marks of UTF-8 are taken off the sum at once instead of off each byte. */
ALWAYS_INLINE uint64_t quick_entry(const uint64_t *quick, const uint8_t *p) {
    if ((load32(p) & 0xC0C0F0) != 0x8080E0) return 0;
    return quick[((size_t)p[0] << 12) + ((size_t)p[1] << 6) + p[2] - ((0xE0 << 12) + (0x80 << 6) + 0x80)];
}

/* Three-byte characters that the quick table knows. 0 if the first of them is none. */
ALWAYS_INLINE int lex_quick(lexer *lex, sink *out, int places) {
    const uint64_t *quick = lex->table->quick;
    size_t end = lex->end < lex->readable ? lex->end : lex->readable - 1; /* four bytes are loaded for three */
    if (end < lex->at + 3 || out->count + 1 >= LEX_BLOCK) return 0; /* an open word takes a place too */
    const uint8_t *p = lex->bytes + lex->at, *first = p;
    uint64_t found = quick_entry(quick, p);
    if (!found || (lex->word_bytes && found == QUICK_SKIP)) return 0; /* if it is transparent, the word goes on */
    word_close(lex, out, places);
    uint64_t *restrict tokens = out->tokens;
    uint32_t *restrict numerals = out->numerals;
    size_t count = out->count, numeral_count = out->numeral_count, left = (end - lex->at) / 3;
    if (left > LEX_BLOCK - count) left = LEX_BLOCK - count;
    do {
        tokens[count] = found;
        numerals[numeral_count] = (uint32_t)count;
        if (places) {
            out->starts[count] = p - lex->bytes;
            out->ends[count] = p - lex->bytes + 3;
        }
        numeral_count += (found >> 1) & 1;
        count += ~found & 1;
        p += 3;
    } while (--left && (found = quick_entry(quick, p)) != 0);
    out->count = count;
    out->numeral_count = numeral_count;
    lex->at += (size_t)(p - first);
    return 1;
}

static const uint64_t low_bytes[9] = {0,
                                      UINT64_C(0xFF),
                                      UINT64_C(0xFFFF),
                                      UINT64_C(0xFFFFFF),
                                      UINT64_C(0xFFFFFFFF),
                                      UINT64_C(0xFFFFFFFFFF),
                                      UINT64_C(0xFFFFFFFFFFFF),
                                      UINT64_C(0xFFFFFFFFFFFFFF),
                                      UINT64_C(0xFFFFFFFFFFFFFFFF)};

/* The token of a word that lies wholly in the view. */
ALWAYS_INLINE uint64_t ascii_word(const uint8_t *from, size_t bytes, unsigned numeral) {
    uint64_t hash = MIX_G;
    size_t left = bytes;
    for (; UNLIKELY(left > 8); left -= 8, from += 8) hash = mix_chunk(hash, load64(from) | CASE_BITS);
    hash = mix_chunk(hash, (load64(from) | CASE_BITS) & low_bytes[left]);
    return word_token(hash, bytes, numeral);
}

/* The words that a view shows whole. */
ALWAYS_INLINE void put_ascii_words(sink *out, const uint8_t *view, uint64_t words, uint64_t digits, size_t at,
                                   int places) {
    uint64_t *restrict tokens = out->tokens;
    uint32_t *restrict numerals = out->numerals;
    size_t count = out->count, numeral_count = out->numeral_count;
    while (words) {
        uint64_t carried = words + (words & (0 - words)), run = words & ~carried;
        size_t from = low_bit_of(words), to = low_bit_of(carried);
        unsigned numeral = (digits & run) != 0;
        tokens[count] = ascii_word(view + from, to - from, numeral);
        numerals[numeral_count] = (uint32_t)count;
        if (places) {
            out->starts[count] = (int64_t)(at + from);
            out->ends[count] = (int64_t)(at + to);
        }
        count++;
        numeral_count += numeral;
        words &= carried;
    }
    out->count = count;
    out->numeral_count = numeral_count;
}

/* Not inlined: only the last text of a buffer comes here. */
static NOINLINE const uint8_t *padded(uint8_t *copy, const uint8_t *from, size_t left) {
    memset(copy, 0, ASCII_LOADED);
    memcpy(copy, from, left < ASCII_LOADED ? left : ASCII_LOADED);
    return copy;
}

ALWAYS_INLINE byte_classes ascii_view(const uint8_t *from) {
    byte_classes found = classify16(from);
    if (!found.high) found = classify64(from, found);
    found.high |= UINT64_C(1) << ASCII_VIEW;
    return found;
}

/* Up to 63 bytes of ASCII; the byte at lex->at is one. */
ALWAYS_INLINE void lex_ascii(lexer *lex, sink *out, int places) {
    uint8_t copy[ASCII_LOADED];
    size_t at = lex->at, left = lex->end - at;
    const uint8_t *p = lex->bytes + at;
    if (UNLIKELY(lex->readable - at < ASCII_LOADED)) {
        p = padded(copy, p, left);
    }
    byte_classes found = ascii_view(p);
    size_t length = low_bit(found.high), open = 0;
    if (length > left) length = left;
    uint64_t words = found.word & low_mask(length);
    if (lex->word_bytes) {
        size_t run = low_bit(~words);
        word_letters(lex, p, run, (found.digit & low_mask(run)) != 0);
        if (run) lex->word_end = at + run;
        lex->at = at + run;
        if (run == length) return;
        word_close(lex, out, places);
        words &= ~low_mask(run);
    }
    /* a word that touches the end of the view may go on behind it */
    if (length < left && (words >> (length - 1)) & 1) {
        open = length - high_bit(~words & low_mask(length));
        words &= low_mask(length - open);
    }
    put_ascii_words(out, p, words, found.digit, at, places);
    lex->at = at + length - open;
    if (open && (length < ASCII_VIEW || open == length)) {
        word_open(lex, lex->at);
        word_letters(lex, p + length - open, open, (found.digit & low_mask(length) & ~low_mask(length - open)) != 0);
        lex->at = lex->word_end = at + length;
    }
}

ALWAYS_INLINE int lex_run(lexer *lex, sink *out, int places) {
    int ascii = lex->table->plain_ascii && !lex->plain;
    while (lex->at < lex->end) {
        if (UNLIKELY(out->count >= LEX_BLOCK) && !voice_is_next(lex)) return 0;
        uint8_t lead = lex->bytes[lex->at];
        if (lead < 0x80 && ascii) {
            size_t behind = lead == '(' ? gloss_after_han(lex, lex->at, 1) : 0;
            if (UNLIKELY(behind)) lex->at = behind;
            else lex_ascii(lex, out, places);
        } else if ((lead & 0xF0) != 0xE0 || lex->plain || !lex_quick(lex, out, places)) {
            lex_step(lex, out, places);
        }
    }
    word_close(lex, out, places);
    return 1;
}

int lexer_run(lexer *lex, sink *out) { return lex_run(lex, out, 0); }

int lexer_run_places(lexer *lex, sink *out) { return lex_run(lex, out, 1); }

void lexer_start(lexer *lex, const fold_table *table, const texts *in, size_t text) {
    lex->table = table;
    lex->bytes = in->bytes;
    lex->first = lex->at = (size_t)in->starts[text];
    lex->end = (size_t)in->ends[text];
    lex->readable = in->size;
    lex->word_bytes = 0;
    lex->plain = 0;
}
