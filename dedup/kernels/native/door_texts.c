/* The functions of the Python module that read texts. */
#include "door.h"

PyObject *py_set_table(PyObject *module, PyObject *args) {
    buffers held = {0};
    Py_buffer *b = held.of;
    module_state *state = state_of(module);
    if (!PyArg_ParseTuple(args, "y*y*y*y*y*y*:set_table", b, b + 1, b + 2, b + 3, b + 4, b + 5)) return NULL;
    if (!(fits(b, 4, 0) && fits(b + 1, 2, 0) && fits(b + 2, 4, 0) && fits(b + 3, 4, 0) && fits(b + 4, 2, 0) &&
          fits(b + 5, 2, 0)))
        return released(&held, fail(STATUS_BUFFER));
    fold_arrays arrays = {.bmp = b[0].buf,
                          .pages = b[1].buf,
                          .astral = b[2].buf,
                          .expansions = b[3].buf,
                          .voiced = b[4].buf,
                          .semivoiced = b[5].buf,
                          .bmp_size = items(b, 4),
                          .pages_size = items(b + 1, 2),
                          .astral_size = items(b + 2, 4),
                          .expansion_size = items(b + 3, 4),
                          .voiced_size = items(b + 4, 2),
                          .semivoiced_size = items(b + 5, 2)};
    fold_table *made = NULL;
    status end;
    Py_BEGIN_ALLOW_THREADS
    end = table_make(&made, &arrays);
    Py_END_ALLOW_THREADS
    release(&held);
    if (end) return fail(end);
    if (state->readers) {
        table_free(made);
        PyErr_SetString(PyExc_RuntimeError, "the fold table is in use");
        return NULL;
    }
    table_free(state->table);
    state->table = made;
    Py_RETURN_NONE;
}

static PyObject *tokens_of(PyObject *module, PyObject *args, const char *format, int places) {
    buffers held = {0};
    Py_buffer *b = held.of;
    module_state *state = state_of(module);
    if (!PyArg_ParseTuple(args, format, b, b + 1, b + 2, b + 3)) return NULL;
    texts in = texts_of(&held);
    if (!texts_fit(&held) || !fits(b + 3, 8, in.starts_count + 1)) return released(&held, fail(STATUS_BUFFER));
    words made[3] = {{0}, {0}, {0}};
    status end;
    state->readers++;
    Py_BEGIN_ALLOW_THREADS
    end = tokenize(state->table, &in, b[3].buf, made, places ? made + 1 : NULL, places ? made + 2 : NULL);
    Py_END_ALLOW_THREADS
    state->readers--;
    return released(&held, arrays_of(module, end, made, places ? 3 : 1));
}

PyObject *py_tokenize(PyObject *module, PyObject *args) { return tokens_of(module, args, "y*y*y*w*:tokenize", 1); }

PyObject *py_tokens(PyObject *module, PyObject *args) { return tokens_of(module, args, "y*y*y*w*:tokens", 0); }

PyObject *py_scan(PyObject *module, PyObject *args) {
    buffers held = {0};
    Py_buffer *b = held.of;
    module_state *state = state_of(module);
    long long k;
    unsigned long long seed;
    if (!PyArg_ParseTuple(args, "y*y*y*LKy*y*w*w*w*w*:scan", b, b + 1, b + 2, &k, &seed, b + 3, b + 4, b + 5, b + 6,
                          b + 7, b + 8))
        return NULL;
    texts in = texts_of(&held);
    lanes by = {b[3].buf, b[4].buf, items(b + 3, 4), items(b + 4, 4)};
    size_t n = in.starts_count;
    int lanes_fit = fits(b + 3, 4, 0) && fits(b + 4, 4, 0) && fits(b + 8, 4, 0) &&
                    (!by.count || items(b + 8, 4) / by.count >= n);
    if (!texts_fit(&held) || !lanes_fit || !fits(b + 5, 8, n) || !fits(b + 6, 8, n) || !fits(b + 7, 8, n))
        return released(&held, fail(STATUS_BUFFER));
    scan_result out = {b[5].buf, b[6].buf, b[7].buf, b[8].buf};
    status end;
    state->readers++;
    Py_BEGIN_ALLOW_THREADS
    end = scan(state->table, &in, k, seed, &by, &out);
    Py_END_ALLOW_THREADS
    state->readers--;
    return released(&held, none_or(end));
}

