/* Classes of ASCII bytes as bit masks: bit i speaks of byte i. classify16 looks at 16 bytes, classify64 at 48 more. */
#ifndef DEDUP_ASCII_H
#define DEDUP_ASCII_H

#include "core.h"

#if defined(__SSE2__) && !defined(DEDUP_NO_SIMD)
#include <emmintrin.h>
#define ASCII_SSE2 1
#else
#define ASCII_SSE2 0
#endif

typedef struct byte_classes {
    uint64_t word;  /* A-Z a-z 0-9 */
    uint64_t digit; /* 0-9 */
    uint64_t high;  /* not ASCII */
} byte_classes;

#define EVERY_BYTE UINT64_C(0x0101010101010101)
#define TOP_BITS (EVERY_BYTE * 0x80)

/* Top bits of the bytes, gathered into the low 8 bits. */
ALWAYS_INLINE uint64_t gather_top_bits(uint64_t tops) { return ((tops >> 7) * UINT64_C(0x0102040810204080)) >> 56; }

/* Top bit of each byte set where the byte, below 128, is at least `bound`. */
ALWAYS_INLINE uint64_t at_least(uint64_t low_sevens, unsigned bound) { return low_sevens + EVERY_BYTE * (128 - bound); }

ALWAYS_INLINE byte_classes classify8_swar(const uint8_t *from) {
    uint64_t bytes = load64(from);
    uint64_t sevens = bytes & ~TOP_BITS;
    uint64_t lower = sevens | (EVERY_BYTE * 32);
    uint64_t ascii = ~bytes & TOP_BITS;
    uint64_t digit = at_least(sevens, '0') & ~at_least(sevens, '9' + 1) & ascii;
    uint64_t letter = at_least(lower, 'a') & ~at_least(lower, 'z' + 1) & ascii;
    byte_classes found = {gather_top_bits(digit | letter), gather_top_bits(digit), gather_top_bits(bytes & TOP_BITS)};
    return found;
}

ALWAYS_INLINE byte_classes classify16_swar(const uint8_t *from) {
    byte_classes low = classify8_swar(from), high = classify8_swar(from + 8);
    low.word |= high.word << 8;
    low.digit |= high.digit << 8;
    low.high |= high.high << 8;
    return low;
}

ALWAYS_INLINE byte_classes classify64_swar(const uint8_t *from, byte_classes found) {
    for (unsigned i = 16; i < 64; i += 16) {
        byte_classes next = classify16_swar(from + i);
        found.word |= next.word << i;
        found.digit |= next.digit << i;
        found.high |= next.high << i;
    }
    return found;
}

#if ASCII_SSE2
/* The bytes from `first` to `first + span`, as 0xFF. */
ALWAYS_INLINE __m128i bytes_between(__m128i bytes, char first, char span) {
    __m128i from_zero = _mm_sub_epi8(bytes, _mm_set1_epi8(first));
    return _mm_cmpeq_epi8(_mm_min_epu8(from_zero, _mm_set1_epi8(span)), from_zero);
}

ALWAYS_INLINE __m128i digits_of(__m128i bytes) { return bytes_between(bytes, '0', 9); }

ALWAYS_INLINE __m128i letters_of(__m128i bytes) {
    return bytes_between(_mm_or_si128(bytes, _mm_set1_epi8(32)), 'a', 25);
}

ALWAYS_INLINE uint64_t mask_of(__m128i bytes) { return (uint64_t)(unsigned)_mm_movemask_epi8(bytes); }

ALWAYS_INLINE uint64_t mask48_of(__m128i a, __m128i b, __m128i c) {
    return mask_of(a) << 16 | mask_of(b) << 32 | mask_of(c) << 48;
}

ALWAYS_INLINE __m128i load16(const uint8_t *from) { return _mm_loadu_si128((const __m128i *)(const void *)from); }

ALWAYS_INLINE byte_classes classify16_sse2(const uint8_t *from) {
    __m128i bytes = load16(from), digit = digits_of(bytes);
    byte_classes found = {mask_of(_mm_or_si128(digit, letters_of(bytes))), mask_of(digit), mask_of(bytes)};
    return found;
}

/* Digits and bytes that are not ASCII are looked for one by one only where there are any. */
ALWAYS_INLINE byte_classes classify64_sse2(const uint8_t *from, byte_classes found) {
    __m128i a = load16(from + 16), b = load16(from + 32), c = load16(from + 48);
    __m128i i = digits_of(a), j = digits_of(b), k = digits_of(c);
    found.word |= mask48_of(_mm_or_si128(i, letters_of(a)), _mm_or_si128(j, letters_of(b)),
                            _mm_or_si128(k, letters_of(c)));
    if (mask_of(_mm_or_si128(_mm_or_si128(i, j), k))) found.digit |= mask48_of(i, j, k);
    if (mask_of(_mm_or_si128(_mm_or_si128(a, b), c))) found.high |= mask48_of(a, b, c);
    return found;
}
#define classify16 classify16_sse2
#define classify64 classify64_sse2
#else
#define classify16 classify16_swar
#define classify64 classify64_swar
#endif

#endif
