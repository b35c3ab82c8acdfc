/* What the files that make the Python module share: its state, errors, buffers in and arrays out. */
#ifndef DEDUP_DOOR_H
#define DEDUP_DOOR_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "core.h"

#define MAX_BUFFERS 10

#if defined(__GNUC__)
#pragma GCC visibility push(hidden)
#endif

typedef struct module_state {
    PyTypeObject *array_type;
    fold_table *table;
    Py_ssize_t readers; /* calls that use the table while they do without the GIL */
} module_state;

module_state *state_of(PyObject *module);

/* Raises what a status says; NULL. */
PyObject *fail(status why);
PyObject *none_or(status end);

/* ---- arrays that own what a kernel has made ---------------------------------------------------------------- */

extern PyType_Spec array_spec;

/* Takes the memory over, also when it fails. */
PyObject *array_of(PyObject *module, words *from);

/* `what` made into arrays, in a tuple; all of them freed if something went wrong. */
PyObject *arrays_of(PyObject *module, status end, words *what, Py_ssize_t count);

/* ---- buffers ----------------------------------------------------------------------------------------------- */

typedef struct buffers {
    Py_buffer of[MAX_BUFFERS];
} buffers;

void release(buffers *held);
PyObject *released(buffers *held, PyObject *answer);

size_t items(const Py_buffer *view, size_t size);
int fits(const Py_buffer *view, size_t size, size_t count);

/* Of the first three buffers: bytes, starts, ends. */
texts texts_of(const buffers *held);
int texts_fit(const buffers *held);

/* Of the first two buffers: values, offsets. */
ragged ragged_of(const buffers *held);
int ragged_fit(const buffers *held);

/* ---- functions --------------------------------------------------------------------------------------------- */

PyObject *py_set_table(PyObject *module, PyObject *args);
PyObject *py_tokenize(PyObject *module, PyObject *args);
PyObject *py_tokens(PyObject *module, PyObject *args);
PyObject *py_scan(PyObject *module, PyObject *args);
PyObject *py_shingle(PyObject *module, PyObject *args);
PyObject *py_text_shingles(PyObject *module, PyObject *args);
PyObject *py_sketch(PyObject *module, PyObject *args);
PyObject *py_band_keys(PyObject *module, PyObject *args);
PyObject *py_bucket_pairs(PyObject *module, PyObject *args);
PyObject *py_agreements(PyObject *module, PyObject *args);
PyObject *py_number(PyObject *module, PyObject *args);
PyObject *py_edit_distances(PyObject *module, PyObject *args);
PyObject *py_matching_blocks(PyObject *module, PyObject *args);
PyObject *py_overlaps(PyObject *module, PyObject *args);
PyObject *py_independent_set(PyObject *module, PyObject *args);
PyObject *py_lines(PyObject *module, PyObject *args);
PyObject *py_pieces(PyObject *module, PyObject *args);
PyObject *py_partition(PyObject *module, PyObject *args);
PyObject *py_piece_pairs(PyObject *module, PyObject *args);
PyObject *py_skeletons(PyObject *module, PyObject *args);
PyObject *py_winnow(PyObject *module, PyObject *args);
PyObject *py_extend(PyObject *module, PyObject *args);
PyObject *py_loops(PyObject *module, PyObject *args);
PyObject *py_equal_bytes(PyObject *module, PyObject *args);
PyObject *py_spill_start(PyObject *module, PyObject *args);
PyObject *py_spill_stop(PyObject *module, PyObject *args);
PyObject *py_spill_here(PyObject *module, PyObject *args);
PyObject *py_widen(PyObject *module, PyObject *args);
PyObject *py_gather(PyObject *module, PyObject *args);
PyObject *py_records(PyObject *module, PyObject *args);
PyObject *py_unescape(PyObject *module, PyObject *args);
PyObject *py_delimited(PyObject *module, PyObject *args);
PyObject *py_unquote(PyObject *module, PyObject *args);
PyObject *py_valid_utf8(PyObject *module, PyObject *args);
PyObject *py_json_places(PyObject *module, PyObject *args);
PyObject *py_compose(PyObject *module, PyObject *args);

#if defined(__GNUC__)
#pragma GCC visibility pop
#endif

#endif
