/* The steps that run over many tokens or lanes at once, written for the compiler to vectorise: one body, compiled
 * for several levels of x86-64 and chosen at run time. Elsewhere the compiler's own target is all there is.
 *
 * Counts are rounded up to whole groups of 8, so that no loop has a slow remainder: callers leave room for it. */
#include "core.h"

#define GROUP 8
#define BYTE_SUM 255 /* no more than a byte counts */

#if (defined(__x86_64__) || defined(_M_X64)) && defined(__GNUC__) && !defined(DEDUP_NO_SIMD)
#define HAVE_LEVELS 1
#else
#define HAVE_LEVELS 0
#endif

ALWAYS_INLINE size_t whole_groups(size_t count) { return (count + GROUP - 1) & ~(size_t)(GROUP - 1); }

ALWAYS_INLINE uint64_t finish_shingle(uint64_t sum, uint64_t salt) {
    uint64_t product = (sum ^ salt) * MIX_3;
    return product ^ (product >> 32);
}

/* One window at a time: for a k that the compiler knows. */
ALWAYS_INLINE void shingles_of(const uint64_t *restrict tokens, size_t count, unsigned k, uint64_t salt,
                               uint64_t *restrict out) {
    size_t whole = whole_groups(count);
    for (size_t i = 0; i < whole; i++) {
        uint64_t sum = 0;
        for (unsigned j = 0; j < k; j++) sum += rotate_left(tokens[i + j], 13 * (k - 1 - j));
        out[i] = finish_shingle(sum, salt);
    }
}

/* One place of the windows at a time: for any k. */
ALWAYS_INLINE void shingles_of_any(const uint64_t *restrict tokens, size_t count, unsigned k, uint64_t salt,
                                   uint64_t *restrict out) {
    size_t whole = whole_groups(count);
    memcpy(out, tokens + k - 1, whole * sizeof *out);
    for (unsigned j = 0; j + 1 < k; j++) {
        unsigned left = 13 * (k - 1 - j) & 63, right = (64 - left) & 63;
        for (size_t i = 0; i < whole; i++) out[i] += (tokens[i + j] << left) | (tokens[i + j] >> right);
    }
    for (size_t i = 0; i < whole; i++) out[i] = finish_shingle(out[i], salt);
}

ALWAYS_INLINE void shingles_body(const uint64_t *tokens, size_t count, unsigned k, uint64_t salt, uint64_t *out) {
    switch (k) {
    case 2: shingles_of(tokens, count, 2, salt, out); break;
    case 3: shingles_of(tokens, count, 3, salt, out); break;
    case 4: shingles_of(tokens, count, 4, salt, out); break;
    case 5: shingles_of(tokens, count, 5, salt, out); break;
    default: shingles_of_any(tokens, count, k, salt, out);
    }
}

ALWAYS_INLINE void lane_hashes_body(const uint64_t *restrict shingles, size_t count, uint32_t *restrict out) {
    size_t whole = whole_groups(count);
    for (size_t i = 0; i < whole; i++) {
        uint32_t hash = (uint32_t)(shingles[i] >> 32);
        hash = (hash ^ (hash >> 16)) * UINT32_C(0x85EBCA6B);
        hash = (hash ^ (hash >> 13)) * UINT32_C(0xC2B2AE35);
        out[i] = hash ^ (hash >> 16);
    }
}

/* Four hashes at a time, so that lanes are loaded and stored once for four. */
ALWAYS_INLINE void minima_block(const uint32_t *restrict hashes, size_t count, const uint32_t *restrict a,
                                const uint32_t *restrict b, uint32_t *restrict minima, size_t width) {
    for (size_t i = 0; i < count; i += 4) {
        uint32_t h0 = hashes[i], h1 = hashes[i + 1], h2 = hashes[i + 2], h3 = hashes[i + 3];
        for (size_t lane = 0; lane < width; lane++) {
            uint32_t v0 = a[lane] * h0 + b[lane], v1 = a[lane] * h1 + b[lane];
            uint32_t v2 = a[lane] * h2 + b[lane], v3 = a[lane] * h3 + b[lane];
            v0 = v0 < v1 ? v0 : v1;
            v2 = v2 < v3 ? v2 : v3;
            v0 = v0 < v2 ? v0 : v2;
            minima[lane] = v0 < minima[lane] ? v0 : minima[lane];
        }
    }
}

/* The last hash is written again up to a whole group of four: a minimum does not mind. */
ALWAYS_INLINE void minima_body(uint32_t *hashes, size_t count, const uint32_t *a, const uint32_t *b, size_t lanes,
                               uint32_t *minima) {
    size_t lane = 0;
    if (!count) return;
    for (size_t i = count; i % 4; i++) hashes[i] = hashes[count - 1];
    for (; lane + 64 <= lanes; lane += 64) minima_block(hashes, count, a + lane, b + lane, minima + lane, 64);
    for (; lane + 16 <= lanes; lane += 16) minima_block(hashes, count, a + lane, b + lane, minima + lane, 16);
    if (lane < lanes) minima_block(hashes, count, a + lane, b + lane, minima + lane, lanes - lane);
}

