/* Rows of delimited text: where the values of wanted columns stand; and the undoubling of quotes. */
#include "ascii.h"

typedef struct row_reader {
    const row_rules *rules;
    const uint8_t *bytes;
    size_t size;
    size_t start, at; /* of the row, and how far it has been read */
    size_t bound;     /* end of the bytes in which the row must end */
    row_value *found; /* one for each wanted column */
    int64_t count;    /* of values */
} row_reader;

/* How the reading of a row goes on. The codes of what ends a row without one stay below 0; see `rows_made.faults`. */
enum { ROW_GOES_ON = 1, ROW_ENDS, ROW_IS_CUT, ROW_UNCLOSED = -1, ROW_OVERLONG = -2 };

static int is_line_end(uint8_t byte) { return byte == '\n' || byte == '\r'; }

/* The byte after the line end at `at`; 0 where more bytes must be seen to tell. */
static size_t after_line_end(const row_reader *row, size_t at) {
    if (row->bytes[at] == '\n') return at + 1;
    if (at + 1 == row->size) return row->rules->at_end ? at + 1 : 0;
    return row->bytes[at + 1] == '\n' ? at + 2 : at + 1;
}

/* The first separator or line end in [at, end), or `end`. */
static size_t bare_end(const uint8_t *bytes, size_t at, size_t end, uint8_t separator) {
#if ASCII_SSE2
    const __m128i mark = _mm_set1_epi8((char)separator), feed = _mm_set1_epi8('\n'), carriage = _mm_set1_epi8('\r');
    for (; end - at >= 16; at += 16) {
        __m128i here = load16(bytes + at);
        __m128i ends = _mm_or_si128(_mm_cmpeq_epi8(here, feed), _mm_cmpeq_epi8(here, carriage));
        uint64_t found = mask_of(_mm_or_si128(ends, _mm_cmpeq_epi8(here, mark)));
        if (found) return at + low_bit_of(found);
    }
#endif
    while (at < end && bytes[at] != separator && !is_line_end(bytes[at])) at++;
    return at;
}

static void put_value(row_reader *row, int kind, size_t start, size_t end) {
    for (size_t i = 0; i < row->rules->column_count; i++) {
        if (row->rules->columns[i] != row->count) continue;
        row_value value = {kind, start, end};
        row->found[i] = value;
    }
    row->count++;
}

/* What is to be said of a row that has neither end nor fault in the bytes that may be looked at. */
static int without_end(const row_reader *row) {
    if (row->bound < row->size) return ROW_OVERLONG;
    return row->rules->at_end ? ROW_UNCLOSED : ROW_IS_CUT;
}

/* Goes past a value in quotes, whose first one is next. */
static int take_quoted(row_reader *row) {
    const uint8_t *bytes = row->bytes;
    size_t from = row->at + 1, at = from;
    int kind = ROW_QUOTED;
    for (;; at += 2, kind = ROW_DOUBLED) {
        const uint8_t *quote = at < row->bound ? memchr(bytes + at, '"', row->bound - at) : NULL;
        if (!quote) return without_end(row);
        at = (size_t)(quote - bytes);
        if (at + 1 == row->size || bytes[at + 1] != '"') break;
    }
    put_value(row, kind, from, at);
    row->at = at + 1;
    return ROW_GOES_ON;
}

static void take_bare(row_reader *row) {
    size_t end = bare_end(row->bytes, row->at, row->bound, row->rules->separator);
    put_value(row, ROW_BARE, row->at, end);
    row->at = end;
}

/* Goes past what follows a value. */
static int take_separator(row_reader *row, int was_quoted, int64_t *fault) {
    if (row->at == row->size) return row->rules->at_end ? ROW_ENDS : ROW_IS_CUT;
    uint8_t next = row->bytes[row->at];
    if (was_quoted && next != row->rules->separator && !is_line_end(next)) {
        *fault = (int64_t)(row->at - row->start) + 1;
        return ROW_ENDS;
    }
    if (row->at >= row->bound) return ROW_OVERLONG;
    if (next == row->rules->separator) {
        row->at++;
        return ROW_GOES_ON;
    }
    size_t end = after_line_end(row, row->at);
    if (!end) return ROW_IS_CUT;
    row->at = end;
    return end > row->bound ? ROW_OVERLONG : ROW_ENDS;
}

