/* BLAKE2b of 16 bytes (RFC 7693). Its rounds wait for each other, so that two texts side by side take little more time
 * than one; the four columns of a state, or of two, are one vector. */
#include "core.h"

#define BLOCK 128
#define WORDS 16

static const uint64_t initial[8] = {
    UINT64_C(0x6A09E667F3BCC908), UINT64_C(0xBB67AE8584CAA73B), UINT64_C(0x3C6EF372FE94F82B),
    UINT64_C(0xA54FF53A5F1D36F1), UINT64_C(0x510E527FADE682D1), UINT64_C(0x9B05688C2B3E6C1F),
    UINT64_C(0x1F83D9ABFB41BD6B), UINT64_C(0x5BE0CD19137E2179)};

static const uint8_t order[12][WORDS] = {
    {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}, {14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3},
    {11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4}, {7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8},
    {9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13}, {2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9},
    {12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11}, {13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10},
    {6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5}, {10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0},
    {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}, {14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3}};

ALWAYS_INLINE uint64_t rotate_right(uint64_t word, unsigned by) { return word >> by | word << (64 - by); }

ALWAYS_INLINE void load_words(const uint8_t *from, uint64_t *to) {
    for (int i = 0; i < WORDS; i++) to[i] = load64(from + 8 * i);
}

ALWAYS_INLINE void mix(uint64_t *v, int a, int b, int c, int d, uint64_t x, uint64_t y) {
    v[a] += v[b] + x;
    v[d] = rotate_right(v[d] ^ v[a], 32);
    v[c] += v[d];
    v[b] = rotate_right(v[b] ^ v[c], 24);
    v[a] += v[b] + y;
    v[d] = rotate_right(v[d] ^ v[a], 16);
    v[c] += v[d];
    v[b] = rotate_right(v[b] ^ v[c], 63);
}

/* One block; `done` bytes are hashed with it. */
static void absorb(uint64_t *state, const uint8_t *block, uint64_t done, int is_last) {
    uint64_t v[WORDS], m[WORDS];
    load_words(block, m);
    memcpy(v, state, 64);
    memcpy(v + 8, initial, 64);
    v[12] ^= done;
    if (is_last) v[14] = ~v[14];
    for (int round = 0; round < 12; round++) {
        const uint8_t *s = order[round];
        for (int i = 0; i < 4; i++) mix(v, i, i + 4, i + 8, i + 12, m[s[2 * i]], m[s[2 * i + 1]]);
        for (int i = 0; i < 4; i++)
            mix(v, i, 4 + (i + 1) % 4, 8 + (i + 2) % 4, 12 + (i + 3) % 4, m[s[8 + 2 * i]], m[s[9 + 2 * i]]);
    }
    for (int i = 0; i < 8; i++) state[i] ^= v[i] ^ v[i + 8];
}

static void blocks_any(uint64_t *state, const uint8_t *from, size_t count, uint64_t done) {
    for (size_t i = 0; i < count; i++) absorb(state, from + BLOCK * i, done + BLOCK * (i + 1), 0);
}

static void pairs_any(uint64_t *one, uint64_t *two, const uint8_t *first, const uint8_t *second, size_t count,
                      uint64_t done, uint64_t other_done) {
    blocks_any(one, first, count, done);
    blocks_any(two, second, count, other_done);
}

typedef struct hash_steps {
    /* Whole blocks that are not the last; `done` bytes came before them. */
    void (*blocks)(uint64_t *state, const uint8_t *from, size_t count, uint64_t done);
    void (*pairs)(uint64_t *one, uint64_t *two, const uint8_t *first, const uint8_t *second, size_t count,
                  uint64_t done, uint64_t other_done);
} hash_steps;

static const hash_steps steps_any = {blocks_any, pairs_any};

