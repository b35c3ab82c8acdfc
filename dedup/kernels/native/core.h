/* The compiled kernels: what the files of this folder share. No Python here; module.c alone knows Python.
 *
 * All arithmetic on hashes is on unsigned integers and wraps. Every function takes ranges that its caller may have
 * got wrong, checks them first, and answers with a `status`; none keeps a pointer after it returns, except where a
 * comment says so. */
#ifndef DEDUP_CORE_H
#define DEDUP_CORE_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#if defined(_MSC_VER) && !defined(__clang__)
#include <intrin.h>
#define ALWAYS_INLINE static __forceinline
#define NOINLINE __declspec(noinline)
#define LIKELY(x) (x)
#define UNLIKELY(x) (x)
#define PREFETCH(p) ((void)(p))
#else
#define ALWAYS_INLINE static inline __attribute__((always_inline))
#define NOINLINE __attribute__((noinline))
#define LIKELY(x) __builtin_expect(!!(x), 1)
#define UNLIKELY(x) __builtin_expect(!!(x), 0)
#define PREFETCH(p) __builtin_prefetch(p)
#endif

#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
#define BIG_ENDIAN_HOST 1
#else
#define BIG_ENDIAN_HOST 0
#endif

#define MIX_G UINT64_C(0x9E3779B97F4A7C15)
#define MIX_1 UINT64_C(0xBF58476D1CE4E5B9)
#define MIX_2 UINT64_C(0x94D049BB133111EB)
#define MIX_3 UINT64_C(0xD6E8FEB86659FD93)

#define EMPTY_LANE UINT32_C(0xFFFFFFFF)
#define MAX_SHINGLE 63

/* Nothing of this is for others to link to, or to put their own in place of. */
#if defined(__GNUC__)
#pragma GCC visibility push(hidden)
#endif

typedef enum status {
    STATUS_OK = 0,
    STATUS_MEMORY,
    STATUS_TABLE,
    STATUS_TABLE_UNSET,
    STATUS_LENGTHS,
    STATUS_RANGE,
    STATUS_K,
    STATUS_AB,
    STATUS_NO_OFFSETS,
    STATUS_OFFSETS,
    STATUS_BANDS,
    STATUS_BAND_LANES,
    STATUS_LIMIT,
    STATUS_LIMITS,
    STATUS_PAIRS,
    STATUS_COUNT,
    STATUS_NODES,
    STATUS_LOOP,
    STATUS_TOO_MANY,
    STATUS_MODE,
    STATUS_GRAM,
    STATUS_WINDOW,
    STATUS_PLACES,
    STATUS_SAME_PLACE,
    STATUS_UNSORTED,
    STATUS_SIDES,
    STATUS_CLAUSES,
    STATUS_EMPTY_CLAUSE,
    STATUS_EDITS,
    STATUS_SHARDS,
    STATUS_MARKS,
    STATUS_ROLES,
    STATUS_APART,
    STATUS_INSIDE,
    STATUS_BUFFER,
    STATUS_MATCHED,
    STATUS_PARTS
} status;

/* A growing array of 64-bit integers that belongs to the caller, who frees it with `words_free`. */
typedef struct words {
    uint64_t *data;
    size_t size;
    size_t room;
} words;

int words_reserve(words *array, size_t more); /* 0, or -1 when memory is short; the old content stays */
void words_free(words *array);

/* Memory that `block_free` gives back; NULL when it is short. */
void *array_new(size_t count, size_t item_bytes);
void *array_zeros(size_t count, size_t item_bytes);

/* ---- memory within a cap ---------------------------------------------------------------------------------- */

/* Large blocks go to files in `folder` where `heap` bytes of them lie outside of files already; nested calls count, what the first
 * one said holds. -1: not on this system, or not now. */
int spill_start(const char *folder, size_t cap, size_t heap);
void spill_stop(size_t *in_files, size_t *in_all); /* the most bytes of large blocks at a time */

void *advised(void *data, size_t bytes); /* data; a hint to the system that large pages would serve it */
void *block_make(size_t bytes, int zeroed);
void *block_resize(void *data, size_t bytes);
void block_free(void *data);

/* ---- fold table ------------------------------------------------------------------------------------------- */

enum { KIND_BREAK, KIND_TRANSPARENT, KIND_CJK, KIND_WORD, KIND_EXPANSION, KIND_VOICE };

