/* The functions of the Python module that read tokens, hashes and pairs. */
#include "door.h"

PyObject *py_shingle(PyObject *module, PyObject *args) {
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

PyObject *py_sketch(PyObject *module, PyObject *args) {
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

PyObject *py_band_keys(PyObject *module, PyObject *args) {
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

PyObject *py_bucket_pairs(PyObject *module, PyObject *args) {
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

PyObject *py_agreements(PyObject *module, PyObject *args) {
    (void)module;
    buffers held = {0};
    Py_buffer *b = held.of;
    Py_ssize_t n, width;
    if (!PyArg_ParseTuple(args, "y*nny*w*:agreements", b, &n, &width, b + 1, b + 2)) return NULL;
    size_t pair_count = items(b + 1, 16);
    if (n < 0 || width < 0 || (width && items(b, 1) / (size_t)width < (size_t)n) || !fits(b + 1, 8, 0) ||
        !fits(b + 2, 8, pair_count))
        return released(&held, fail(STATUS_BUFFER));
    status end;
    Py_BEGIN_ALLOW_THREADS
    end = agreements(b[0].buf, (size_t)n, (size_t)width, b[1].buf, pair_count, b[2].buf);
    Py_END_ALLOW_THREADS
    return released(&held, none_or(end));
}

PyObject *py_edit_distances(PyObject *module, PyObject *args) {
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

PyObject *py_overlaps(PyObject *module, PyObject *args) {
    (void)module;
    buffers held = {0};
    Py_buffer *b = held.of;
    overlap_line line;
    if (!PyArg_ParseTuple(args, "y*y*y*dpw*:overlaps", b, b + 1, b + 2, &line.least, &line.of_smaller, b + 3))
        return NULL;
    ragged in = ragged_of(&held);
    size_t pair_count = items(b + 2, 16);
    if (!ragged_fit(&held) || !fits(b + 2, 8, 0) || !fits(b + 3, 8, 3 * pair_count))
        return released(&held, fail(STATUS_BUFFER));
    status end;
    Py_BEGIN_ALLOW_THREADS
    end = overlaps(&in, b[2].buf, pair_count, &line, b[3].buf);
    Py_END_ALLOW_THREADS
    return released(&held, none_or(end));
}

PyObject *py_matching_blocks(PyObject *module, PyObject *args) {
    buffers held = {0};
    Py_buffer *b = held.of;
    words made = {0};
    if (!PyArg_ParseTuple(args, "y*y*:matching_blocks", b, b + 1)) return NULL;
    status end = fits(b, 8, 0) && fits(b + 1, 8, 0) ? STATUS_OK : STATUS_BUFFER;
    if (!end) {
        Py_BEGIN_ALLOW_THREADS
        end = matching_blocks(b[0].buf, items(b, 8), b[1].buf, items(b + 1, 8), &made);
        Py_END_ALLOW_THREADS
    }
    release(&held);
    return arrays_of(module, end, &made, 1);
}

PyObject *py_independent_set(PyObject *module, PyObject *args) {
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

PyObject *py_partition(PyObject *module, PyObject *args) {
    buffers held = {0};
    Py_buffer *b = held.of;
    unsigned long long shard, shards;
    if (!PyArg_ParseTuple(args, "y*y*y*KKy*w*:partition", b, b + 1, b + 2, &shard, &shards, b + 3, b + 4)) return NULL;
    ragged in = ragged_of(&held);
    if (!ragged_fit(&held) || !fits(b + 2, 8, 0) || !fits(b + 4, 8, in.offset_count ? in.offset_count - 1 : 0))
        return released(&held, fail(STATUS_BUFFER));
    words made[2] = {{0}, {0}};
    status end;
    Py_BEGIN_ALLOW_THREADS
    end = partition(&in, b[2].buf, items(b + 2, 8), shard, shards, b[3].buf, items(b + 3, 1), made, made + 1,
                    b[4].buf);
    Py_END_ALLOW_THREADS
    return released(&held, arrays_of(module, end, made, 2));
}

PyObject *py_piece_pairs(PyObject *module, PyObject *args) {
    buffers held = {0};
    Py_buffer *b = held.of;
    long long limit, scanned;
    if (!PyArg_ParseTuple(args, "y*y*y*y*LL:piece_pairs", b, b + 1, b + 2, b + 3, &limit, &scanned)) return NULL;
    piece_rows in = {b[0].buf, b[1].buf, b[2].buf, items(b, 8), b[3].buf, items(b + 3, 8)};
    if (!fits(b, 8, 0) || !fits(b + 1, 2, in.n) || !fits(b + 2, 8, in.n) || !fits(b + 3, 8, 0))
        return released(&held, fail(STATUS_BUFFER));
    words made = {0};
    int64_t skipped = 0;
    status end;
    Py_BEGIN_ALLOW_THREADS
    end = piece_pairs(&in, limit, scanned, &made, &skipped);
    Py_END_ALLOW_THREADS
    release(&held);
    if (end) {
        words_free(&made);
        return fail(end);
    }
    return Py_BuildValue("NL", array_of(module, &made), (long long)skipped);
}

PyObject *py_skeletons(PyObject *module, PyObject *args) {
    (void)module;
    buffers held = {0};
    Py_buffer *b = held.of;
    double share;
    if (!PyArg_ParseTuple(args, "y*y*y*y*y*dw*w*w*:skeletons", b, b + 1, b + 2, b + 3, b + 4, &share, b + 5, b + 6, b + 7))
        return NULL;
    ragged in = ragged_of(&held);
    size_t n = in.offset_count ? in.offset_count - 1 : 0;
    skeletons_made made = {b[5].buf, b[6].buf, b[7].buf};
    if (!ragged_fit(&held) || !fits(b + 2, 8, n) || !fits(b + 3, 8, n) || !fits(b + 4, 8, n) || !fits(b + 5, 8, n) ||
        !fits(b + 6, 8, 3 * n) || !fits(b + 7, 1, in.size))
        return released(&held, fail(STATUS_BUFFER));
    status end;
    Py_BEGIN_ALLOW_THREADS
    end = skeletons(&in, b[2].buf, b[3].buf, b[4].buf, share, &made);
    Py_END_ALLOW_THREADS
    return released(&held, none_or(end));
}

PyObject *py_winnow(PyObject *module, PyObject *args) {
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

PyObject *py_extend(PyObject *module, PyObject *args) {
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

PyObject *py_loops(PyObject *module, PyObject *args) {
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

PyObject *py_number(PyObject *module, PyObject *args) {
    buffers held = {0};
    Py_buffer *b = held.of;
    words made = {0};
    if (!PyArg_ParseTuple(args, "y*w*:number", b, b + 1)) return NULL;
    status end = fits(b, 8, 0) && fits(b + 1, 8, items(b, 8)) ? STATUS_OK : STATUS_BUFFER;
    if (!end) {
        Py_BEGIN_ALLOW_THREADS
        end = number_keys(b[0].buf, items(b, 8), b[1].buf, &made);
        Py_END_ALLOW_THREADS
    }
    release(&held);
    return arrays_of(module, end, &made, 1);
}
