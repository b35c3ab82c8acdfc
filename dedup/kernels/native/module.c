/* The Python module `dedup.kernels._native`: takes buffers, calls the kernels without the GIL, gives buffers back.
 * It is a thin door: `dedup/kernels/native.py` gives it arrays of the right type, and makes arrays of its answers. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "core.h"

#define MAX_BUFFERS 10

typedef struct module_state {
    PyTypeObject *array_type;
    fold_table *table;
    Py_ssize_t readers; /* calls that use the table while they do without the GIL */
} module_state;

static module_state *state_of(PyObject *module) { return (module_state *)PyModule_GetState(module); }

/* ---- errors ------------------------------------------------------------------------------------------------ */

static const char *const sentences[] = {
    [STATUS_TABLE] = "the fold table is not sound",
    [STATUS_TABLE_UNSET] = "the fold table has not been set",
    [STATUS_LENGTHS] = "starts and ends must have the same length",
    [STATUS_RANGE] = "every text range must satisfy 0 <= start <= end <= len(text)",
    [STATUS_K] = "k must be between 1 and 63",
    [STATUS_AB] = "a and b must have the same length",
    [STATUS_NO_OFFSETS] = "offsets must not be empty",
    [STATUS_OFFSETS] = "offsets must not decrease and must stay within the values",
    [STATUS_BANDS] = "bands and rows must be at least 1",
    [STATUS_BAND_LANES] = "bands * rows must not exceed the number of lanes",
    [STATUS_LIMIT] = "limit must be at least 0",
    [STATUS_LIMITS] = "limits must have one entry for each pair",
    [STATUS_PAIRS] = "pairs must name texts within 0..n-1",
    [STATUS_COUNT] = "n must be at least 0",
    [STATUS_NODES] = "pairs must name nodes within 0..n-1",
    [STATUS_LOOP] = "a pair must join two different nodes",
    [STATUS_TOO_MANY] = "too many items for one call: at most 2**31 - 2",
    [STATUS_MODE] = "mode must be 0, 1 or 2",
    [STATUS_GRAM] = "gram must be at least 1",
    [STATUS_WINDOW] = "window must be at least 0",
    [STATUS_PLACES] = "places must lie within their texts",
    [STATUS_SAME_PLACE] = "within one text the earlier place must come first",
    [STATUS_UNSORTED] = "pairs must be sorted by later text, earlier text, difference and place",
    [STATUS_SIDES] = "both sides must have the same number of ranges",
    [STATUS_CLAUSES] = "hashes and tokens must have the same length",
    [STATUS_EMPTY_CLAUSE] = "a clause without tokens (hash 0) must be left out",
    [STATUS_BUFFER] = "a buffer is too small or not aligned to its items",
};

static PyObject *fail(status why) {
    if (why == STATUS_MEMORY) return PyErr_NoMemory();
    PyErr_SetString(why == STATUS_TABLE_UNSET ? PyExc_RuntimeError : PyExc_ValueError, sentences[why]);
    return NULL;
}

/* ---- arrays that own what a kernel has made ---------------------------------------------------------------- */

typedef struct array_object {
    PyObject_HEAD
    void *data;
    Py_ssize_t bytes;
} array_object;

static void array_free(PyObject *self) {
    PyTypeObject *type = Py_TYPE(self);
    free(((array_object *)self)->data);
    PyObject_Free(self);
    Py_DECREF(type);
}

static int array_buffer(PyObject *self, Py_buffer *view, int flags) {
    static uint64_t nothing;
    array_object *array = (array_object *)self;
    return PyBuffer_FillInfo(view, self, array->data ? array->data : &nothing, array->bytes, 0, flags);
}

static PyType_Slot array_slots[] = {
    {Py_tp_dealloc, (void *)array_free},
    {Py_bf_getbuffer, (void *)array_buffer},
    {Py_tp_doc, (void *)"Memory that a kernel has filled: 64-bit integers, through the buffer protocol."},
    {0, NULL},
};

static PyType_Spec array_spec = {
    .name = "dedup.kernels._native.Array",
    .basicsize = sizeof(array_object),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .slots = array_slots,
};

/* Takes the memory over, also when it fails. */
static PyObject *array_of(PyObject *module, words *from) {
    array_object *array = PyObject_New(array_object, state_of(module)->array_type);
    if (!array) {
        words_free(from);
        return NULL;
    }
    array->data = from->data;
    array->bytes = (Py_ssize_t)(from->size * sizeof(uint64_t));
    from->data = NULL;
    from->size = from->room = 0;
    return (PyObject *)array;
}