#define KIND(entry) ((entry) >> 28)
#define PAYLOAD(entry) ((entry) & UINT32_C(0x1FFFFF))
#define PLACE(entry) ((entry) & UINT32_C(0xFFFFFF))
#define FLAG_NUMERAL (UINT32_C(1) << 24)
#define FLAG_HAN (UINT32_C(1) << 25)
#define FLAG_GLOSS (UINT32_C(1) << 26)
#define FLAG_TONE (UINT32_C(1) << 27)

#define BMP_SIZE 65536
#define ASTRAL_PAGES 4096
#define KANA_FIRST UINT32_C(0x3040)
#define KANA_COUNT 192
#define MAX_EXPANSION 64

/* `quick` has the tokens of three-byte characters of the common kinds ready: 0 = look it up properly, QUICK_SKIP = no
 * token (a token by itself never has bit 0 set). */
#define QUICK_SKIP 1

typedef struct fold_table {
    uint32_t *bmp;
    uint64_t *quick;
    uint16_t *pages;
    uint32_t *astral;
    uint32_t *expansions;
    size_t expansion_size;
    size_t max_expansion; /* most tokens that one code point can end or emit */
    uint16_t voiced[2][KANA_COUNT];
    int plain_ascii; /* ASCII letters and digits are the only ASCII words, folded to lower case */
} fold_table;

typedef struct fold_arrays {
    const uint32_t *bmp, *astral, *expansions;
    const uint16_t *pages, *voiced, *semivoiced;
    size_t bmp_size, astral_size, expansion_size, pages_size, voiced_size, semivoiced_size;
} fold_arrays;

status table_make(fold_table **made, const fold_arrays *arrays); /* copies; free with table_free */
void table_free(fold_table *table);

/* ---- tokens ----------------------------------------------------------------------------------------------- */

/* Byte ranges of texts in one buffer. */
typedef struct texts {
    const uint8_t *bytes;
    size_t size;
    const int64_t *starts, *ends;
    size_t starts_count, ends_count;
} texts;

status texts_check(const texts *in);

/* Where the lexer puts tokens. `numerals` are the places of tokens with the numeral bit. */
typedef struct sink {
    uint64_t *tokens;
    uint32_t *numerals;
    int64_t *starts, *ends; /* NULL where nobody asks for places */
    size_t count;
    size_t numeral_count;
} sink;

typedef struct lexer {
    const fold_table *table;
    const uint8_t *bytes;
    size_t first, at, end; /* of the text */
    size_t readable;       /* end of the buffer: bytes up to here may be loaded, not used */
    /* the word that is open: bytes == 0 means none */
    uint64_t hash, chunk, word_bytes;
    unsigned filled, numeral;
    size_t word_start, word_end;
    int plain; /* go code point by code point: the slow twin that the fuzzer holds the fast paths against */
} lexer;

#define LEX_BLOCK 1024 /* tokens after which the lexer pauses */
#define LEX_SLACK (96 + MAX_EXPANSION) /* tokens that one step can add, and whole vectors past the end */
#define LEX_ROOM (LEX_BLOCK + LEX_SLACK)

void lexer_start(lexer *lex, const fold_table *table, const texts *in, size_t text);
int lexer_run(lexer *lex, sink *out);        /* 1 when the text is at its end, 0 when the sink is full */
int lexer_run_places(lexer *lex, sink *out); /* the same, with places */

/* Without places where `starts` and `ends` are NULL. */
status tokenize(const fold_table *table, const texts *in, int64_t *offsets, words *values, words *starts, words *ends);

/* ---- sketch ----------------------------------------------------------------------------------------------- */

/* Ragged array: row i is values[offsets[i] .. offsets[i + 1]]. */
typedef struct ragged {
    const uint64_t *values;
    size_t size;
    const int64_t *offsets;
    size_t offset_count;
} ragged;

status ragged_check(const ragged *in);

typedef struct lanes {
    const uint32_t *a, *b;
    size_t count, b_count;
} lanes;

typedef struct scan_result {
    uint64_t *hashes, *numbers;
    int64_t *counts;
    uint32_t *signatures;
} scan_result;

