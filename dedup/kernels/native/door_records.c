/* The functions of the Python module that read records, and that write what a log says of them. */
#include "door.h"

#define FIRST_OF_PARTS 3 /* of the buffers of `compose` */

PyObject *py_records(PyObject *module, PyObject *args) {
    buffers held = {0};
    Py_buffer *b = held.of;
    if (!PyArg_ParseTuple(args, "y*y*y*:records", b, b + 1, b + 2)) return NULL;
    if (!fits(b + 2, 8, 0)) return released(&held, fail(STATUS_BUFFER));
    key_names keys = {b[1].buf, (size_t)b[1].len, b[2].buf, items(b + 2, 8)};
    records_made made = {{0}, {0}, {0}, {0}};
    status end;
    Py_BEGIN_ALLOW_THREADS
    end = records(b[0].buf, (size_t)b[0].len, &keys, &made);
    Py_END_ALLOW_THREADS
    words all[4] = {made.lines, made.members, made.kinds, made.ranges};
    return released(&held, arrays_of(module, end, all, 4));
}

PyObject *py_delimited(PyObject *module, PyObject *args) {
    buffers held = {0};
    Py_buffer *b = held.of;
    row_rules rules = {0};
    long long limit;
    if (!PyArg_ParseTuple(args, "y*y*bppL:delimited", b, b + 1, &rules.separator, &rules.blank, &rules.at_end, &limit))
        return NULL;
    if (!fits(b + 1, 8, 0)) return released(&held, fail(STATUS_BUFFER));
    if (limit < 0) return released(&held, fail(STATUS_LIMIT));
    rules.columns = b[1].buf;
    rules.column_count = items(b + 1, 8);
    rules.limit = (size_t)limit;
    rows_made made = {{0}, {0}, {0}, {0}, {0}, 0};
    status end;
    Py_BEGIN_ALLOW_THREADS
    end = delimited(b[0].buf, (size_t)b[0].len, &rules, &made);
    Py_END_ALLOW_THREADS
    words all[5] = {made.places, made.counts, made.faults, made.kinds, made.ranges};
    PyObject *arrays = arrays_of(module, end, all, 5);
    return released(&held, arrays ? Py_BuildValue("(Nn)", arrays, (Py_ssize_t)made.stop) : NULL);
}

static PyObject *decoded(PyObject *args, const char *format,
                         status (*decode)(const texts *, const uint8_t *, uint8_t *, size_t, int64_t *)) {
    buffers held = {0};
    Py_buffer *b = held.of;
    if (!PyArg_ParseTuple(args, format, b, b + 1, b + 2, b + 3, b + 4, b + 5)) return NULL;
    texts in = texts_of(&held);
    if (!texts_fit(&held) || !fits(b + 3, 1, in.starts_count) || !fits(b + 5, 8, in.starts_count + 1))
        return released(&held, fail(STATUS_BUFFER));
    status end;
    Py_BEGIN_ALLOW_THREADS
    end = decode(&in, b[3].buf, b[4].buf, (size_t)b[4].len, b[5].buf);
    Py_END_ALLOW_THREADS
    return released(&held, none_or(end));
}

PyObject *py_unescape(PyObject *module, PyObject *args) {
    (void)module;
    return decoded(args, "y*y*y*y*w*w*:unescape", unescape);
}

PyObject *py_unquote(PyObject *module, PyObject *args) {
    (void)module;
    return decoded(args, "y*y*y*y*w*w*:unquote", unquote);
}

PyObject *py_valid_utf8(PyObject *module, PyObject *args) {
    (void)module;
    buffers held = {0};
    Py_buffer *b = held.of;
    if (!PyArg_ParseTuple(args, "y*y*y*w*:valid_utf8", b, b + 1, b + 2, b + 3)) return NULL;
    texts in = texts_of(&held);
    if (!texts_fit(&held) || !fits(b + 3, 1, in.starts_count)) return released(&held, fail(STATUS_BUFFER));
    status end;
    Py_BEGIN_ALLOW_THREADS
    end = valid_utf8(&in, b[3].buf);
    Py_END_ALLOW_THREADS
    return released(&held, none_or(end));
}

