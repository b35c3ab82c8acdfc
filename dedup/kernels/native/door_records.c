/* The functions of the Python module that read records, and that write what a log says of them. */
#include "door.h"

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

PyObject *py_quoted(PyObject *module, PyObject *bytes) {
    (void)module;
    Py_buffer held;
    uint8_t valid = 0;
    if (PyObject_GetBuffer(bytes, &held, PyBUF_SIMPLE)) return NULL;
    int64_t start = 0, end = (int64_t)held.len;
    texts whole = {held.buf, (size_t)held.len, &start, &end, 1, 1};
    status bad = valid_utf8(&whole, &valid);
    PyObject *made = NULL;
    if (bad) fail(bad);
    else made = PyBytes_FromStringAndSize(NULL, valid ? (Py_ssize_t)quoted_size(held.buf, (size_t)held.len) : 0);
    if (made && valid) quote(held.buf, (size_t)held.len, (uint8_t *)PyBytes_AsString(made));
    PyBuffer_Release(&held);
    return made;
}
