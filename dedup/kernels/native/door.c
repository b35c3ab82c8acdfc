/* The door between Python and the kernels: errors, arrays out, buffers in. */
#include "door.h"

module_state *state_of(PyObject *module) { return (module_state *)PyModule_GetState(module); }

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
    [STATUS_MATCHED] = "too many tokens for one call: at most 4096",
    [STATUS_TOO_MANY] = "too many items for one call: at most 2**30 - 1",
    [STATUS_MODE] = "mode must be 0, 1 or 2",
    [STATUS_GRAM] = "gram must be at least 1",
    [STATUS_WINDOW] = "window must be at least 0",
    [STATUS_PLACES] = "places must lie within their texts",
    [STATUS_SAME_PLACE] = "within one text the earlier place must come first",
    [STATUS_UNSORTED] = "pairs must be sorted by later text, earlier text, difference and place",
    [STATUS_SIDES] = "both sides must have the same number of ranges",
    [STATUS_CLAUSES] = "hashes and tokens must have the same length",
    [STATUS_EMPTY_CLAUSE] = "a clause without tokens (hash 0) must be left out",
    [STATUS_EDITS] = "edits must be below the number of tokens they are allowed for",
    [STATUS_SHARDS] = "shard must be below shards",
    [STATUS_MARKS] = "marks must be a power of two of bytes, or none",
    [STATUS_ROLES] = "sides must hold a role of 0 to 2 and a number of tokens that edits are given for",
    [STATUS_APART] = "fields, and pieces, must be sorted and must not overlap",
    [STATUS_INSIDE] = "every piece must lie within a field",
    [STATUS_PARTS] = "every part needs a kind of 0 to 3, a lead and one of the buffers",
    [STATUS_BUFFER] = "a buffer is too small or not aligned to its items",
};

PyObject *fail(status why) {
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
    block_free(((array_object *)self)->data);
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

PyType_Spec array_spec = {
    .name = "dedup.kernels._native.Array",
    .basicsize = sizeof(array_object),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .slots = array_slots,
};

PyObject *array_of(PyObject *module, words *from) {
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

PyObject *arrays_of(PyObject *module, status end, words *what, Py_ssize_t count) {
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

void release(buffers *held) {
    for (int i = 0; i < MAX_BUFFERS; i++) PyBuffer_Release(&held->of[i]);
}

PyObject *released(buffers *held, PyObject *answer) {
    release(held);
    return answer;
}

size_t items(const Py_buffer *view, size_t size) { return (size_t)view->len / size; }

int fits(const Py_buffer *view, size_t size, size_t count) {
    return (uintptr_t)view->buf % size == 0 && (size_t)view->len % size == 0 && items(view, size) >= count;
}

texts texts_of(const buffers *held) {
    texts in = {held->of[0].buf, (size_t)held->of[0].len, held->of[1].buf, held->of[2].buf, items(&held->of[1], 8),
                items(&held->of[2], 8)};
    return in;
}

int texts_fit(const buffers *held) { return fits(&held->of[1], 8, 0) && fits(&held->of[2], 8, 0); }

ragged ragged_of(const buffers *held) {
    ragged in = {held->of[0].buf, items(&held->of[0], 8), held->of[1].buf, items(&held->of[1], 8)};
    return in;
}

int ragged_fit(const buffers *held) { return fits(&held->of[0], 8, 0) && fits(&held->of[1], 8, 0); }

PyObject *none_or(status end) {
    if (end) return fail(end);
    Py_RETURN_NONE;
}