/* `what` made into arrays, in a tuple; all of them freed if something went wrong. */
static PyObject *arrays_of(PyObject *module, status end, words *what, Py_ssize_t count) {
    PyObject *all = end ? fail(end) : PyTuple_New(count);
    for (Py_ssize_t i = 0; i < count; i++) {
        PyObject *one = all ? array_of(module, what + i) : NULL;
        if (one && PyTuple_SetItem(all, i, one) == 0) continue;
        words_free(what + i);
        Py_CLEAR(all);
    }
    return all;
}

/* ---- buffers ----------------------------------------------------------------------------------------------- */

typedef struct buffers {
    Py_buffer of[MAX_BUFFERS];
} buffers;

static void release(buffers *held) {
    for (int i = 0; i < MAX_BUFFERS; i++) PyBuffer_Release(&held->of[i]);
}

static PyObject *released(buffers *held, PyObject *answer) {
    release(held);
    return answer;
}

static size_t items(const Py_buffer *view, size_t size) { return (size_t)view->len / size; }

static int fits(const Py_buffer *view, size_t size, size_t count) {
    return (uintptr_t)view->buf % size == 0 && (size_t)view->len % size == 0 && items(view, size) >= count;
}

static texts texts_of(const buffers *held) {
    texts in = {held->of[0].buf, (size_t)held->of[0].len, held->of[1].buf, held->of[2].buf, items(&held->of[1], 8),
                items(&held->of[2], 8)};
    return in;
}

static int texts_fit(const buffers *held) { return fits(&held->of[1], 8, 0) && fits(&held->of[2], 8, 0); }

static ragged ragged_of(const buffers *held) {
    ragged in = {held->of[0].buf, items(&held->of[0], 8), held->of[1].buf, items(&held->of[1], 8)};
    return in;
}

static int ragged_fit(const buffers *held) { return fits(&held->of[0], 8, 0) && fits(&held->of[1], 8, 0); }

static PyObject *none_or(status end) {
    if (end) return fail(end);
    Py_RETURN_NONE;
}

/* ---- functions --------------------------------------------------------------------------------------------- */

