/* Where places of decoded JSON strings stand in the raw ones; see portable/places.py for the rules. */
#include "core.h"

/* A string as it is gone through: where it is raw, and how many bytes were decoded. */
typedef struct string_reader {
    const uint8_t *first, *at, *end;
    int64_t decoded;
} string_reader;

typedef struct escape {
    const uint8_t *start, *end;
    int64_t bytes; /* that it decodes to */
} escape;

/* The next escape; 0 where there is none. */
static int next_escape(const string_reader *in, escape *found) {
    uint8_t decoded[4];
    found->start = memchr(in->at, '\\', (size_t)(in->end - in->at));
    if (!found->start) return 0;
    found->end = found->start;
    found->bytes = put_escape(&found->end, in->end, decoded) - decoded;
    return 1;
}

/* Half a surrogate pair: a whole one is 12 bytes long. */
static int is_half(const escape *found) {
    return found->end - found->start == 6 && (found->start[2] | 32) == 'd' && found->start[3] >= '8';
}

static void go_past(string_reader *in, const escape *found) {
    in->decoded += (found->start - in->at) + found->bytes;
    in->at = found->end;
}

/* The borders of a place; the reader stays before what holds it. */
static status find_place(string_reader *in, int64_t place, int64_t *borders) {
    escape next;
    int64_t before;
    while ((before = place - in->decoded) > 0) {
        int there = next_escape(in, &next);
        int64_t plain = (there ? next.start : in->end) - in->at;
        if (before <= plain) break;
        if (!there) return STATUS_PLACES;
        if (before < plain + next.bytes) {
            borders[0] = in->decoded + plain;
            borders[1] = next.start - in->first;
            borders[2] = in->decoded + plain + next.bytes;
            borders[3] = next.end - in->first;
            return STATUS_OK;
        }
        go_past(in, &next);
    }
    borders[0] = borders[2] = place;
    borders[1] = borders[3] = in->at + before - in->first;
    return STATUS_OK;
}

static uint8_t has_halves(string_reader in) {
    escape next;
    while (next_escape(&in, &next)) {
        if (is_half(&next)) return 1;
        go_past(&in, &next);
    }
    return 0;
}

status json_places(const texts *in, const int64_t *firsts, const int64_t *places, size_t place_count, int64_t *borders,
                   uint8_t *halves) {
    status bad = texts_check(in);
    for (size_t i = 0; i < in->starts_count && !bad; i++) {
        if (firsts[i] < 0 || firsts[i] > firsts[i + 1] || firsts[i + 1] > (int64_t)place_count) return STATUS_OFFSETS;
        const uint8_t *first = in->bytes + in->starts[i];
        string_reader string = {first, first, in->bytes + in->ends[i], 0};
        halves[i] = has_halves(string);
        for (int64_t j = firsts[i], last = 0; j < firsts[i + 1] && !bad; last = places[j++])
            bad = places[j] < last ? STATUS_PLACES : find_place(&string, places[j], borders + 4 * j);
    }
    return bad;
}
