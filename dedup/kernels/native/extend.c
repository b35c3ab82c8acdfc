/* Places where two texts agree, extended to both sides as far as they do; byte ranges compared. */
#include "core.h"

enum { LATER, LATER_AT, EARLIER, EARLIER_AT, ROW };

static size_t size_of(const ragged *tokens, int64_t text) {
    return (size_t)(tokens->offsets[text + 1] - tokens->offsets[text]);
}

static const uint64_t *tokens_of(const ragged *tokens, int64_t text) {
    return tokens->values + tokens->offsets[text];
}

/* The difference of two places in their texts. */
static int64_t shift_of(const int64_t *row) { return row[LATER_AT] - row[EARLIER_AT]; }

static int same_line(const int64_t *one, const int64_t *two) {
    return one[LATER] == two[LATER] && one[EARLIER] == two[EARLIER] && shift_of(one) == shift_of(two);
}

static int in_order(const int64_t *one, const int64_t *two) {
    if (one[LATER] != two[LATER]) return one[LATER] < two[LATER];
    if (one[EARLIER] != two[EARLIER]) return one[EARLIER] < two[EARLIER];
    if (shift_of(one) != shift_of(two)) return shift_of(one) < shift_of(two);
    return one[LATER_AT] <= two[LATER_AT];
}

static status rows_check(const ragged *tokens, const int64_t *rows, size_t count) {
    uint64_t n = tokens->offset_count - 1;
    const int64_t *end = rows + ROW * count;
    for (const int64_t *row = rows; row < end; row += ROW)
        if (row[LATER] < 0 || row[EARLIER] < 0 || (uint64_t)row[LATER] >= n || (uint64_t)row[EARLIER] >= n)
            return STATUS_PAIRS;
    for (const int64_t *row = rows; row < end; row += ROW)
        if (row[LATER_AT] < 0 || row[EARLIER_AT] < 0 || (uint64_t)row[LATER_AT] >= size_of(tokens, row[LATER]) ||
            (uint64_t)row[EARLIER_AT] >= size_of(tokens, row[EARLIER]))
            return STATUS_PLACES;
    for (const int64_t *row = rows; row < end; row += ROW)
        if (row[LATER] == row[EARLIER] && row[LATER_AT] <= row[EARLIER_AT]) return STATUS_SAME_PLACE;
    for (const int64_t *row = rows; row + ROW < end; row += ROW)
        if (!in_order(row, row + ROW)) return STATUS_UNSORTED;
    return STATUS_OK;
}

/* The longest run of equal tokens through the row's places: where it starts and ends in the later text. */
static void run_through(const ragged *tokens, const int64_t *row, int64_t *start, int64_t *end) {
    const uint64_t *later = tokens_of(tokens, row[LATER]) + row[LATER_AT];
    const uint64_t *earlier = tokens_of(tokens, row[EARLIER]) + row[EARLIER_AT];
    int64_t back = row[LATER_AT] < row[EARLIER_AT] ? row[LATER_AT] : row[EARLIER_AT];
    int64_t on_later = (int64_t)size_of(tokens, row[LATER]) - row[LATER_AT];
    int64_t on_earlier = (int64_t)size_of(tokens, row[EARLIER]) - row[EARLIER_AT];
    int64_t on = on_later < on_earlier ? on_later : on_earlier, low = 0, high = 0;
    while (high < on && later[high] == earlier[high]) high++;
    while (high && low < back && later[-low - 1] == earlier[-low - 1]) low++;
    *start = row[LATER_AT] - low;
    *end = row[LATER_AT] + high;
}

static int64_t weight_of(const uint64_t *values, int64_t count) {
    int64_t weight = count;
    for (int64_t i = 0; i < count; i++) weight += (int64_t)(values[i] & 1);
    return weight;
}

static status put_run(const int64_t *row, int64_t start, int64_t end, words *runs) {
    if (words_reserve(runs, 5)) return STATUS_MEMORY;
    uint64_t *to = runs->data + runs->size;
    to[0] = (uint64_t)row[LATER];
    to[1] = (uint64_t)start;
    to[2] = (uint64_t)(end - start);
    to[3] = (uint64_t)row[EARLIER];
    to[4] = (uint64_t)(start - shift_of(row));
    runs->size += 5;
    return STATUS_OK;
}

status extend(const ragged *tokens, const int64_t *rows, size_t count, int64_t weight, words *runs) {
    status bad = ragged_check(tokens);
    if (!bad) bad = rows_check(tokens, rows, count);
    int64_t start = 0, end = 0; /* of the last run */
    for (size_t i = 0; i < count && !bad; i++) {
        const int64_t *row = rows + ROW * i;
        if (!i || !same_line(row - ROW, row)) end = 0;
        if (row[LATER_AT] < end) continue;
        run_through(tokens, row, &start, &end);
        if (start < end && weight_of(tokens_of(tokens, row[LATER]) + start, end - start) >= weight)
            bad = put_run(row, start, end, runs);
    }
    return bad;
}

status equal_bytes(const texts *first, const texts *second, uint8_t *equal) {
    status bad = texts_check(first);
    if (!bad) bad = texts_check(second);
    if (!bad && first->starts_count != second->starts_count) bad = STATUS_SIDES;
    for (size_t i = 0; i < first->starts_count && !bad; i++) {
        size_t size = (size_t)(first->ends[i] - first->starts[i]);
        equal[i] = size == (size_t)(second->ends[i] - second->starts[i]) &&
                   (!size || !memcmp(first->bytes + first->starts[i], second->bytes + second->starts[i], size));
    }
    return bad;
}
