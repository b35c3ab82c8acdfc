/* Lines of JSON objects: where the values of wanted keys stand, without a tree; and the decoding of JSON strings.
 * A line of which anything is out of the ordinary is left to a slower reader: it is not `sure`. */
#include "ascii.h"

#define MAX_LEVELS 64 /* of nesting: one bit each */

typedef struct line_reader {
    const uint8_t *at, *end; /* of the line */
    const uint8_t *readable; /* end of the buffer: bytes up to here may be loaded */
} line_reader;

/* ---- characters -------------------------------------------------------------------------------------------- */

static int is_white(uint8_t byte) { return byte == ' ' || byte == '\n' || byte == '\r' || byte == '\t'; }

static int is_digit(uint8_t byte) { return byte >= '0' && byte <= '9'; }

/* Value of a hexadecimal digit, or -1. */
static int hex_of(uint8_t byte) {
    uint8_t lower = byte | 32;
    if (is_digit(byte)) return byte - '0';
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

static void skip_white(line_reader *line) {
    while (line->at < line->end && is_white(*line->at)) line->at++;
}

static int is_next(const line_reader *line, uint8_t byte) { return line->at < line->end && *line->at == byte; }

static int take(line_reader *line, uint8_t byte) {
    int found = is_next(line, byte);
    line->at += found;
    return found;
}

/* Length of the character that starts at `p`, 0 where the bytes are no UTF-8: table 3-7 of the Unicode Standard. */
static size_t character(const uint8_t *p, const uint8_t *end) {
    size_t left = (size_t)(end - p);
    uint8_t lead = p[0];
    if (lead < 0x80) return 1;
    if (left < 2 || lead < 0xC2 || lead > 0xF4 || (p[1] & 0xC0) != 0x80) return 0;
    if (lead < 0xE0) return 2;
    if (left < 3 || (p[2] & 0xC0) != 0x80) return 0;
    if (lead < 0xF0) {
        if ((lead == 0xE0 && p[1] < 0xA0) || (lead == 0xED && p[1] > 0x9F)) return 0;
        return 3;
    }
    if (left < 4 || (p[3] & 0xC0) != 0x80) return 0;
    if ((lead == 0xF0 && p[1] < 0x90) || (lead == 0xF4 && p[1] > 0x8F)) return 0;
    return 4;
}

static int is_utf8_slow(const uint8_t *p, const uint8_t *end) {
    while (p < end) {
        size_t length = character(p, end);
        if (!length) return 0;
        p += length;
    }
    return 1;
}

static int ends_run(uint8_t byte) { return byte == '"' || byte == '\\' || byte < 0x20; }

#if ASCII_SSE2
#define CHUNK 64

typedef struct chunk {
    __m128i bytes[4];
} chunk;

ALWAYS_INLINE chunk load_chunk(const uint8_t *p) {
    chunk all = {{load16(p), load16(p + 16), load16(p + 32), load16(p + 48)}};
    return all;
}

ALWAYS_INLINE uint64_t mask64_of(__m128i a, __m128i b, __m128i c, __m128i d) { return mask_of(a) | mask48_of(b, c, d); }

ALWAYS_INLINE uint64_t tops_of(const chunk *all) {
    return mask64_of(all->bytes[0], all->bytes[1], all->bytes[2], all->bytes[3]);
}

/* Bytes above `bound`, as signed ones: ASCII is above all others. */
ALWAYS_INLINE uint64_t above(const chunk *all, int bound) {
    __m128i least = _mm_set1_epi8((char)bound);
    return mask64_of(_mm_cmpgt_epi8(all->bytes[0], least), _mm_cmpgt_epi8(all->bytes[1], least),
                     _mm_cmpgt_epi8(all->bytes[2], least), _mm_cmpgt_epi8(all->bytes[3], least));
}

/* Leads that say more than how long the character is: C0 C1 E0 ED and F0 on. */
ALWAYS_INLINE __m128i odd_leads(__m128i bytes) {
    __m128i odd = _mm_cmpeq_epi8(_mm_and_si128(bytes, _mm_set1_epi8((char)0xFE)), _mm_set1_epi8((char)0xC0));
    odd = _mm_or_si128(odd, _mm_cmpeq_epi8(bytes, _mm_set1_epi8((char)0xE0)));
    odd = _mm_or_si128(odd, _mm_cmpeq_epi8(bytes, _mm_set1_epi8((char)0xED)));
    return _mm_or_si128(odd, _mm_cmpeq_epi8(_mm_max_epu8(bytes, _mm_set1_epi8((char)0xF0)), bytes));
}

/* How far the first `size` bytes of a chunk, which starts with a character, are UTF-8: up to the last one that is whole
 * in it; 0 where they are not. Where size < CHUNK, text ends there. */
ALWAYS_INLINE size_t utf8_step(const uint8_t *p, const uint8_t *readable, const chunk *all, uint64_t tops, size_t size) {
    uint64_t inside = low_mask(size);
    tops &= inside;
    if (!tops) return size;
    __m128i odd = _mm_or_si128(_mm_or_si128(odd_leads(all->bytes[0]), odd_leads(all->bytes[1])),
                               _mm_or_si128(odd_leads(all->bytes[2]), odd_leads(all->bytes[3])));
    if (UNLIKELY(mask_of(odd))) {
        const uint8_t *at = p, *end = size < CHUNK ? p + size : readable;
        while (at < p + size) {
            size_t length = character(at, end);
            if (!length) return 0;
            at += length;
        }
        return (size_t)(at - p);
    }
    uint64_t leads = above(all, -65) & tops, long_leads = above(all, -33) & tops;
    if ((leads << 1 | long_leads << 2) != (tops & ~leads)) return 0;
    return leads >> 63 ? 63 : long_leads >> 62 & 1 ? 62 : size;
}

static int is_utf8(const uint8_t *p, const uint8_t *end, const uint8_t *readable) {
    while (p < end && readable - p >= CHUNK) {
        chunk all = load_chunk(p);
        size_t size = (size_t)(end - p) < CHUNK ? (size_t)(end - p) : CHUNK;
        size_t step = utf8_step(p, end, &all, tops_of(&all), size);
        if (!step) return 0;
        p += step;
    }
    return is_utf8_slow(p, end);
}

ALWAYS_INLINE __m128i run_ends(__m128i bytes) {
    __m128i marks = _mm_or_si128(_mm_cmpeq_epi8(bytes, _mm_set1_epi8('"')), _mm_cmpeq_epi8(bytes, _mm_set1_epi8('\\')));
    return _mm_or_si128(marks, _mm_cmpeq_epi8(_mm_min_epu8(bytes, _mm_set1_epi8(0x1F)), bytes));
}
#else
static int is_utf8(const uint8_t *p, const uint8_t *end, const uint8_t *readable) {
    (void)readable;
    while (end - p >= 8 && !(load64(p) & TOP_BITS)) p += 8;
    return is_utf8_slow(p, end);
}
#endif

/* ---- strings ----------------------------------------------------------------------------------------------- */

/* The first quote, backslash or control character from `p` on, or `end`; NULL where the bytes before it are not UTF-8. */
static const uint8_t *plain_run(const uint8_t *p, const uint8_t *end, const uint8_t *readable) {
#if ASCII_SSE2
    if (readable - p >= 16) { /* keys and other short strings end here */
        uint64_t found = mask_of(run_ends(load16(p)));
        size_t size = found ? low_bit_of(found) : 0;
        if (found && !(mask_of(load16(p)) & low_mask(size))) return p + size < end ? p + size : end;
    }
    while (p < end && readable - p >= CHUNK) {
        chunk all = load_chunk(p);
        uint64_t found = mask64_of(run_ends(all.bytes[0]), run_ends(all.bytes[1]), run_ends(all.bytes[2]),
                                   run_ends(all.bytes[3]));
        size_t size = found ? low_bit_of(found) : CHUNK;
        size_t step = utf8_step(p, readable, &all, tops_of(&all), size);
        if (!step && size) return NULL;
        p += step;
        if (found && step == size) return p < end ? p : end;
    }
#endif
    const uint8_t *from = p;
    while (p < end && !ends_run(*p)) p++;
    return is_utf8(from, p, readable) ? p : NULL;
}

/* Bytes of the escape at `p`, a backslash; 0 where JSON knows no such one. */
static size_t escape_bytes(const uint8_t *p, const uint8_t *end) {
    if (end - p < 2) return 0;
    if (p[1] != 'u') return memchr("\"\\/bfnrt", p[1], 8) ? 2 : 0;
    if (end - p < 6) return 0;
    return (hex_of(p[2]) | hex_of(p[3]) | hex_of(p[4]) | hex_of(p[5])) < 0 ? 0 : 6;
}

/* Goes past a string, whose quote is next; -1 where it is not one for sure. `found` gets the bytes between the quotes,
 * and whether there are escapes in it. */
static int take_string(line_reader *line, json_value *found) {
    if (!take(line, '"')) return -1;
    const uint8_t *p = line->at;
    found->kind = JSON_STRING;
    found->start = p;
    while ((p = plain_run(p, line->end, line->readable)) && p < line->end && *p == '\\') {
        found->kind = JSON_ESCAPED;
        while (p < line->end && *p == '\\') {
            size_t bytes = escape_bytes(p, line->end);
            if (!bytes) return -1;
            p += bytes;
        }
    }
    if (!p || p >= line->end || *p != '"') return -1;
    found->end = p;
    line->at = p + 1;
    return 0;
}

static uint32_t code_of(const uint8_t *escape) {
    return (uint32_t)(hex_of(escape[2]) << 12 | hex_of(escape[3]) << 8 | hex_of(escape[4]) << 4 | hex_of(escape[5]));
}

static uint8_t *put_character(uint8_t *out, uint32_t code) {
    if (code < 0x80) {
        *out++ = (uint8_t)code;
        return out;
    }
    if (code < 0x800) {
        *out++ = (uint8_t)(0xC0 | code >> 6);
    } else {
        if (code < 0x10000) {
            *out++ = (uint8_t)(0xE0 | code >> 12);
        } else {
            *out++ = (uint8_t)(0xF0 | code >> 18);
            *out++ = (uint8_t)(0x80 | (code >> 12 & 63));
        }
        *out++ = (uint8_t)(0x80 | (code >> 6 & 63));
    }
    *out++ = (uint8_t)(0x80 | (code & 63));
    return out;
}

/* Decodes the escape at `*from`; takes both halves of a surrogate pair. A lone half becomes U+FFFD, what is no escape
 * keeps its backslash. */
uint8_t *put_escape(const uint8_t **from, const uint8_t *end, uint8_t *out) {
    static const char names[] = "bfnrt", meant[] = "\b\f\n\r\t";
    const uint8_t *p = *from;
    size_t bytes = escape_bytes(p, end);
    *from += bytes ? bytes : 1;
    if (bytes != 6) {
        const char *name = bytes ? memchr(names, p[1], 5) : NULL;
        *out++ = name ? (uint8_t)meant[name - names] : bytes ? p[1] : p[0];
        return out;
    }
    uint32_t code = code_of(p);
    if (code < 0xD800 || code > 0xDFFF) return put_character(out, code);
    if (code < 0xDC00 && *from < end && **from == '\\' && escape_bytes(*from, end) == 6) {
        uint32_t low = code_of(*from);
        if (low >= 0xDC00 && low < 0xE000) {
            *from += 6;
            return put_character(out, 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00));
        }
    }
    return put_character(out, 0xFFFD);
}

