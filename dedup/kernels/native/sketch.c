/* Shingles and signatures of ragged arrays, and band keys. Rows go through scratch in blocks, because the vector
 * steps read and write whole groups of 8. */
#include "core.h"

#define BLOCK 1024
#define SLACK 8

status ragged_check(const ragged *in) {
    if (!in->offset_count) return STATUS_NO_OFFSETS;
    int64_t before = 0;
    for (size_t i = 0; i < in->offset_count; i++) {
        if (in->offsets[i] < before) return STATUS_OFFSETS;
        before = in->offsets[i];
    }
    return (uint64_t)before > in->size ? STATUS_OFFSETS : STATUS_OK;
}

static size_t row_windows(size_t tokens, size_t k) { return tokens >= k ? tokens - k + 1 : tokens > 0; }

static void shingle_row(const vector_steps *steps, const uint64_t *tokens, size_t count, unsigned k, uint64_t salt,
                        uint64_t *room, uint64_t *out) {
    size_t windows = row_windows(count, k);
    if (count < k) k = (unsigned)count;
    for (size_t from = 0; from < windows; from += BLOCK) {
        size_t now = windows - from < BLOCK ? windows - from : BLOCK;
        uint64_t *made = room + BLOCK + MAX_SHINGLE + SLACK;
        memcpy(room, tokens + from, (now + k - 1) * sizeof *room);
        steps->shingles(room, now, k, salt, made);
        memcpy(out + from, made, now * sizeof *out);
    }
}

status shingle(const ragged *in, int64_t k, uint64_t seed, int64_t *offsets, words *shingles) {
    status bad = ragged_check(in);
    if (bad) return bad;
    if (k < 1 || k > MAX_SHINGLE) return STATUS_K;
    size_t total = 0, rows = in->offset_count - 1;
    offsets[0] = 0;
    for (size_t row = 0; row < rows; row++) {
        total += row_windows((size_t)(in->offsets[row + 1] - in->offsets[row]), (size_t)k);
        offsets[row + 1] = (int64_t)total;
    }
    uint64_t *room = calloc(2 * (BLOCK + MAX_SHINGLE + SLACK), sizeof *room);
    if (!room || words_reserve(shingles, total)) {
        free(room);
        return STATUS_MEMORY;
    }
    const vector_steps *steps = vector_choose(2);
    for (size_t row = 0; row < rows; row++)
        shingle_row(steps, in->values + in->offsets[row], (size_t)(in->offsets[row + 1] - in->offsets[row]),
                    (unsigned)k, salt_of(seed), room, shingles->data + offsets[row]);
    shingles->size = total;
    free(room);
    return STATUS_OK;
}

typedef struct sketch_room {
    uint64_t shingles[BLOCK + SLACK];
    uint32_t hashes[BLOCK + SLACK];
} sketch_room;

static void sketch_row(const vector_steps *steps, const uint64_t *shingles, size_t count, const lanes *by,
                       sketch_room *room, uint32_t *signature) {
    for (size_t lane = 0; lane < by->count; lane++) signature[lane] = EMPTY_LANE;
    for (size_t from = 0; from < count; from += BLOCK) {
        size_t now = count - from < BLOCK ? count - from : BLOCK;
        memcpy(room->shingles, shingles + from, now * sizeof *shingles);
        steps->lane_hashes(room->shingles, now, room->hashes);
        steps->minima(room->hashes, now, by->a, by->b, by->count, signature);
    }
}

status sketch(const ragged *in, const lanes *by, uint32_t *signatures) {
    status bad = ragged_check(in);
    if (bad) return bad;
    if (by->count != by->b_count) return STATUS_AB;
    if (!by->count) return STATUS_OK;
    sketch_room *room = calloc(1, sizeof *room);
    if (!room) return STATUS_MEMORY;
    const vector_steps *steps = vector_choose(2);
    for (size_t row = 0; row + 1 < in->offset_count; row++)
        sketch_row(steps, in->values + in->offsets[row], (size_t)(in->offsets[row + 1] - in->offsets[row]), by, room,
                   signatures + row * by->count);
    free(room);
    return STATUS_OK;
}

status band_keys(const uint32_t *signatures, size_t n, size_t lane_count, int64_t bands, int64_t rows, uint32_t *keys) {
    if (bands < 1 || rows < 1) return STATUS_BANDS;
    if ((uint64_t)bands > lane_count || (uint64_t)rows > lane_count / (uint64_t)bands) return STATUS_BAND_LANES;
    for (size_t text = 0; text < n; text++) {
        const uint32_t *lane = signatures + text * lane_count;
        for (uint64_t band = 0; band < (uint64_t)bands; band++) {
            uint64_t hash = (band + 1) * MIX_G;
            for (int64_t row = 0; row < rows; row++) {
                hash = (hash ^ *lane++) * MIX_1;
                hash ^= hash >> 32;
            }
            keys[band * n + text] = (uint32_t)(hash ^ (hash >> 32));
        }
    }
    return STATUS_OK;
}