status scan(const fold_table *table, const texts *in, int64_t k, uint64_t seed, const lanes *by, scan_result *out);
status shingle(const ragged *tokens, int64_t k, uint64_t seed, int64_t *offsets, words *shingles);
status text_shingles(const fold_table *table, const texts *in, int64_t k, uint64_t seed, int64_t *offsets,
                     words *shingles);
status sketch(const ragged *shingles, const lanes *by, uint32_t *signatures);
status band_keys(const uint32_t *signatures, size_t n, size_t lane_count, int64_t bands, int64_t rows, uint32_t *keys);

/* Vector steps, compiled once for each level of the CPU. */
typedef struct vector_steps {
    /* Shingles of `count` windows; writes whole groups of 8. */
    void (*shingles)(const uint64_t *tokens, size_t count, unsigned k, uint64_t salt, uint64_t *out);
    /* Upper halves of the shingles through fmix32; writes whole groups of 8. */
    void (*lane_hashes)(const uint64_t *shingles, size_t count, uint32_t *out);
    /* Takes `hashes` into the minima; needs room for a whole group of 4 of them. */
    void (*minima)(uint32_t *hashes, size_t count, const uint32_t *a, const uint32_t *b, size_t lane_count,
                   uint32_t *minima);
    /* Bits that are set in a map of `words` words and in another one of `times` as many, laid over it fold by fold. */
    size_t (*common_bits)(const uint64_t *few, size_t words, const uint64_t *many, size_t times);
    /* Places at which two rows of bytes have the same. */
    size_t (*equal_places)(const uint8_t *first, const uint8_t *second, size_t count);
} vector_steps;

const vector_steps *vector_choose(int level); /* 0 any CPU, 1 AVX2, 2 AVX-512; the best that runs here, up to `level` */

int vector_level(void);                        /* the best level that runs here */

uint64_t salt_of(uint64_t seed);

#define MATCHED_TOKENS 4096 /* the search goes down a level for each block, and its time is quadratic */

/* ---- groups, verification, lines --------------------------------------------------------------------------- */

status bucket_pairs32(const uint32_t *keys, size_t n, int64_t limit, words *pairs, int64_t *skipped);
status bucket_pairs64(const uint64_t *keys, size_t n, int64_t limit, words *pairs, int64_t *skipped);
/* `lanes`: n rows of `width` bytes. */
status agreements(const uint8_t *lanes, size_t n, size_t width, const int64_t *pairs, size_t pair_count,
                  int64_t *counts);
status number_keys(const uint64_t *keys, size_t n, int64_t *numbers, words *distinct);
status independent_set(const int64_t *pairs, size_t pair_count, int64_t n, uint8_t *kept);
status edit_distances(const ragged *tokens, const int64_t *pairs, size_t pair_count, const int64_t *limits,
                      size_t limit_count, int64_t *distances);

/* Pairs of which less is shared, of the union or of the smaller set, need not be counted. */
typedef struct overlap_line {
    double least;
    int of_smaller;
} overlap_line;

status overlaps(const ragged *shingles, const int64_t *pairs, size_t pair_count, const overlap_line *line,
                int64_t *counts);
/* 3 a block: where it starts in the first sequence and in the second, and its length. */
status matching_blocks(const uint64_t *first, size_t first_count, const uint64_t *second, size_t second_count,
                       words *blocks);
status lines(const texts *in, words *owners, words *starts, words *ends);
status pieces(const texts *in, int64_t mode, words *owners, words *starts, words *ends);

/* Length of the white character that starts at `at`, 0 for none. Line ends are white. */
size_t white_from(const uint8_t *bytes, size_t at, size_t end);

/* Length of the white character that ends at `at`, 0 for none. */
size_t white_before(const uint8_t *bytes, size_t start, size_t at);

/* Adds the range without the white space around it, unless nothing is left. */
status put_trimmed(const uint8_t *bytes, size_t start, size_t end, size_t owner, words *owners, words *starts,
                   words *ends);

/* ---- repeats ----------------------------------------------------------------------------------------------- */

status winnow(const ragged *tokens, int64_t gram_weight, int64_t window, words *hashes, words *places);
status extend(const ragged *tokens, const int64_t *rows, size_t count, int64_t weight, words *runs);
status loops(const ragged *hashes, const int64_t *tokens, size_t token_count, int64_t least, words *found);
status equal_bytes(const texts *first, const texts *second, uint8_t *equal);