PyObject *py_text_shingles(PyObject *module, PyObject *args) {
    buffers held = {0};
    Py_buffer *b = held.of;
    module_state *state = state_of(module);
    long long k;
    unsigned long long seed;
    if (!PyArg_ParseTuple(args, "y*y*y*LKw*:text_shingles", b, b + 1, b + 2, &k, &seed, b + 3)) return NULL;
    texts in = texts_of(&held);
    if (!texts_fit(&held) || !fits(b + 3, 8, in.starts_count + 1)) return released(&held, fail(STATUS_BUFFER));
    words made = {0};
    status end;
    state->readers++;
    Py_BEGIN_ALLOW_THREADS
    end = text_shingles(state->table, &in, k, seed, b[3].buf, &made);
    Py_END_ALLOW_THREADS
    state->readers--;
    return released(&held, arrays_of(module, end, &made, 1));
}

PyObject *py_lines(PyObject *module, PyObject *args) {
    buffers held = {0};
    Py_buffer *b = held.of;
    if (!PyArg_ParseTuple(args, "y*y*y*:lines", b, b + 1, b + 2)) return NULL;
    texts in = texts_of(&held);
    if (!texts_fit(&held)) return released(&held, fail(STATUS_BUFFER));
    words made[3] = {{0}, {0}, {0}};
    status end;
    Py_BEGIN_ALLOW_THREADS
    end = lines(&in, made, made + 1, made + 2);
    Py_END_ALLOW_THREADS
    return released(&held, arrays_of(module, end, made, 3));
}

PyObject *py_pieces(PyObject *module, PyObject *args) {
    buffers held = {0};
    Py_buffer *b = held.of;
    long long mode;
    if (!PyArg_ParseTuple(args, "y*y*y*L:pieces", b, b + 1, b + 2, &mode)) return NULL;
    texts in = texts_of(&held);
    if (!texts_fit(&held)) return released(&held, fail(STATUS_BUFFER));
    words made[3] = {{0}, {0}, {0}};
    status end;
    Py_BEGIN_ALLOW_THREADS
    end = pieces(&in, mode, made, made + 1, made + 2);
    Py_END_ALLOW_THREADS
    return released(&held, arrays_of(module, end, made, 3));
}

PyObject *py_equal_bytes(PyObject *module, PyObject *args) {
    (void)module;
    buffers held = {0};
    Py_buffer *b = held.of;
    if (!PyArg_ParseTuple(args, "y*y*y*y*y*w*:equal_bytes", b, b + 1, b + 2, b + 3, b + 4, b + 5)) return NULL;
    texts first = texts_of(&held);
    texts second = {b[0].buf, (size_t)b[0].len, b[3].buf, b[4].buf, items(b + 3, 8), items(b + 4, 8)};
    if (!texts_fit(&held) || !fits(b + 3, 8, 0) || !fits(b + 4, 8, 0) || !fits(b + 5, 1, first.starts_count))
        return released(&held, fail(STATUS_BUFFER));
    status end;
    Py_BEGIN_ALLOW_THREADS
    end = equal_bytes(&first, &second, b[5].buf);
    Py_END_ALLOW_THREADS
    return released(&held, none_or(end));
}

PyObject *py_widen(PyObject *module, PyObject *args) {
    (void)module;
    buffers held = {0};
    Py_buffer *b = held.of;
    if (!PyArg_ParseTuple(args, "y*y*y*y*y*w*w*:widen", b, b + 1, b + 2, b + 3, b + 4, b + 5, b + 6)) return NULL;
    texts fields = texts_of(&held);
    texts pieces = {b[0].buf, (size_t)b[0].len, b[3].buf, b[4].buf, items(b + 3, 8), items(b + 4, 8)};
    size_t n = pieces.starts_count;
    if (!texts_fit(&held) || !fits(b + 3, 8, 0) || !fits(b + 4, 8, 0) || !fits(b + 5, 8, n) || !fits(b + 6, 8, n))
        return released(&held, fail(STATUS_BUFFER));
    status end;
    Py_BEGIN_ALLOW_THREADS
    end = widen(&fields, &pieces, b[5].buf, b[6].buf);
    Py_END_ALLOW_THREADS
    return released(&held, none_or(end));
}

PyObject *py_gather(PyObject *module, PyObject *args) {
    (void)module;
    buffers held = {0};
    Py_buffer *b = held.of;
    if (!PyArg_ParseTuple(args, "y*y*y*w*:gather", b, b + 1, b + 2, b + 3)) return NULL;
    texts in = texts_of(&held);
    if (!texts_fit(&held)) return released(&held, fail(STATUS_BUFFER));
    status end;
    Py_BEGIN_ALLOW_THREADS
    end = gather(&in, b[3].buf, (size_t)b[3].len);
    Py_END_ALLOW_THREADS
    return released(&held, none_or(end));
}