/* Reads the row from `start` on: ROW_ENDS or ROW_IS_CUT. A row with a fault is its first line. */
static int read_row(row_reader *row, int64_t *fault) {
    size_t limit = row->rules->limit;
    int step = ROW_GOES_ON;
    row->at = row->start;
    row->bound = row->size - row->start > limit ? row->start + limit : row->size;
    row->count = 0;
    for (size_t i = 0; i < row->rules->column_count; i++) row->found[i].kind = ROW_ABSENT;
    *fault = 0;
    while (step == ROW_GOES_ON) {
        int is_quoted = row->at < row->bound && row->bytes[row->at] == '"';
        if (is_quoted) step = take_quoted(row);
        else take_bare(row);
        if (step == ROW_GOES_ON) step = take_separator(row, is_quoted, fault);
    }
    if (step < 0) *fault = step;
    if (step == ROW_IS_CUT || !*fault) return step;
    size_t end = row->start;
    while (end < row->size && !is_line_end(row->bytes[end])) end++;
    if (end == row->size && !row->rules->at_end) return ROW_IS_CUT;
    row->at = end < row->size ? after_line_end(row, end) : end;
    if (!row->at) return ROW_IS_CUT;
    if (row->at - row->start > limit) *fault = ROW_OVERLONG;
    return ROW_ENDS;
}

static status put_row(const row_reader *row, int64_t fault, rows_made *out) {
    size_t columns = row->rules->column_count;
    if (words_reserve(&out->places, 2) || words_reserve(&out->counts, 1) || words_reserve(&out->faults, 1) ||
        words_reserve(&out->kinds, columns) || words_reserve(&out->ranges, 2 * columns))
        return STATUS_MEMORY;
    out->places.data[out->places.size++] = row->start;
    out->places.data[out->places.size++] = row->at;
    out->counts.data[out->counts.size++] = fault ? 0 : (uint64_t)row->count;
    out->faults.data[out->faults.size++] = (uint64_t)fault;
    for (size_t i = 0; i < columns; i++) {
        row_value value = {ROW_ABSENT, 0, 0};
        if (!fault && row->found[i].kind != ROW_ABSENT) value = row->found[i];
        out->kinds.data[out->kinds.size++] = (uint64_t)value.kind;
        out->ranges.data[out->ranges.size++] = value.start;
        out->ranges.data[out->ranges.size++] = value.end;
    }
    return STATUS_OK;
}

status delimited(const uint8_t *bytes, size_t size, const row_rules *rules, rows_made *out) {
    row_reader row = {rules, bytes, size, 0, 0, 0, array_new(rules->column_count, sizeof(row_value)), 0};
    status bad = row.found ? STATUS_OK : STATUS_MEMORY;
    out->stop = 0;
    while (out->stop < size && !bad) {
        int64_t fault;
        row.start = out->stop;
        if (!rules->blank && is_line_end(bytes[row.start])) {
            size_t next = after_line_end(&row, row.start);
            if (!next) break;
            out->stop = next;
            continue;
        }
        if (read_row(&row, &fault) == ROW_IS_CUT) break;
        bad = put_row(&row, fault, out);
        out->stop = row.at;
    }
    block_free(row.found);
    return bad;
}

/* Each quote that is followed by another one stands for both. */
static uint8_t *put_undoubled(const uint8_t *p, const uint8_t *end, uint8_t *out) {
    while (p < end) {
        const uint8_t *quote = memchr(p, '"', (size_t)(end - p));
        size_t bytes = (size_t)((quote ? quote + 1 : end) - p);
        memcpy(out, p, bytes);
        out += bytes;
        p += bytes;
        if (quote && p < end && *p == '"') p++;
    }
    return out;
}

status unquote(const texts *in, const uint8_t *doubled, uint8_t *values, size_t room, int64_t *offsets) {
    return put_texts(in, doubled, put_undoubled, values, room, offsets);
}