/* ---- cuts -------------------------------------------------------------------------------------------------- */

status widen(const texts *fields, const texts *pieces, int64_t *first, int64_t *last);
status gather(const texts *in, uint8_t *out, size_t room); /* `out` lies apart from the texts */

/* ---- skeletons --------------------------------------------------------------------------------------------- */

typedef struct skeletons_made {
    uint64_t *hashes;
    int64_t *sums; /* 3 a segment */
    uint8_t *varies; /* 1 a token */
} skeletons_made;

status skeletons(const ragged *tokens, const int64_t *host, const int64_t *page, const double *least, double share,
                 skeletons_made *out);

/* ---- partition --------------------------------------------------------------------------------------------- */

typedef struct piece_rows {
    const uint64_t *keys;
    const uint16_t *sides;
    const uint64_t *bags;
    size_t n;
    const int64_t *edits;
    size_t edit_count;
} piece_rows;

status partition(const ragged *tokens, const int64_t *edits, size_t edit_count, uint64_t shard, uint64_t shards,
                 const uint8_t *marks, size_t mark_bytes, words *keys, words *rows, uint64_t *bags);
status piece_pairs(const piece_rows *in, int64_t limit, int64_t scanned, words *pairs, int64_t *skipped);

/* Whether every pair names rows of the ragged array. */
int pairs_within(const int64_t *pairs, size_t pair_count, uint64_t n);

/* ---- records ----------------------------------------------------------------------------------------------- */

/* What the value of a wanted key is; of a string the bytes between its quotes. */
enum { JSON_ABSENT, JSON_STRING, JSON_ESCAPED, JSON_NUMBER, JSON_NULL, JSON_OTHER };

typedef struct json_value {
    int kind;
    const uint8_t *start, *end;
} json_value;

typedef struct records_made {
    words lines;   /* 2 a record: its bytes, the line's end included */
    words members; /* 1 a record: how many it has, -1 where it is not sure */
    words kinds;   /* 1 a record and key */
    words ranges;  /* 2 a record and key */
} records_made;

/* Key i is bytes[offsets[i] .. offsets[i + 1]]. */
typedef struct key_names {
    const uint8_t *bytes;
    size_t size;
    const int64_t *offsets;
    size_t offset_count;
} key_names;

status records(const uint8_t *bytes, size_t size, const key_names *keys, records_made *out); /* the caller frees */
/* Copies texts one after the other, those that are marked by `put`, which makes none longer and returns where it ended. */
status put_texts(const texts *in, const uint8_t *marked, uint8_t *(*put)(const uint8_t *, const uint8_t *, uint8_t *),
                 uint8_t *values, size_t room, int64_t *offsets);
/* Decodes the escape at `*from`, which then stands behind it; see records.c. */
uint8_t *put_escape(const uint8_t **from, const uint8_t *end, uint8_t *out);
status unescape(const texts *in, const uint8_t *escaped, uint8_t *values, size_t room, int64_t *offsets);
status valid_utf8(const texts *in, uint8_t *valid);

/* Where places of decoded strings stand in the raw ones: string i has the places [firsts[i], firsts[i + 1]), which do not go down.
 * Of each place, 4 numbers: where the character of an escape that it lies inside begins, decoded and raw, and where it ends; twice
 * the place itself where it lies inside none. `halves` is 1 for a string with half a surrogate pair. */
status json_places(const texts *in, const int64_t *firsts, const int64_t *places, size_t place_count, int64_t *borders,
                   uint8_t *halves);

/* ---- lines from columns ------------------------------------------------------------------------------------- */

/* What a part writes behind its lead: bytes; bytes as a JSON string; a number; the name of a line: r and at least 6 digits. */
enum { PART_COPY, PART_QUOTE, PART_NUMBER, PART_NAME, PART_KINDS };

typedef struct part {
    const uint8_t *lead;
    size_t lead_size;
    int kind;
    const uint8_t *bytes; /* what the ranges of a copy or a string are of */
    size_t size;
} part;

typedef struct composed {
    words words;
    size_t bytes; /* how many of them are written */
} composed;

/* Part i of a row has the cell cells[2 * (i * rows + row)]: a range, or a number as the length of one; nothing at all is written,
 * not even the lead, where it ends before it starts. The caller frees. */
