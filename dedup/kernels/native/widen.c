/* Which white space goes with a cut, and what is left laid out; see portable/widen.py for the rules. */
#include "core.h"

typedef struct field {
    const uint8_t *bytes;
    size_t low, high;
} field;

static size_t white_behind(const field *in, size_t at) {
    size_t white;
    while ((white = white_from(in->bytes, at, in->high)) != 0) at += white;
    return at;
}

static int is_break(const field *in, size_t at) { return in->bytes[at] == '\n' || in->bytes[at] == '\r'; }

/* White space without line breaks. */
static size_t blank_behind(const field *in, size_t at) {
    size_t white;
    while (at < in->high && !is_break(in, at) && (white = white_from(in->bytes, at, in->high)) != 0) at += white;
    return at;
}

static size_t white_start(const field *in, size_t at) {
    size_t white;
    while ((white = white_before(in->bytes, in->low, at)) != 0) at -= white;
    return at;
}

/* The place behind the last line break between two places, or `none`. */
static size_t behind_break(const field *in, size_t from, size_t to, size_t none) {
    while (to > from)
        if (is_break(in, --to)) return to + 1;
    return none;
}

/* The edges of pieces that go as one. */
static void widen_group(const field *in, const int64_t *starts, const int64_t *ends, size_t count, int64_t *first,
                        int64_t *last) {
    size_t start = (size_t)starts[0], end = (size_t)ends[count - 1];
    size_t before = white_start(in, start), after = white_behind(in, end);
    size_t line = behind_break(in, before, start, 0), next = behind_break(in, end, after, 0);
    int starts_line = line || before == in->low, ends_line = next || after == in->high;
    size_t from = start, to = end;
    if (before == in->low && after == in->high) {
        from = before;
        to = after;
    } else if (starts_line && ends_line && after != in->high) {
        from = line ? line : in->low;
        to = next;
    } else if (ends_line) { /* the text's own last breaks stay */
        from = before;
        to = blank_behind(in, end);
    } else if (before < start || start == in->low) {
        to = blank_behind(in, end);
    }
    for (size_t i = 0; i < count; i++) {
        first[i] = (int64_t)from;
        if (i + 1 < count) {
            size_t floor = (size_t)ends[i], own = (size_t)starts[i + 1];
            from = behind_break(in, floor, own, own);
        } else {
            from = to;
        }
        last[i] = (int64_t)from;
    }
}

static status pieces_check(const texts *fields, const texts *pieces) {
    status bad = texts_check(fields);
    if (bad) return bad;
    bad = texts_check(pieces);
    if (bad) return bad;
    for (size_t i = 1; i < fields->starts_count; i++)
        if (fields->starts[i] < fields->ends[i - 1]) return STATUS_APART;
    size_t at = 0;
    for (size_t i = 0; i < pieces->starts_count; i++) {
        if (i && pieces->starts[i] < pieces->ends[i - 1]) return STATUS_APART;
        while (at < fields->starts_count && fields->ends[at] <= pieces->starts[i]) at++;
        if (at == fields->starts_count || pieces->starts[i] < fields->starts[at] || pieces->ends[i] > fields->ends[at])
            return STATUS_INSIDE;
    }
    return STATUS_OK;
}

status widen(const texts *fields, const texts *pieces, int64_t *first, int64_t *last) {
    status bad = pieces_check(fields, pieces);
    if (bad) return bad;
    size_t at = 0;
    for (size_t i = 0, count = 0; i < pieces->starts_count; i += count) {
        while (fields->ends[at] <= pieces->starts[i]) at++;
        field in = {fields->bytes, (size_t)fields->starts[at], (size_t)fields->ends[at]};
        for (count = 1; i + count < pieces->starts_count; count++) {
            size_t next = (size_t)pieces->starts[i + count];
            if (next >= in.high || white_behind(&(field){in.bytes, in.low, next}, (size_t)pieces->ends[i + count - 1]) < next)
                break;
        }
        widen_group(&in, pieces->starts + i, pieces->ends + i, count, first + i, last + i);
    }
    return STATUS_OK;
}

status gather(const texts *in, uint8_t *out, size_t room) {
    status bad = texts_check(in);
    size_t at = 0;
    for (size_t i = 0; i < in->starts_count && !bad; i++) {
        size_t size = (size_t)(in->ends[i] - in->starts[i]);
        if (size > room - at) return STATUS_BUFFER;
        if (size) memcpy(out + at, in->bytes + in->starts[i], size);
        at += size;
    }
    return bad;
}
