/* The cap on memory: blocks of numpy's arrays come from `spill.c` in every thread that asks for it. */
#include "door.h"

/* numpy's allocator interface, as NEP 49 fixes it; the numbers are places in numpy's table of functions. */
typedef struct numpy_handler {
    char name[127];
    uint8_t version;
    void *context;
    void *(*make)(void *, size_t);
    void *(*make_zeros)(void *, size_t, size_t);
    void *(*resize)(void *, void *, size_t);
    void (*give_back)(void *, void *, size_t);
} numpy_handler;

enum { NUMPY_SET_HANDLER = 304 };

static void *make(void *context, size_t bytes) {
    (void)context;
    return array_new(bytes, 1);
}

static void *make_zeros(void *context, size_t count, size_t item_bytes) {
    (void)context;
    return array_zeros(count, item_bytes ? item_bytes : 1);
}

static void *resize(void *context, void *data, size_t bytes) {
    (void)context;
    return block_resize(data, bytes);
}

static void give_back(void *context, void *data, size_t bytes) {
    (void)context;
    (void)bytes;
    block_free(data);
}

static numpy_handler handler = {"dedup", 1, NULL, make, make_zeros, resize, give_back};

PyObject *py_spill_here(PyObject *module, PyObject *args) {
    PyObject *api, *old = NULL;
    (void)module;
    if (!PyArg_ParseTuple(args, "O|O", &api, &old)) return NULL;
    void **functions = PyCapsule_GetPointer(api, NULL); /* `_ARRAY_API` */
    if (!functions) return NULL;
    PyObject *(*set)(PyObject *) = (PyObject * (*)(PyObject *))(uintptr_t)functions[NUMPY_SET_HANDLER];
    if (old) return set(old);
    PyObject *mine = PyCapsule_New(&handler, "mem_handler", NULL);
    if (!mine) return NULL;
    PyObject *before = set(mine);
    Py_DECREF(mine);
    return before;
}

PyObject *py_spill_start(PyObject *module, PyObject *args) {
    PyObject *folder;
    unsigned long long bytes, heap;
    (void)module;
    if (!PyArg_ParseTuple(args, "O&KK", PyUnicode_FSConverter, &folder, &bytes, &heap)) return NULL;
    int wrong = spill_start(PyBytes_AsString(folder), (size_t)bytes, (size_t)heap);
    Py_DECREF(folder);
    return PyBool_FromLong(!wrong);
}

PyObject *py_spill_stop(PyObject *module, PyObject *args) {
    (void)module;
    if (!PyArg_ParseTuple(args, "")) return NULL;
    size_t in_files, in_all;
    spill_stop(&in_files, &in_all);
    return Py_BuildValue("(nn)", (Py_ssize_t)in_files, (Py_ssize_t)in_all);
}
