/* The Python module `dedup.kernels._native`: takes buffers, calls the kernels without the GIL, gives buffers back.
 * It is a thin door: `dedup/kernels/native.py` gives it arrays of the right type, and makes arrays of its answers. */
#include "door.h"

static PyMethodDef functions[] = {
    {"set_table", py_set_table, METH_VARARGS, "Check and copy the arrays of the fold table."},
    {"tokenize", py_tokenize, METH_VARARGS, NULL},
    {"tokens", py_tokens, METH_VARARGS, NULL},
    {"scan", py_scan, METH_VARARGS, NULL},
    {"shingle", py_shingle, METH_VARARGS, NULL},
    {"text_shingles", py_text_shingles, METH_VARARGS, NULL},
    {"sketch", py_sketch, METH_VARARGS, NULL},
    {"band_keys", py_band_keys, METH_VARARGS, NULL},
    {"bucket_pairs", py_bucket_pairs, METH_VARARGS, NULL},
    {"agreements", py_agreements, METH_VARARGS, NULL},
    {"number", py_number, METH_VARARGS, NULL},
    {"edit_distances", py_edit_distances, METH_VARARGS, NULL},
    {"matching_blocks", py_matching_blocks, METH_VARARGS, NULL},
    {"overlaps", py_overlaps, METH_VARARGS, NULL},
    {"independent_set", py_independent_set, METH_VARARGS, NULL},
    {"lines", py_lines, METH_VARARGS, NULL},
    {"pieces", py_pieces, METH_VARARGS, NULL},
    {"partition", py_partition, METH_VARARGS, NULL},
    {"piece_pairs", py_piece_pairs, METH_VARARGS, NULL},
    {"skeletons", py_skeletons, METH_VARARGS, NULL},
    {"winnow", py_winnow, METH_VARARGS, NULL},
    {"extend", py_extend, METH_VARARGS, NULL},
    {"loops", py_loops, METH_VARARGS, NULL},
    {"equal_bytes", py_equal_bytes, METH_VARARGS, NULL},
    {"widen", py_widen, METH_VARARGS, NULL},
    {"gather", py_gather, METH_VARARGS, NULL},
    {"records", py_records, METH_VARARGS, NULL},
    {"unescape", py_unescape, METH_VARARGS, NULL},
    {"delimited", py_delimited, METH_VARARGS, NULL},
    {"unquote", py_unquote, METH_VARARGS, NULL},
    {"valid_utf8", py_valid_utf8, METH_VARARGS, NULL},
    {"spill_start", py_spill_start, METH_VARARGS, "Keep memory within a cap, with large blocks in files of a folder."},
    {"spill_stop", py_spill_stop, METH_VARARGS, "End that; the most bytes that were in files, and in large blocks at all."},
    {"spill_here", py_spill_here, METH_VARARGS, "Take numpy's blocks in this thread from there, or from what was before."},
    {"json_places", py_json_places, METH_VARARGS, NULL},
    {"compose", py_compose, METH_VARARGS, NULL},
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