#if (defined(__x86_64__) || defined(_M_X64)) && !defined(DEDUP_NO_SIMD) && (defined(__clang__) || __GNUC__ >= 12)
#define HAVE_LEVELS 1
typedef uint64_t row4 __attribute__((vector_size(32)));
typedef uint64_t row8 __attribute__((vector_size(64)));

#define RIGHT(v, by) ((v) >> (by) | (v) << (64 - (by)))
#define MIX_ROWS(x, y)                                                                                                \
    a += b + (x), d = RIGHT(d ^ a, 32), c += d, b = RIGHT(b ^ c, 24);                                                 \
    a += b + (y), d = RIGHT(d ^ a, 16), c += d, b = RIGHT(b ^ c, 63);

/* The rows turn so that diagonals become columns: `b` stands still, so that its turn is on nobody's way. */
#define TURN4(v, i, j, k, l) v = __builtin_shufflevector(v, v, i, j, k, l)
#define TURN8(v, i, j, k, l) v = __builtin_shufflevector(v, v, i, j, k, l, i + 4, j + 4, k + 4, l + 4)
#define WORDS4(i, j, k, l) ((row4){m[i], m[j], m[k], m[l]})
#define WORDS8(i, j, k, l) ((row8){m[i], m[j], m[k], m[l], n[i], n[j], n[k], n[l]})

#define ROUND(W, T, s0, s1, s2, s3, s4, s5, s6, s7, s8, s9, s10, s11, s12, s13, s14, s15)                             \
    MIX_ROWS(W(s0, s2, s4, s6), W(s1, s3, s5, s7))                                                                    \
    T(a, 3, 0, 1, 2), T(d, 2, 3, 0, 1), T(c, 1, 2, 3, 0);                                                             \
    MIX_ROWS(W(s14, s8, s10, s12), W(s15, s9, s11, s13))                                                              \
    T(a, 1, 2, 3, 0), T(d, 2, 3, 0, 1), T(c, 3, 0, 1, 2);

#define ROUNDS(W, T)                                                                                                  \
    ROUND(W, T, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15)                                                 \
    ROUND(W, T, 14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3)                                                 \
    ROUND(W, T, 11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4)                                                 \
    ROUND(W, T, 7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8)                                                 \
    ROUND(W, T, 9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13)                                                 \
    ROUND(W, T, 2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9)                                                 \
    ROUND(W, T, 12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11)                                                 \
    ROUND(W, T, 13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10)                                                 \
    ROUND(W, T, 6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5)                                                 \
    ROUND(W, T, 10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0)                                                 \
    ROUND(W, T, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15)                                                 \
    ROUND(W, T, 14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3)

#define I4 initial[0], initial[1], initial[2], initial[3]
#define D4(t) initial[4] ^ (t), initial[5], initial[6], initial[7]

#define LEVEL(name, attribute)                                                                                        \
    attribute static void blocks_##name(uint64_t *state, const uint8_t *from, size_t count, uint64_t done) {          \
        row4 low, high;                                                                                               \
        uint64_t m[WORDS];                                                                                            \
        memcpy(&low, state, 32), memcpy(&high, state + 4, 32);                                                        \
        for (size_t i = 0; i < count; i++) {                                                                          \
            done += BLOCK;                                                                                            \
            load_words(from + BLOCK * i, m);                                                                          \
            row4 a = low, b = high, c = {I4}, d = {D4(done)};                                                         \
            ROUNDS(WORDS4, TURN4)                                                                                     \
            low ^= a ^ c, high ^= b ^ d;                                                                              \
        }                                                                                                             \
        memcpy(state, &low, 32), memcpy(state + 4, &high, 32);                                                        \
    }                                                                                                                 \
    attribute static void pairs_##name(uint64_t *one, uint64_t *two, const uint8_t *first, const uint8_t *second,      \
                                       size_t count, uint64_t done, uint64_t other_done) {                            \
        row8 low, high;                                                                                               \
        uint64_t m[WORDS], n[WORDS], rows[WORDS];                                                                     \
        memcpy(rows, one, 32), memcpy(rows + 4, two, 32);                                                             \
        memcpy(rows + 8, one + 4, 32), memcpy(rows + 12, two + 4, 32);                                                \
        memcpy(&low, rows, 64), memcpy(&high, rows + 8, 64);                                                          \
        for (size_t i = 0; i < count; i++) {                                                                          \
            done += BLOCK, other_done += BLOCK;                                                                       \
            load_words(first + BLOCK * i, m), load_words(second + BLOCK * i, n);                                      \
            row8 a = low, b = high, c = {I4, I4}, d = {D4(done), D4(other_done)};                                     \
            ROUNDS(WORDS8, TURN8)                                                                                     \
            low ^= a ^ c, high ^= b ^ d;                                                                              \
        }                                                                                                             \
        memcpy(rows, &low, 64), memcpy(rows + 8, &high, 64);                                                          \
        memcpy(one, rows, 32), memcpy(two, rows + 4, 32);                                                             \
        memcpy(one + 4, rows + 8, 32), memcpy(two + 4, rows + 12, 32);                                                \
    }                                                                                                                 \
    static const hash_steps steps_##name = {blocks_##name, pairs_##name};