static PyObject *py_set_table(PyObject *module, PyObject *args) {
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

static PyObject *py_tokenize(PyObject *module, PyObject *args) {
    buffers held = {0};
    Py_buffer *b = held.of;
    module_state *state = state_of(module);
    if (!PyArg_ParseTuple(args, "y*y*y*w*:tokenize", b, b + 1, b + 2, b + 3)) return NULL;
    texts in = texts_of(&held);
    if (!texts_fit(&held) || !fits(b + 3, 8, in.starts_count + 1)) return released(&held, fail(STATUS_BUFFER));
    words made[3] = {{0}, {0}, {0}};
    status end;
    state->readers++;
    Py_BEGIN_ALLOW_THREADS
    end = tokenize(state->table, &in, b[3].buf, made, made + 1, made + 2);
    Py_END_ALLOW_THREADS
    state->readers--;
    return released(&held, arrays_of(module, end, made, 3));
}

static PyObject *py_scan(PyObject *module, PyObject *args) {
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

static PyObject *py_shingle(PyObject *module, PyObject *args) {
    buffers held = {0};
    Py_buffer *b = held.of;
    long long k;
    unsigned long long seed;
    if (!PyArg_ParseTuple(args, "y*y*LKw*:shingle", b, b + 1, &k, &seed, b + 2)) return NULL;
    ragged in = ragged_of(&held);
    if (!ragged_fit(&held) || !fits(b + 2, 8, in.offset_count)) return released(&held, fail(STATUS_BUFFER));
    words made = {0};
    status end;
    Py_BEGIN_ALLOW_THREADS
    end = shingle(&in, k, seed, b[2].buf, &made);
    Py_END_ALLOW_THREADS
    return released(&held, arrays_of(module, end, &made, 1));
}

static PyObject *py_sketch(PyObject *module, PyObject *args) {
    (void)module;
    buffers held = {0};
    Py_buffer *b = held.of;
    if (!PyArg_ParseTuple(args, "y*y*y*y*w*:sketch", b, b + 1, b + 2, b + 3, b + 4)) return NULL;
    ragged in = ragged_of(&held);
    lanes by = {b[2].buf, b[3].buf, items(b + 2, 4), items(b + 3, 4)};
    size_t rows = in.offset_count ? in.offset_count - 1 : 0;
    int lanes_fit = fits(b + 2, 4, 0) && fits(b + 3, 4, 0) && fits(b + 4, 4, 0) &&
                    (!by.count || items(b + 4, 4) / by.count >= rows);
    if (!ragged_fit(&held) || !lanes_fit) return released(&held, fail(STATUS_BUFFER));
    status end;
    Py_BEGIN_ALLOW_THREADS
    end = sketch(&in, &by, b[4].buf);
    Py_END_ALLOW_THREADS
    return released(&held, none_or(end));
}

static PyObject *py_band_keys(PyObject *module, PyObject *args) {
    (void)module;
    buffers held = {0};
    Py_buffer *b = held.of;
    Py_ssize_t n, lane_count;
    long long bands, rows;
    if (!PyArg_ParseTuple(args, "y*nnLLw*:band_keys", b, &n, &lane_count, &bands, &rows, b + 1)) return NULL;
    status end = STATUS_OK;
    size_t held_keys = items(b + 1, 4);
    if (n < 0 || lane_count < 0 || !fits(b, 4, 0) || !fits(b + 1, 4, 0) ||
        (lane_count && items(b, 4) / (size_t)lane_count < (size_t)n))
        end = STATUS_BUFFER;
    else if (bands < 1 || rows < 1)
        end = STATUS_BANDS;
    else if (bands > lane_count || rows > lane_count / bands)
        end = STATUS_BAND_LANES;
    else if (held_keys / (size_t)bands < (size_t)n)
        end = STATUS_BUFFER;
    if (end) return released(&held, fail(end));
    Py_BEGIN_ALLOW_THREADS
    end = band_keys(b[0].buf, (size_t)n, (size_t)lane_count, bands, rows, b[1].buf);
    Py_END_ALLOW_THREADS
    return released(&held, none_or(end));
}

static PyObject *py_bucket_pairs(PyObject *module, PyObject *args) {
    buffers held = {0};
    Py_buffer *b = held.of;
    int key_bytes;
    long long limit;
    if (!PyArg_ParseTuple(args, "y*iL:bucket_pairs", b, &key_bytes, &limit)) return NULL;
    if ((key_bytes != 4 && key_bytes != 8) || !fits(b, (size_t)key_bytes, 0))
        return released(&held, fail(STATUS_BUFFER));
    words made = {0};
    int64_t skipped = 0;
    status end;
    Py_BEGIN_ALLOW_THREADS
    end = key_bytes == 4 ? bucket_pairs32(b[0].buf, items(b, 4), limit, &made, &skipped)
                         : bucket_pairs64(b[0].buf, items(b, 8), limit, &made, &skipped);
    Py_END_ALLOW_THREADS
    release(&held);
    if (end) {
        words_free(&made);
        return fail(end);
    }
    return Py_BuildValue("NL", array_of(module, &made), (long long)skipped);
}

static PyObject *py_edit_distances(PyObject *module, PyObject *args) {
    (void)module;
    buffers held = {0};
    Py_buffer *b = held.of;
    if (!PyArg_ParseTuple(args, "y*y*y*y*w*:edit_distances", b, b + 1, b + 2, b + 3, b + 4)) return NULL;
    ragged in = ragged_of(&held);
    size_t pair_count = items(b + 2, 16);
    if (!ragged_fit(&held) || !fits(b + 2, 8, 0) || !fits(b + 3, 8, 0) || !fits(b + 4, 8, pair_count))
        return released(&held, fail(STATUS_BUFFER));
    status end;
    Py_BEGIN_ALLOW_THREADS
    end = edit_distances(&in, b[2].buf, pair_count, b[3].buf, items(b + 3, 8), b[4].buf);
    Py_END_ALLOW_THREADS
    return released(&held, none_or(end));
}

static PyObject *py_overlaps(PyObject *module, PyObject *args) {
    (void)module;
    buffers held = {0};
    Py_buffer *b = held.of;
    if (!PyArg_ParseTuple(args, "y*y*y*w*:overlaps", b, b + 1, b + 2, b + 3)) return NULL;
    ragged in = ragged_of(&held);
    size_t pair_count = items(b + 2, 16);
    if (!ragged_fit(&held) || !fits(b + 2, 8, 0) || !fits(b + 3, 8, 3 * pair_count))
        return released(&held, fail(STATUS_BUFFER));
    status end;
    Py_BEGIN_ALLOW_THREADS
    end = overlaps(&in, b[2].buf, pair_count, b[3].buf);
    Py_END_ALLOW_THREADS
    return released(&held, none_or(end));
}

static PyObject *py_independent_set(PyObject *module, PyObject *args) {
    (void)module;
    buffers held = {0};
    Py_buffer *b = held.of;
    long long n;
    if (!PyArg_ParseTuple(args, "y*Lw*:independent_set", b, &n, b + 1)) return NULL;
    if (!fits(b, 8, 0) || (n >= 0 && (unsigned long long)n > (size_t)b[1].len))
        return released(&held, fail(STATUS_BUFFER));
    status end;
    Py_BEGIN_ALLOW_THREADS
    end = independent_set(b[0].buf, items(b, 16), n, b[1].buf);
    Py_END_ALLOW_THREADS
    return released(&held, none_or(end));
}

static PyObject *py_lines(PyObject *module, PyObject *args) {
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

static PyObject *py_pieces(PyObject *module, PyObject *args) {
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

static PyObject *py_winnow(PyObject *module, PyObject *args) {
    buffers held = {0};
    Py_buffer *b = held.of;
    long long gram, window;
    if (!PyArg_ParseTuple(args, "y*y*LL:winnow", b, b + 1, &gram, &window)) return NULL;
    ragged in = ragged_of(&held);
    if (!ragged_fit(&held)) return released(&held, fail(STATUS_BUFFER));
    words made[2] = {{0}, {0}};
    status end;
    Py_BEGIN_ALLOW_THREADS
    end = winnow(&in, gram, window, made, made + 1);
    Py_END_ALLOW_THREADS
    return released(&held, arrays_of(module, end, made, 2));
}

static PyObject *py_extend(PyObject *module, PyObject *args) {
    buffers held = {0};
    Py_buffer *b = held.of;
    long long weight;
    if (!PyArg_ParseTuple(args, "y*y*y*L:extend", b, b + 1, b + 2, &weight)) return NULL;
    ragged in = ragged_of(&held);
    if (!ragged_fit(&held) || !fits(b + 2, 8, 0)) return released(&held, fail(STATUS_BUFFER));
    words made = {0};
    status end;
    Py_BEGIN_ALLOW_THREADS
    end = extend(&in, b[2].buf, items(b + 2, 32), weight, &made);
    Py_END_ALLOW_THREADS
    return released(&held, arrays_of(module, end, &made, 1));
}

static PyObject *py_loops(PyObject *module, PyObject *args) {
    buffers held = {0};
    Py_buffer *b = held.of;
    long long least;
    if (!PyArg_ParseTuple(args, "y*y*y*L:loops", b, b + 1, b + 2, &least)) return NULL;
    ragged in = ragged_of(&held);
    if (!ragged_fit(&held) || !fits(b + 2, 8, 0)) return released(&held, fail(STATUS_BUFFER));
    words made = {0};
    status end;
    Py_BEGIN_ALLOW_THREADS
    end = loops(&in, b[2].buf, items(b + 2, 8), least, &made);
    Py_END_ALLOW_THREADS
    return released(&held, arrays_of(module, end, &made, 1));
}

static PyObject *py_equal_bytes(PyObject *module, PyObject *args) {
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

/* ---- module ------------------------------------------------------------------------------------------------ */

static PyMethodDef functions[] = {
    {"set_table", py_set_table, METH_VARARGS, "Check and copy the arrays of the fold table."},
    {"tokenize", py_tokenize, METH_VARARGS, NULL},
    {"scan", py_scan, METH_VARARGS, NULL},
    {"shingle", py_shingle, METH_VARARGS, NULL},
    {"sketch", py_sketch, METH_VARARGS, NULL},
    {"band_keys", py_band_keys, METH_VARARGS, NULL},
    {"bucket_pairs", py_bucket_pairs, METH_VARARGS, NULL},
    {"edit_distances", py_edit_distances, METH_VARARGS, NULL},
    {"overlaps", py_overlaps, METH_VARARGS, NULL},
    {"independent_set", py_independent_set, METH_VARARGS, NULL},
    {"lines", py_lines, METH_VARARGS, NULL},
    {"pieces", py_pieces, METH_VARARGS, NULL},
    {"winnow", py_winnow, METH_VARARGS, NULL},
    {"extend", py_extend, METH_VARARGS, NULL},
    {"loops", py_loops, METH_VARARGS, NULL},
    {"equal_bytes", py_equal_bytes, METH_VARARGS, NULL},
    {NULL, NULL, 0, NULL},
};

static int module_exec(PyObject *module) {
    module_state *state = state_of(module);
    state->array_type = (PyTypeObject *)PyType_FromModuleAndSpec(module, &array_spec, NULL);
    return state->array_type ? 0 : -1;
}

static int module_traverse(PyObject *module, visitproc visit, void *arg) {
    module_state *state = state_of(module);
    if (state) Py_VISIT(state->array_type);
    return 0;
}

static int module_clear(PyObject *module) {
    module_state *state = state_of(module);
    if (state) Py_CLEAR(state->array_type);
    return 0;
}

static void module_free(void *module) {
    module_state *state = state_of((PyObject *)module);
    module_clear((PyObject *)module);
    if (state) table_free(state->table);
}

static PyModuleDef_Slot module_slots[] = {
    {Py_mod_exec, (void *)module_exec},
    {0, NULL},
};

static struct PyModuleDef module_definition = {
    PyModuleDef_HEAD_INIT,
    .m_name = "dedup.kernels._native",
    .m_doc = "The compiled kernels.",
    .m_size = sizeof(module_state),
    .m_methods = functions,
    .m_slots = module_slots,
    .m_traverse = module_traverse,
    .m_clear = module_clear,
    .m_free = module_free,
};

PyMODINIT_FUNC PyInit__native(void);
PyMODINIT_FUNC PyInit__native(void) { return PyModuleDef_Init(&module_definition); }
