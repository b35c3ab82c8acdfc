/* The lines of texts that hold more than white space; trimming. */
#include "core.h"

size_t white_from(const uint8_t *bytes, size_t at, size_t end) {
    const uint8_t *p = bytes + at;
    size_t left = end - at;
    if (left && (p[0] == ' ' || (p[0] >= '\t' && p[0] <= '\r'))) return 1;
    if (left >= 2 && p[0] == 0xC2 && p[1] == 0xA0) return 2;
    if (left >= 3 && p[0] == 0xE3 && p[1] == 0x80 && p[2] == 0x80) return 3;
    if (left >= 3 && p[0] == 0xEF && p[1] == 0xBB && p[2] == 0xBF) return 3;
    return 0;
}

size_t white_before(const uint8_t *bytes, size_t start, size_t at) {
    for (size_t length = 1; length <= 3 && length <= at - start; length++)
        if (white_from(bytes, at - length, at) == length) return length;
    return 0;
}

status put_trimmed(const uint8_t *bytes, size_t start, size_t end, size_t owner, words *owners, words *starts,
                   words *ends) {
    size_t white;
    while ((white = white_from(bytes, start, end)) != 0) start += white;
    while ((white = white_before(bytes, start, end)) != 0) end -= white;
    if (start == end) return STATUS_OK;
    if (words_reserve(owners, 1) || words_reserve(starts, 1) || words_reserve(ends, 1)) return STATUS_MEMORY;
    owners->data[owners->size++] = owner;
    starts->data[starts->size++] = start;
    ends->data[ends->size++] = end;
    return STATUS_OK;
}

/* First `wanted` from `at` on, or `end`. */
static size_t find(const uint8_t *bytes, size_t at, size_t end, int wanted) {
    const uint8_t *found = at < end ? memchr(bytes + at, wanted, end - at) : NULL;
    return found ? (size_t)(found - bytes) : end;
}

/* The next of each kind of line end is kept, so that each byte is searched once for each. */
static status lines_of(const uint8_t *bytes, size_t at, size_t end, size_t owner, words *owners, words *starts,
                       words *ends) {
    size_t feed = find(bytes, at, end, '\n'), carriage = find(bytes, at, end, '\r');
    status bad = STATUS_OK;
    while (at < end && !bad) {
        size_t stop = feed < carriage ? feed : carriage;
        bad = put_trimmed(bytes, at, stop, owner, owners, starts, ends);
        at = stop + 1;
        if (stop == feed) feed = find(bytes, at, end, '\n');
        if (stop == carriage) carriage = find(bytes, at, end, '\r');
    }
    return bad;
}

status lines(const texts *in, words *owners, words *starts, words *ends) {
    status bad = texts_check(in);
    for (size_t text = 0; text < in->starts_count && !bad; text++)
        bad = lines_of(in->bytes, (size_t)in->starts[text], (size_t)in->ends[text], text, owners, starts, ends);
    return bad;
}
