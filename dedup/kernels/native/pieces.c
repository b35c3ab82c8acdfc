/* Texts cut after the marks that end a sentence, or a clause of one. */
#include "core.h"

enum { MODE_LONG, MODE_SENTENCE, MODE_CLAUSE, MODE_COUNT };

typedef enum mark { MARK_NONE, MARK_DOT, MARK_STOP, MARK_BAR, MARK_SOFT } mark;

/* First bytes of the marks that can cut in each mode: all others are passed over without a look behind them. */
#define STOPS ['.'] = 1, ['!'] = 1, ['?'] = 1, [0xE3] = 1, [0xEF] = 1
static const uint8_t first_bytes[MODE_COUNT][256] = {
    [MODE_LONG] = {STOPS, ['|'] = 1},
    [MODE_SENTENCE] = {STOPS},
    [MODE_CLAUSE] = {STOPS, [','] = 1, [';'] = 1, [':'] = 1},
};

typedef struct stretch {
    const uint8_t *bytes;
    size_t start, end;
} stretch;

/* The mark at `at` and its bytes: those of no mark are 1. */
static mark mark_at(const stretch *in, size_t at, size_t *length) {
    const uint8_t *p = in->bytes + at;
    size_t left = in->end - at;
    *length = 1;
    if (!left) return MARK_NONE;
    switch (p[0]) {
    case '.':
        return MARK_DOT;
    case '!':
    case '?':
        return MARK_STOP;
    case '|':
        return MARK_BAR;
    case ',':
    case ';':
    case ':':
        return MARK_SOFT;
    case 0xE3: /* U+3002 U+3001 */
        if (left < 3 || p[1] != 0x80 || (p[2] != 0x82 && p[2] != 0x81)) return MARK_NONE;
        *length = 3;
        return p[2] == 0x82 ? MARK_STOP : MARK_SOFT;
    case 0xEF: { /* U+FF01 U+FF1F, U+FF0C U+FF1B U+FF1A */
        if (left < 3 || p[1] != 0xBC) return MARK_NONE;
        mark found = p[2] == 0x81 || p[2] == 0x9F                   ? MARK_STOP
                     : p[2] == 0x8C || p[2] == 0x9B || p[2] == 0x9A ? MARK_SOFT
                                                                    : MARK_NONE;
        if (found) *length = 3;
        return found;
    }
    default:
        return MARK_NONE;
    }
}

/* Length of the closing quote or bracket at `at`, 0 for none. */
static size_t closer_at(const stretch *in, size_t at) {
    const uint8_t *p = in->bytes + at;
    size_t left = in->end - at;
    if (!left) return 0;
    if (p[0] == '"' || p[0] == '\'' || p[0] == ')' || p[0] == ']') return 1;
    if (left < 3) return 0;
    if (p[0] == 0xE2 && p[1] == 0x80) return p[2] == 0x99 || p[2] == 0x9D ? 3 : 0;
    if (p[0] == 0xE3 && p[1] == 0x80) return p[2] == 0x8D || p[2] == 0x8F || p[2] == 0x8B || p[2] == 0x91 ? 3 : 0;
    return p[0] == 0xEF && p[1] == 0xBC && p[2] == 0x89 ? 3 : 0;
}

static size_t after_closers(const stretch *in, size_t at) {
    size_t length;
    while ((length = closer_at(in, at)) != 0) at += length;
    return at;
}

/* U+FEFF is trimmed, but parts nothing. */
static int parts(const stretch *in, size_t at) {
    return white_from(in->bytes, at, in->end) != 0 && in->bytes[at] != 0xEF;
}

static int digit_at(const stretch *in, size_t at) {
    return at >= in->start && at < in->end && in->bytes[at] >= '0' && in->bytes[at] <= '9';
}

/* The place to cut at because of the mark at `at`, or 0; `next` is where to go on. */
static size_t cut_at(const stretch *in, size_t at, int mode, size_t *next) {
    size_t length, stop;
    mark found = mark_at(in, at, &length);
    *next = stop = at + length;
    if (found == MARK_STOP && mode != MODE_LONG) {
        while (mark_at(in, stop, &length) == MARK_STOP) stop += length;
        return *next = after_closers(in, stop);
    }
    if (found == MARK_DOT || found == MARK_STOP) {
        *next = stop = after_closers(in, stop);
        return parts(in, stop) ? stop : 0;
    }
    if (found == MARK_BAR && mode == MODE_LONG) {
        while (stop < in->end && in->bytes[stop] == '|') stop++;
        *next = stop;
        return stop - at > 1 ? stop : 0;
    }
    if (found == MARK_SOFT && mode == MODE_CLAUSE)
        return length == 1 && in->bytes[at] != ';' && digit_at(in, at - 1) && digit_at(in, stop) ? 0 : stop;
    return 0;
}

static status pieces_of(const stretch *in, int mode, size_t owner, words *owners, words *starts, words *ends) {
    const uint8_t *first = first_bytes[mode];
    size_t from = in->start, at = in->start;
    status bad = STATUS_OK;
    while (!bad) {
        while (at < in->end && !first[in->bytes[at]]) at++;
        if (at == in->end) return put_trimmed(in->bytes, from, in->end, owner, owners, starts, ends);
        size_t cut = cut_at(in, at, mode, &at);
        if (!cut) continue;
        bad = put_trimmed(in->bytes, from, cut, owner, owners, starts, ends);
        from = cut;
    }
    return bad;
}

status pieces(const texts *in, int64_t mode, words *owners, words *starts, words *ends) {
    status bad = texts_check(in);
    if (!bad && (mode < 0 || mode >= MODE_COUNT)) bad = STATUS_MODE;
    for (size_t text = 0; text < in->starts_count && !bad; text++) {
        stretch one = {in->bytes, (size_t)in->starts[text], (size_t)in->ends[text]};
        bad = pieces_of(&one, (int)mode, text, owners, starts, ends);
    }
    return bad;
}