/* The decoded bytes are never more than the raw ones. */
static uint8_t *put_decoded(const uint8_t *p, const uint8_t *end, uint8_t *out) {
    while (p < end) {
        if (*p == '\\') {
            out = put_escape(&p, end, out);
            continue;
        }
        const uint8_t *next = memchr(p, '\\', (size_t)(end - p));
        size_t bytes = (size_t)((next ? next : end) - p);
        memcpy(out, p, bytes);
        out += bytes;
        p += bytes;
    }
    return out;
}

status put_texts(const texts *in, const uint8_t *marked, uint8_t *(*put)(const uint8_t *, const uint8_t *, uint8_t *),
                 uint8_t *values, size_t room, int64_t *offsets) {
    status bad = texts_check(in);
    uint8_t *out = values;
    offsets[0] = 0;
    for (size_t i = 0; i < in->starts_count && !bad; i++) {
        const uint8_t *from = in->bytes + in->starts[i];
        size_t bytes = (size_t)(in->ends[i] - in->starts[i]);
        if (bytes > room - (size_t)(out - values)) return STATUS_BUFFER;
        if (marked[i]) {
            out = put(from, from + bytes, out);
        } else if (bytes) {
            memcpy(out, from, bytes);
            out += bytes;
        }
        offsets[i + 1] = out - values;
    }
    return bad;
}