status compose(const part *parts, size_t part_count, const int64_t *cells, size_t rows, composed *out);

/* ---- rows ------------------------------------------------------------------------------------------------- */

/* How the value of a wanted column stands there; of one in quotes the bytes between them. */
enum { ROW_ABSENT, ROW_BARE, ROW_QUOTED, ROW_DOUBLED };

typedef struct row_value {
    int kind;
    size_t start, end;
} row_value;

typedef struct row_rules {
    const int64_t *columns; /* those that are wanted, numbered from 0; in any order */
    size_t column_count;
    size_t limit; /* bytes of the longest row */
    uint8_t separator;
    int blank;  /* whether a blank line is a row */
    int at_end; /* whether nothing follows the bytes */
} row_rules;

typedef struct rows_made {
    words places; /* 2 a row: its bytes, the line's end included; of a row with a fault, those of its first line */
    words counts; /* 1 a row: its values, 0 where it has a fault */
    words faults; /* 1 a row: 0 none, -1 a quote is never closed, -2 longer than the limit, else from 1 on: the byte of
                     the row that follows a closing quote without being a separator */
    words kinds;  /* 1 a row and column */
    words ranges; /* 2 a row and column */
    size_t stop;  /* where the first row starts of which more must be seen */
} rows_made;

status delimited(const uint8_t *bytes, size_t size, const row_rules *rules, rows_made *out); /* the caller frees */
status unquote(const texts *in, const uint8_t *doubled, uint8_t *values, size_t room, int64_t *offsets);

/* ---- small helpers ---------------------------------------------------------------------------------------- */

ALWAYS_INLINE uint64_t load64(const uint8_t *from) {
    uint64_t word;
    memcpy(&word, from, 8);
#if BIG_ENDIAN_HOST
    word = __builtin_bswap64(word);
#endif
    return word;
}

ALWAYS_INLINE uint32_t load32(const uint8_t *from) {
    uint32_t word;
    memcpy(&word, from, 4);
#if BIG_ENDIAN_HOST
    word = __builtin_bswap32(word);
#endif
    return word;
}

/* Place of the lowest set bit; 64 for 0. */
ALWAYS_INLINE unsigned low_bit(uint64_t mask) {
#if defined(_MSC_VER) && !defined(__clang__)
    unsigned long at;
    return _BitScanForward64(&at, mask) ? (unsigned)at : 64;
#else
    return mask ? (unsigned)__builtin_ctzll(mask) : 64;
#endif
}

/* The same, of a mask that is not 0. */
ALWAYS_INLINE unsigned low_bit_of(uint64_t mask) {
#if defined(_MSC_VER) && !defined(__clang__)
    return low_bit(mask);
#else
    return (unsigned)__builtin_ctzll(mask);
#endif
}

/* Place of the highest set bit, plus 1; 0 for 0. */
ALWAYS_INLINE unsigned high_bit(uint64_t mask) {
#if defined(_MSC_VER) && !defined(__clang__)
    unsigned long at;
    return _BitScanReverse64(&at, mask) ? (unsigned)at + 1 : 0;
#else
    return mask ? 64 - (unsigned)__builtin_clzll(mask) : 0;
#endif
}

/* The lowest `count` bits; count 0..64. */
ALWAYS_INLINE uint64_t low_mask(size_t count) { return count >= 64 ? ~UINT64_C(0) : (UINT64_C(1) << count) - 1; }

ALWAYS_INLINE uint64_t rotate_left(uint64_t word, unsigned by) {
    return (word << (by & 63)) | (word >> ((64 - by) & 63));
}

/* The token of a character by itself. */
ALWAYS_INLINE uint64_t single_token(uint32_t folded, unsigned numeral) {
    uint64_t hash = (folded + MIX_G) * MIX_1;
    hash = (hash ^ (hash >> 32)) * MIX_2;
    hash ^= hash >> 29;
    return (hash & ~UINT64_C(3)) | numeral << 1;
}

/* The end of the exact hash of a sequence. */
ALWAYS_INLINE uint64_t finish_hash(uint64_t sum, uint64_t count) {
    uint64_t hash = (sum ^ count) * MIX_1;
    hash ^= hash >> 32;
    hash *= MIX_2;
    return hash ^ (hash >> 29);
}

#if defined(__GNUC__)
#pragma GCC visibility pop
#endif

#endif
