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

PyObject *py_unescape(PyObject *module, PyObject *args) {
    (void)module;
    buffers held = {0};
    Py_buffer *b = held.of;
    if (!PyArg_ParseTuple(args, "y*y*y*y*w*w*:unescape", b, b + 1, b + 2, b + 3, b + 4, b + 5)) return NULL;
    texts in = texts_of(&held);
    if (!texts_fit(&held) || !fits(b + 3, 1, in.starts_count) || !fits(b + 5, 8, in.starts_count + 1))
        return released(&held, fail(STATUS_BUFFER));
    status end;
    Py_BEGIN_ALLOW_THREADS
    end = unescape(&in, b[3].buf, b[4].buf, (size_t)b[4].len, b[5].buf);
    Py_END_ALLOW_THREADS
    return released(&held, none_or(end));
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

/* A state of no bytes is one that has not begun; with `ends` the digests come back. */
PyObject *py_hash_two(PyObject *module, PyObject *args) {
    (void)module;
    buffers held = {0};
    Py_buffer *b = held.of;
    int ends;
    hash_state *of;
    uint8_t digests[2 * HASH_BYTES];
    if (!PyArg_ParseTuple(args, "w*y*y*p:hash_two", b, b + 1, b + 2, &ends)) return NULL;
    if (!fits(b, 1, 2 * sizeof *of) || (uintptr_t)b[0].buf % 8) return released(&held, fail(STATUS_BUFFER));
    of = b[0].buf;
    if (of[0].filled > sizeof of->block || of[1].filled > sizeof of->block) return released(&held, fail(STATUS_BUFFER));
    Py_BEGIN_ALLOW_THREADS
    for (int i = 0; i < 2; i++)
        if (!of[i].state[0] && !of[i].done) hash_start(of + i);
    hash_two(of, b[1].buf, (size_t)b[1].len, b[2].buf, (size_t)b[2].len);
    for (int i = 0; i < 2 && ends; i++) hash_end(of + i, digests + HASH_BYTES * i);
    Py_END_ALLOW_THREADS
    release(&held);
    if (ends) return PyBytes_FromStringAndSize((const char *)digests, sizeof digests);
    Py_RETURN_NONE;
}

PyObject *py_digest(PyObject *module, PyObject *bytes) {
    (void)module;
    Py_buffer held;
    uint8_t digest[HASH_BYTES], nothing = 0;
    hash_state of[2];
    if (PyObject_GetBuffer(bytes, &held, PyBUF_SIMPLE)) return NULL;
    hash_start(of);
    hash_start(of + 1);
    hash_two(of, held.buf, (size_t)held.len, &nothing, 0);
    hash_end(of, digest);
    PyBuffer_Release(&held);
    return PyBytes_FromStringAndSize((const char *)digest, HASH_BYTES);
}