PyObject *py_json_places(PyObject *module, PyObject *args) {
    (void)module;
    buffers held = {0};
    Py_buffer *b = held.of;
    if (!PyArg_ParseTuple(args, "y*y*y*y*y*w*w*:json_places", b, b + 1, b + 2, b + 3, b + 4, b + 5, b + 6)) return NULL;
    texts in = texts_of(&held);
    size_t n = in.starts_count, count = items(b + 4, 8);
    if (!texts_fit(&held) || !fits(b + 3, 8, n + 1) || !fits(b + 4, 8, 0) || !fits(b + 5, 8, 4 * count) ||
        !fits(b + 6, 1, n))
        return released(&held, fail(STATUS_BUFFER));
    status end;
    Py_BEGIN_ALLOW_THREADS
    end = json_places(&in, b[3].buf, b[4].buf, count, b[5].buf, b[6].buf);
    Py_END_ALLOW_THREADS
    return released(&held, none_or(end));
}

/* One part from its lead's place, its kind and its buffer's number. */
static int part_of(const buffers *held, const int64_t *about, Py_ssize_t count, part *out) {
    const Py_buffer *leads = held->of;
    if (about[0] < 0 || about[0] > about[1] || about[1] > leads->len) return 0;
    if (about[2] < 0 || about[2] >= PART_KINDS || about[3] < 0 || about[3] >= count) return 0;
    const Py_buffer *buffer = held->of + FIRST_OF_PARTS + about[3];
    *out = (part){(const uint8_t *)leads->buf + about[0], (size_t)(about[1] - about[0]), (int)about[2], buffer->buf,
                  (size_t)buffer->len};
    return 1;
}

static status composed_of(const buffers *held, Py_ssize_t count, composed *made) {
    const Py_buffer *about = held->of + 1, *cells = held->of + 2;
    size_t parts = items(about, 32);
    if (!fits(about, 8, 4 * parts) || !fits(cells, 8, 0) || (parts && items(cells, 16) % parts)) return STATUS_BUFFER;
    part *all = array_new(parts + 1, sizeof *all);
    if (!all) return STATUS_MEMORY;
    status end = STATUS_OK;
    for (size_t i = 0; i < parts && !end; i++)
        if (!part_of(held, (const int64_t *)about->buf + 4 * i, count, all + i)) end = STATUS_PARTS;
    Py_BEGIN_ALLOW_THREADS
    if (!end && parts) end = compose(all, parts, cells->buf, items(cells, 16) / parts, made);
    Py_END_ALLOW_THREADS
    block_free(all);
    return end;
}

PyObject *py_compose(PyObject *module, PyObject *args) {
    buffers held = {0};
    Py_buffer *b = held.of;
    PyObject *more;
    if (!PyArg_ParseTuple(args, "y*y*y*O!:compose", b, b + 1, b + 2, &PyTuple_Type, &more)) return NULL;
    Py_ssize_t count = PyTuple_Size(more);
    if (count > MAX_BUFFERS - FIRST_OF_PARTS) return released(&held, fail(STATUS_PARTS));
    for (Py_ssize_t i = 0; i < count; i++)
        if (PyObject_GetBuffer(PyTuple_GetItem(more, i), b + FIRST_OF_PARTS + i, PyBUF_SIMPLE))
            return released(&held, NULL);
    composed made = {{0}, 0};
    status end = composed_of(&held, count, &made);
    PyObject *arrays = arrays_of(module, end, &made.words, 1);
    return released(&held, arrays ? Py_BuildValue("(Nn)", arrays, (Py_ssize_t)made.bytes) : NULL);
}