ALWAYS_INLINE size_t common_bits_body(const uint64_t *restrict few, size_t words, const uint64_t *restrict many,
                                      size_t times) {
    const uint64_t twos = UINT64_C(0x5555555555555555), fours = UINT64_C(0x3333333333333333);
    const uint64_t bytes = UINT64_C(0x0F0F0F0F0F0F0F0F);
    uint64_t total = 0;
    for (size_t i = 0; i < words; i++) {
        uint64_t laid = 0;
        for (size_t fold = 0; fold < times; fold++) laid |= many[fold * words + i];
        uint64_t common = few[i] & laid;
        common -= (common >> 1) & twos;
        common = (common & fours) + ((common >> 2) & fours);
        common = (common + (common >> 4)) & bytes;
        common += common >> 8;
        common += common >> 16;
        total += (common + (common >> 32)) & 0xFF;
    }
    return (size_t)total;
}

/* Eight places at a time in a word: of bytes that differ the high bit is set, and summed in bytes as far as those hold it. */
ALWAYS_INLINE size_t equal_places_body(const uint8_t *restrict first, const uint8_t *restrict second, size_t count) {
    const uint64_t low = UINT64_C(0x7F7F7F7F7F7F7F7F), ones = UINT64_C(0x0101010101010101);
    const uint64_t pairs = UINT64_C(0x00FF00FF00FF00FF);
    size_t words = count / 8, differ = 0;
    for (size_t from = 0; from < words; from += BYTE_SUM) {
        size_t stop = words - from < BYTE_SUM ? words : from + BYTE_SUM;
        uint64_t sums = 0;
        for (size_t i = from; i < stop; i++) {
            uint64_t one, two;
            memcpy(&one, first + 8 * i, sizeof one);
            memcpy(&two, second + 8 * i, sizeof two);
            one ^= two;
            sums += (((one & low) + low) | one) >> 7 & ones;
        }
        differ += (size_t)((((sums & pairs) + (sums >> 8 & pairs)) * UINT64_C(0x0001000100010001)) >> 48);
    }
    for (size_t i = 8 * words; i < count; i++) differ += first[i] != second[i];
    return count - differ;
}

#define LEVEL(name, attribute)                                                                                       \
    attribute static void shingles_##name(const uint64_t *tokens, size_t count, unsigned k, uint64_t salt,            \
                                          uint64_t *out) {                                                           \
        shingles_body(tokens, count, k, salt, out);                                                                  \
    }                                                                                                                \
    attribute static void lane_hashes_##name(const uint64_t *shingles, size_t count, uint32_t *out) {                 \
        lane_hashes_body(shingles, count, out);                                                                      \
    }                                                                                                                \
    attribute static void minima_##name(uint32_t *hashes, size_t count, const uint32_t *a, const uint32_t *b,         \
                                        size_t lane_count, uint32_t *minima) {                                       \
        minima_body(hashes, count, a, b, lane_count, minima);                                                        \
    }                                                                                                                \
    attribute static size_t common_bits_##name(const uint64_t *few, size_t words, const uint64_t *many,               \
                                               size_t times) {                                                       \
        if (times == 1) return common_bits_body(few, words, many, 1);                                                \
        return common_bits_body(few, words, many, times);                                                            \
    }                                                                                                                \
    attribute static size_t equal_places_##name(const uint8_t *first, const uint8_t *second, size_t count) {          \
        return equal_places_body(first, second, count);                                                              \
    }                                                                                                                \
    static const vector_steps steps_##name = {shingles_##name, lane_hashes_##name, minima_##name, common_bits_##name,  \
                                              equal_places_##name};

#define NO_ATTRIBUTE
LEVEL(any, NO_ATTRIBUTE)

#if HAVE_LEVELS
LEVEL(avx2, __attribute__((target("avx2,bmi2"))))
/* Not AVX512DQ: its 64-bit multiplication waits, on newer Intel CPUs, for whatever its target register held before, and
 * ran here at a fifth of its speed; three 32-bit ones do not. */
#if defined(__clang__)
LEVEL(avx512, __attribute__((target("avx2,bmi2,avx512f,avx512bw,avx512vl"))))
#else
LEVEL(avx512, __attribute__((target("avx2,bmi2,avx512f,avx512bw,avx512vl,prefer-vector-width=512"))))
#endif

static int runs_avx512(void) {
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512vl");
}
#endif

int vector_level(void) {
#if HAVE_LEVELS
    __builtin_cpu_init();
    if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("bmi2")) return 0;
    return runs_avx512() ? 2 : 1;
#else
    return 0;
#endif
}

const vector_steps *vector_choose(int level) {
#if HAVE_LEVELS
    int best = vector_level();
    if (level >= 2 && best >= 2) return &steps_avx512;
    if (level >= 1 && best >= 1) return &steps_avx2;
#else
    (void)level;
#endif
    return &steps_any;
}