LEVEL(avx2, __attribute__((target("avx2,bmi2"))))
LEVEL(avx512, __attribute__((target("avx2,bmi2,avx512f,avx512bw,avx512vl"))))
#else
#define HAVE_LEVELS 0
#endif

static const hash_steps *choose(void) {
#if HAVE_LEVELS
    int level = vector_level();
    if (level >= 2) return &steps_avx512;
    if (level >= 1) return &steps_avx2;
#endif
    return &steps_any;
}

void hash_start(hash_state *made) {
    memset(made, 0, sizeof *made);
    memcpy(made->state, initial, sizeof initial);
    made->state[0] ^= 0x01010000 ^ HASH_BYTES;
}

/* Fills the block that is open; it is absorbed once more is known to follow, for the last one is another kind. */
static void fill(hash_state *to, const uint8_t **from, size_t *size) {
    size_t now = BLOCK - to->filled < *size ? BLOCK - to->filled : *size;
    if (now) memcpy(to->block + to->filled, *from, now);
    to->filled += now;
    *from += now;
    *size -= now;
    if (to->filled < BLOCK || !*size) return;
    choose()->blocks(to->state, to->block, 1, to->done);
    to->done += BLOCK;
    to->filled = 0;
}

void hash_two(hash_state *to, const uint8_t *first, size_t first_size, const uint8_t *second, size_t second_size) {
    const uint8_t *from[2] = {first, second};
    size_t size[2] = {first_size, second_size}, whole[2] = {0, 0};
    const hash_steps *steps = choose();
    for (int i = 0; i < 2; i++) {
        fill(to + i, &from[i], &size[i]);
        if (size[i]) whole[i] = (size[i] - 1) / BLOCK;
    }
    size_t both = whole[0] < whole[1] ? whole[0] : whole[1];
    if (both) steps->pairs(to[0].state, to[1].state, from[0], from[1], both, to[0].done, to[1].done);
    for (int i = 0; i < 2; i++) {
        size_t rest = whole[i] - both;
        if (rest) steps->blocks(to[i].state, from[i] + BLOCK * both, rest, to[i].done + BLOCK * both);
        to[i].done += BLOCK * whole[i];
        from[i] += BLOCK * whole[i];
        size[i] -= BLOCK * whole[i];
        fill(to + i, &from[i], &size[i]);
    }
}

void hash_end(const hash_state *of, uint8_t *digest) {
    uint64_t state[8];
    uint8_t last[BLOCK] = {0};
    memcpy(state, of->state, sizeof state);
    memcpy(last, of->block, of->filled);
    absorb(state, last, of->done + of->filled, 1);
    for (int i = 0; i < HASH_BYTES; i++) digest[i] = (uint8_t)(state[i / 8] >> (8 * (i % 8)));
}