status unescape(const texts *in, const uint8_t *escaped, uint8_t *values, size_t room, int64_t *offsets) {
    return put_texts(in, escaped, put_decoded, values, room, offsets);
}

status valid_utf8(const texts *in, uint8_t *valid) {
    status bad = texts_check(in);
    for (size_t i = 0; i < in->starts_count && !bad; i++)
        valid[i] = (uint8_t)is_utf8(in->bytes + in->starts[i], in->bytes + in->ends[i], in->bytes + in->size);
    return bad;
}

/* ---- values ------------------------------------------------------------------------------------------------ */

static int take_digits(line_reader *line) {
    const uint8_t *from = line->at;
    while (line->at < line->end && is_digit(*line->at)) line->at++;
    return line->at > from;
}

static int take_number(line_reader *line) {
    (void)take(line, '-');
    if (!take(line, '0') && !take_digits(line)) return -1;
    if (take(line, '.') && !take_digits(line)) return -1;
    if (take(line, 'e') || take(line, 'E')) {
        if (!take(line, '+')) (void)take(line, '-');
        if (!take_digits(line)) return -1;
    }
    return 0;
}

static int take_word(line_reader *line, const char *word, size_t bytes) {
    if ((size_t)(line->end - line->at) < bytes || memcmp(line->at, word, bytes) != 0) return -1;
    line->at += bytes;
    return 0;
}

