/* Bytes as a JSON string: the shortest escapes, and those alone that JSON demands. */
#include "ascii.h"

static int is_special(uint8_t byte) { return byte < 0x20 || byte == '"' || byte == '\\'; }

/* The letter after the backslash; 0 where only a number will do. */
static char short_escape(uint8_t byte) {
    switch (byte) {
    case '"': return '"';
    case '\\': return '\\';
    case '\b': return 'b';
    case '\t': return 't';
    case '\n': return 'n';
    case '\f': return 'f';
    case '\r': return 'r';
    default: return 0;
    }
}

static uint8_t *put_special(uint8_t *to, uint8_t byte) {
    char letter = short_escape(byte);
    *to++ = '\\';
    if (letter) {
        *to++ = (uint8_t)letter;
        return to;
    }
    memcpy(to, "u00", 3);
    to[3] = (uint8_t)('0' + (byte >> 4));
    to[4] = (uint8_t)"0123456789abcdef"[byte & 15];
    return to + 5;
}

#if ASCII_SSE2
/* Copies 16 bytes; returns how many of them stand before the first special one. */
ALWAYS_INLINE unsigned copy16(const uint8_t *from, uint8_t *to) {
    __m128i bytes = _mm_loadu_si128((const __m128i *)from);
    __m128i low = _mm_cmpeq_epi8(_mm_min_epu8(bytes, _mm_set1_epi8(0x1F)), bytes);
    __m128i marks = _mm_or_si128(_mm_cmpeq_epi8(bytes, _mm_set1_epi8('"')), _mm_cmpeq_epi8(bytes, _mm_set1_epi8('\\')));
    _mm_storeu_si128((__m128i *)to, bytes);
    return low_bit_of((uint64_t)_mm_movemask_epi8(_mm_or_si128(low, marks)) | 1 << 16);
}
#endif

size_t quoted_size(const uint8_t *bytes, size_t size) {
    size_t special = 0, numbered = 0;
    for (size_t i = 0; i < size; i++) special += (bytes[i] < 0x20) | (bytes[i] == '"') | (bytes[i] == '\\');
    if (special)
        for (size_t i = 0; i < size; i++)
            numbered += (bytes[i] < 0x20) & ((bytes[i] < 8) | (bytes[i] > 13) | (bytes[i] == 11));
    return size + special + 4 * numbered + 2;
}

void quote(const uint8_t *bytes, size_t size, uint8_t *to) {
    const uint8_t *at = bytes, *end = bytes + size;
    *to++ = '"';
    while (at < end) {
#if ASCII_SSE2
        if (end - at >= 16) {
            unsigned plain = copy16(at, to);
            at += plain;
            to += plain;
            if (plain < 16) to = put_special(to, *at++);
            continue;
        }
#endif
        if (is_special(*at)) to = put_special(to, *at++);
        else *to++ = *at++;
    }
    *to = '"';
}
