/* Lines from columns, part by part, and bytes as JSON strings; see portable/compose.py for the rules. */
#include "ascii.h"

#define MOST_QUOTED 6 /* bytes that one byte becomes at the most */
#define QUOTED_AT_ONCE 4096
#define MOST_DIGITS 20
#define NAME_DIGITS 6

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

/* The inside of the string. */
static uint8_t *put_quoted(const uint8_t *at, size_t size, uint8_t *to) {
    const uint8_t *end = at + size;
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
    return to;
}

/* ---- what grows as it is written --------------------------------------------------------------------------- */

/* Where `more` bytes can be written; NULL when memory is short. */
static uint8_t *room_for(composed *out, size_t more) {
    if (more > SIZE_MAX / 2 - out->bytes) return NULL;
    out->words.size = (out->bytes + 7) / 8;
    if (words_reserve(&out->words, more / 8 + 1)) return NULL;
    return (uint8_t *)out->words.data + out->bytes;
}

static status put_bytes(composed *out, const uint8_t *bytes, size_t size) {
    uint8_t *to = room_for(out, size);
    if (!to) return STATUS_MEMORY;
    if (size) memcpy(to, bytes, size);
    out->bytes += size;
    return STATUS_OK;
}

static status put_string(composed *out, const uint8_t *bytes, size_t size) {
    status bad = put_bytes(out, (const uint8_t *)"\"", 1);
    while (size && !bad) {
        size_t now = size < QUOTED_AT_ONCE ? size : QUOTED_AT_ONCE;
        uint8_t *to = room_for(out, MOST_QUOTED * now + 16); /* whole groups of 16 are stored */
        if (!to) return STATUS_MEMORY;
        out->bytes += (size_t)(put_quoted(bytes, now, to) - to);
        bytes += now;
        size -= now;
    }
    return bad ? bad : put_bytes(out, (const uint8_t *)"\"", 1);
}

static status put_number(composed *out, uint64_t number, size_t least) {
    uint8_t digits[MOST_DIGITS];
    size_t count = 0;
    do {
        digits[MOST_DIGITS - ++count] = (uint8_t)('0' + number % 10);
        number /= 10;
    } while (number || count < least);
    return put_bytes(out, digits + MOST_DIGITS - count, count);
}

static status put_name(composed *out, uint64_t number) {
    status bad = put_bytes(out, (const uint8_t *)"\"r", 2);
    if (!bad) bad = put_number(out, number, NAME_DIGITS);
    return bad ? bad : put_bytes(out, (const uint8_t *)"\"", 1);
}

static status put_part(composed *out, const part *what, const int64_t *cell) {
    int64_t start = cell[0], end = cell[1];
    if (end < start) return STATUS_OK;
    int is_number = what->kind == PART_NUMBER || what->kind == PART_NAME;
    if (start < 0 || (!is_number && end > (int64_t)what->size)) return STATUS_RANGE;
    status bad = put_bytes(out, what->lead, what->lead_size);
    if (bad) return bad;
    switch (what->kind) {
    case PART_COPY: return put_bytes(out, what->bytes + start, (size_t)(end - start));
    case PART_QUOTE: return put_string(out, what->bytes + start, (size_t)(end - start));
    case PART_NUMBER: return put_number(out, (uint64_t)(end - start), 1);
    default: return put_name(out, (uint64_t)(end - start));
    }
}

status compose(const part *parts, size_t part_count, const int64_t *cells, size_t rows, composed *out) {
    status bad = STATUS_OK;
    for (size_t row = 0; row < rows && !bad; row++)
        for (size_t i = 0; i < part_count && !bad; i++)
            bad = put_part(out, parts + i, cells + 2 * (i * rows + row));
    out->words.size = (out->bytes + 7) / 8;
    return bad;
}