/* A value that is neither an object nor a list. */
static int take_scalar(line_reader *line, json_value *found) {
    if (line->at >= line->end) return -1;
    found->start = line->at;
    found->kind = JSON_OTHER;
    int bad;
    switch (*line->at) {
    case '"': return take_string(line, found);
    case 't': bad = take_word(line, "true", 4); break;
    case 'f': bad = take_word(line, "false", 5); break;
    case 'n':
        found->kind = JSON_NULL;
        bad = take_word(line, "null", 4);
        break;
    default: found->kind = JSON_NUMBER; bad = take_number(line);
    }
    found->end = line->at;
    return bad;
}

static int take_key(line_reader *line, json_value *key) {
    if (take_string(line, key)) return -1;
    skip_white(line);
    return take(line, ':') ? 0 : -1;
}

/* Goes past an object or list, whose bracket is next. `level` counts from the record, and bit `level` of `objects` says
 * that an object is open there. */
static int take_nested(line_reader *line) {
    enum { FIRST, NEXT, AFTER } state = FIRST;
    uint64_t objects = 0;
    unsigned level = 0;
    json_value ignored;
    do {
        skip_white(line);
        int in_object = level && (objects >> level & 1);
        uint8_t close = in_object ? '}' : ']';
        if (level && state != NEXT && take(line, close)) {
            level--;
            state = AFTER;
            continue;
        }
        if (state == AFTER) {
            if (!take(line, ',')) return -1;
            state = NEXT;
            continue;
        }
        if (in_object && take_key(line, &ignored)) return -1;
        skip_white(line);
        if (is_next(line, '{') || is_next(line, '[')) {
            if (++level >= MAX_LEVELS) return -1;
            objects = (objects & low_mask(level)) | (uint64_t)is_next(line, '{') << level;
            line->at++;
            state = FIRST;
        } else {
            if (take_scalar(line, &ignored)) return -1;
            state = AFTER;
        }
    } while (level);
    return 0;
}

static int take_value(line_reader *line, json_value *found) {
    skip_white(line);
    if (!is_next(line, '{') && !is_next(line, '[')) return take_scalar(line, found);
    found->kind = JSON_OTHER;
    found->start = line->at;
    if (take_nested(line)) return -1;
    found->end = line->at;
    return 0;
}

/* ---- records ----------------------------------------------------------------------------------------------- */

/* Where the members of one line go; `scratch` holds a key that has escapes. */
typedef struct gatherer {
    const key_names *keys;
    size_t count; /* of keys */
    json_value *found; /* one for each wanted key */
    uint8_t *scratch;
    size_t room;
} gatherer;

static int has_replacement(const uint8_t *bytes, size_t size) {
    for (size_t i = 0; i + 2 < size; i++)
        if (bytes[i] == 0xEF && bytes[i + 1] == 0xBF && bytes[i + 2] == 0xBD) return 1;
    return 0;
}

/* Decodes a key; `sure` ends where it has half a surrogate pair, which makes other keys of it than the bytes say. */
static status decode_key(gatherer *with, json_value *key, int *sure) {
    size_t size = (size_t)(key->end - key->start);
    if (size > with->room) {
        uint8_t *more = realloc(with->scratch, size);
        if (!more) return STATUS_MEMORY;
        with->scratch = more;
        with->room = size;
    }
    key->end = put_decoded(key->start, key->end, with->scratch);
    key->start = with->scratch;
    if (has_replacement(key->start, (size_t)(key->end - key->start))) *sure = 0;
    return STATUS_OK;
}

/* Keeps the value if its key is wanted; `sure` ends where that key came before. */
static void put_member(gatherer *with, const json_value *key, const json_value *value, int *sure) {
    size_t size = (size_t)(key->end - key->start);
    for (size_t i = 0; i < with->count; i++) {
        const int64_t *bounds = with->keys->offsets + i;
        if ((size_t)(bounds[1] - bounds[0]) != size) continue;
        if (size && memcmp(with->keys->bytes + bounds[0], key->start, size) != 0) continue;
        if (with->found[i].kind != JSON_ABSENT) *sure = 0;
        with->found[i] = *value;
    }
}

/* `members` counts those of the object, -1 where the line is not sure. */
static status read_line(line_reader *line, gatherer *with, int64_t *members) {
    json_value key, value;
    *members = -1;
    skip_white(line);
    int sure = take(line, '{');
    skip_white(line);
    int more = sure && !take(line, '}');
    int64_t count = 0;
    for (; more && sure; count++) {
        skip_white(line);
        if (take_key(line, &key) || take_value(line, &value)) return STATUS_OK;
        if (key.kind == JSON_ESCAPED && decode_key(with, &key, &sure)) return STATUS_MEMORY;
        put_member(with, &key, &value, &sure);
        skip_white(line);
        more = take(line, ',');
        if (!more && !take(line, '}')) sure = 0;
    }
    skip_white(line);
    if (sure && line->at == line->end) *members = count;
    return STATUS_OK;
}

static status put_record(const uint8_t *bytes, const line_reader *line, int64_t members, const gatherer *with,
                         records_made *out) {
    size_t keys = with->count;
    if (words_reserve(&out->lines, 2) || words_reserve(&out->members, 1) || words_reserve(&out->kinds, keys) ||
        words_reserve(&out->ranges, 2 * keys))
        return STATUS_MEMORY;
    out->lines.data[out->lines.size++] = (uint64_t)(line->at - bytes);
    out->lines.data[out->lines.size++] = (uint64_t)(line->end - bytes);
    out->members.data[out->members.size++] = (uint64_t)members;
    for (size_t i = 0; i < keys; i++) {
        const json_value *value = with->found + i;
        int there = members >= 0 && value->kind != JSON_ABSENT;
        out->kinds.data[out->kinds.size++] = there ? (uint64_t)value->kind : JSON_ABSENT;
        out->ranges.data[out->ranges.size++] = there ? (uint64_t)(value->start - bytes) : 0;
        out->ranges.data[out->ranges.size++] = there ? (uint64_t)(value->end - bytes) : 0;
    }
    return STATUS_OK;
}

static int is_blank(const line_reader *line) {
    const uint8_t *p = line->at;
    while (p < line->end && is_white(*p)) p++;
    return p == line->end;
}

static status records_of(const uint8_t *bytes, size_t size, gatherer *with, records_made *out) {
    status bad = STATUS_OK;
    line_reader line = {bytes, bytes, bytes + size};
    for (size_t at = 0; at < size && !bad; at = (size_t)(line.end - bytes)) {
        const uint8_t *feed = memchr(bytes + at, '\n', size - at);
        int64_t members;
        line.at = bytes + at;
        line.end = feed ? feed + 1 : bytes + size;
        if (is_blank(&line)) continue;
        line_reader whole = line;
        for (size_t i = 0; i < with->count; i++) with->found[i].kind = JSON_ABSENT;
        bad = read_line(&line, with, &members);
        if (!bad) bad = put_record(bytes, &whole, members, with, out);
    }
    return bad;
}

static status keys_check(const key_names *keys) {
    if (!keys->offset_count) return STATUS_NO_OFFSETS;
    if (keys->offsets[0] < 0 || keys->offsets[keys->offset_count - 1] > (int64_t)keys->size) return STATUS_OFFSETS;
    for (size_t i = 1; i < keys->offset_count; i++)
        if (keys->offsets[i] < keys->offsets[i - 1]) return STATUS_OFFSETS;
    return STATUS_OK;
}

status records(const uint8_t *bytes, size_t size, const key_names *keys, records_made *out) {
    status bad = keys_check(keys);
    if (bad) return bad;
    size_t count = keys->offset_count - 1;
    gatherer with = {keys, count, array_new(count, sizeof(json_value)), NULL, 0};
    bad = with.found ? records_of(bytes, size, &with, out) : STATUS_MEMORY;
    block_free(with.found);
    free(with.scratch);
    return bad;
}
