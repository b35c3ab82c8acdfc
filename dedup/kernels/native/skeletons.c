/* What is constant in the segments of a host's pages, and what varies; see portable/skeletons.py for the meaning.
 *
 * Hosts are gone through one by one, so that most tables stay in the cache, and their segments page by page, so that the
 * pages on which a key stands are counted as they change. Most pairs of tokens are rare: counters of two bits tell them,
 * and they get no place in the table. Of a segment all places are fetched ahead. */
#include "core.h"

#define RARE 3 /* a pair that stands in fewer places is on fewer pages than any limit asks for */
#define BLOCK 256
#define FEW_BITS 11
#define SLOT_TERM UINT64_C(0x5107)
#define NUMERAL 2

/* pages == 0: free */
typedef struct entry {
    uint64_t key;
    uint32_t page, pages; /* the last one that it was seen on, and how many */
} entry;

typedef struct counts {
    entry *entries;
    size_t size, mask;
    unsigned shift;
} counts;

typedef struct learner {
    const ragged *in;
    const int64_t *host, *page;
    const double *least;
    double share;
    size_t n;
    uint64_t *order;    /* segments, host by host, and page by page */
    size_t first, last; /* what of the order is the host at hand */
    uint64_t *lead;  /* for each segment the key of its commonest pair */
    uint8_t *able;   /* for each segment whether that is common enough */
    uint64_t *often;
    unsigned often_shift;
    counts pairs, members, inside;
    skeletons_made *out;
} learner;

/* ---- counting ---------------------------------------------------------------------------------------------- */

ALWAYS_INLINE entry *place_of(const counts *in, uint64_t key) {
    size_t at = (size_t)(key * MIX_G >> in->shift);
    while (in->entries[at].pages && in->entries[at].key != key) at = (at + 1) & in->mask;
    return in->entries + at;
}

ALWAYS_INLINE void fetch(const counts *in, uint64_t key) { PREFETCH(in->entries + (key * MIX_G >> in->shift)); }

static int counts_make(counts *to, unsigned bits) {
    to->entries = array_zeros((size_t)1 << bits, sizeof *to->entries);
    to->mask = ((size_t)1 << bits) - 1;
    to->shift = 64 - bits;
    return to->entries ? 0 : -1;
}

static int counts_clear(counts *to) {
    to->size = 0;
    if (to->mask >> FEW_BITS) {
        block_free(to->entries);
        return counts_make(to, FEW_BITS);
    }
    memset(to->entries, 0, (to->mask + 1) * sizeof *to->entries);
    return 0;
}

/* Room for so many more keys. */
static int counts_reserve(counts *to, size_t more) {
    if (to->size + more <= to->mask / 8 * 5) return 0;
    counts wider = {.size = to->size};
    unsigned bits = 65 - to->shift;
    while (to->size + more > ((size_t)1 << bits) / 8 * 5) bits++;
    if (counts_make(&wider, bits)) return -1;
    for (size_t i = 0; i <= to->mask; i++)
        if (to->entries[i].pages) *place_of(&wider, to->entries[i].key) = to->entries[i];
    block_free(to->entries);
    *to = wider;
    return 0;
}

ALWAYS_INLINE void counts_see(counts *to, uint64_t key, uint32_t page) {
    entry *found = place_of(to, key);
    if (!found->pages) {
        found->key = key;
        to->size++;
    } else if (found->page == page) {
        return;
    }
    found->page = page;
    found->pages++;
}

/* ---- pages ------------------------------------------------------------------------------------------------- */

typedef struct placed {
    int64_t host, page;
    uint64_t segment;
} placed;

static int by_page(const void *one, const void *other) {
    const placed *x = one, *y = other;
    if (x->host != y->host) return x->host < y->host ? -1 : 1;
    if (x->page != y->page) return x->page < y->page ? -1 : 1;
    return x->segment < y->segment ? -1 : x->segment > y->segment;
}

static int order_pages(learner *with) {
    int sorted = 1;
    for (size_t i = 0; i < with->n; i++) {
        with->order[i] = i;
        if (i && (with->host[i] < with->host[i - 1] ||
                  (with->host[i] == with->host[i - 1] && with->page[i] < with->page[i - 1])))
            sorted = 0;
    }
    if (sorted) return 0;
    placed *all = array_new(with->n, sizeof *all);
    if (!all) return -1;
    for (size_t i = 0; i < with->n; i++) all[i] = (placed){with->host[i], with->page[i], i};
    qsort(all, with->n, sizeof *all, by_page);
    for (size_t i = 0; i < with->n; i++) with->order[i] = all[i].segment;
    block_free(all);
    return 0;
}

/* ---- pairs of tokens --------------------------------------------------------------------------------------- */

ALWAYS_INLINE uint64_t salted(uint64_t key, uint64_t by) { return key ^ (by + 1) * MIX_G; }

ALWAYS_INLINE uint64_t pair_at(const learner *with, size_t at) {
    return ((with->in->values[at - 1] * MIX_G) ^ with->in->values[at]) * MIX_1;
}

static size_t first_of(const learner *with, uint64_t segment) { return (size_t)with->in->offsets[segment]; }
static size_t behind(const learner *with, uint64_t segment) { return (size_t)with->in->offsets[segment + 1]; }

static int make_often(learner *with) {
    size_t tokens = 0;
    unsigned bits = 10;
    for (size_t i = with->first; i < with->last; i++)
        tokens += behind(with, with->order[i]) - first_of(with, with->order[i]);
    while (bits < 28 && ((size_t)1 << bits) < 4 * tokens) bits++;
    block_free(with->often);
    with->often = array_zeros((size_t)1 << (bits - 5), sizeof *with->often);
    with->often_shift = 64 - bits;
    if (!with->often) return -1;
    for (size_t i = with->first; i < with->last; i++)
        for (size_t at = first_of(with, with->order[i]) + 1; at < behind(with, with->order[i]); at++) {
            uint64_t slot = pair_at(with, at) >> with->often_shift;
            unsigned shift = (unsigned)(slot & 31) * 2;
            with->often[slot >> 5] += (uint64_t)((with->often[slot >> 5] >> shift & 3) < RARE) << shift;
        }
    return 0;
}

/* The keys of the pairs of a segment that are not rare, from token `at` on, with their entries fetched; a block of them. */
static size_t pairs_of(const learner *with, size_t segment, size_t *at, uint64_t *keys) {
    size_t count = 0, end = behind(with, segment);
    for (; *at < end && count < BLOCK; ++*at) {
        uint64_t pair = pair_at(with, *at), slot = pair >> with->often_shift;
        if ((with->often[slot >> 5] >> (slot & 31) * 2 & 3) < RARE) continue;
        keys[count] = salted(pair, (uint64_t)with->host[segment]);
        fetch(&with->pairs, keys[count++]);
    }
    return count;
}

static int count_pairs(learner *with) {
    uint64_t keys[BLOCK];
    uint32_t page = 0;
    for (size_t i = with->first; i < with->last; i++) {
        size_t segment = (size_t)with->order[i], at = first_of(with, segment) + 1;
        page += i > with->first && with->page[segment] != with->page[with->order[i - 1]];
        while (at < behind(with, segment)) {
            if (counts_reserve(&with->pairs, BLOCK)) return -1;
            size_t count = pairs_of(with, segment, &at, keys);
            for (size_t j = 0; j < count; j++) counts_see(&with->pairs, keys[j], page);
        }
    }
    return 0;
}

/* The first of the commonest pairs of each segment. */
static void choose_leads(learner *with) {
    uint64_t keys[BLOCK];
    for (size_t i = with->first; i < with->last; i++) {
        size_t segment = (size_t)with->order[i];
        uint32_t best = 0;
        for (size_t at = first_of(with, segment) + 1; at < behind(with, segment);) {
            size_t count = pairs_of(with, segment, &at, keys);
            for (size_t j = 0; j < count; j++) {
                uint32_t pages = place_of(&with->pairs, keys[j])->pages;
                if (pages > best) with->lead[segment] = keys[j];
                if (pages > best) best = pages;
            }
        }
        with->able[segment] = best >= RARE && best >= with->least[segment];
    }
}

/* ---- tokens of segments with one commonest pair ------------------------------------------------------------ */

/* The keys of a block of tokens from `at` on. */
static size_t tokens_of(const learner *with, size_t segment, size_t at, uint64_t *keys) {
    size_t count = behind(with, segment) - at < BLOCK ? behind(with, segment) - at : BLOCK;
    for (size_t i = 0; i < count; i++) {
        keys[i] = salted(with->in->values[at + i], with->lead[segment] * MIX_2);
        fetch(&with->inside, keys[i]);
    }
    return count;
}

static int count_tokens(learner *with) {
    uint64_t keys[BLOCK];
    uint32_t page = 0;
    for (size_t i = with->first; i < with->last; i++) {
        size_t segment = (size_t)with->order[i], count = 0;
        page += i > with->first && with->page[segment] != with->page[with->order[i - 1]];
        if (!with->able[segment]) continue;
        if (counts_reserve(&with->members, 1)) return -1;
        counts_see(&with->members, with->lead[segment], page);
        for (size_t at = first_of(with, segment); at < behind(with, segment); at += count) {
            if (counts_reserve(&with->inside, BLOCK)) return -1;
            count = tokens_of(with, segment, at, keys);
            for (size_t j = 0; j < count; j++) counts_see(&with->inside, keys[j], page);
        }
    }
    return 0;
}

static void write_segment(learner *with, size_t segment) {
    uint64_t keys[BLOCK], total = 0, place = 0;
    double need = with->share * place_of(&with->members, with->lead[segment])->pages;
    int64_t *sums = with->out->sums + 3 * segment, slot = 0;
    int was_constant = 1;
    if (need < with->least[segment]) need = with->least[segment];
    for (size_t at = first_of(with, segment), count = 0; at < behind(with, segment); at += count) {
        count = tokens_of(with, segment, at, keys);
        for (size_t i = 0; i < count; i++) {
            uint64_t token = with->in->values[at + i];
            int64_t weight = 1 + (int64_t)(token & 1);
            int constant = place_of(&with->inside, keys[i])->pages >= need && !(token & NUMERAL);
            if (constant || was_constant) total += (constant ? token : SLOT_TERM) * ((2 * place++ + 1) * MIX_G);
            slot = constant ? 0 : slot + weight;
            sums[0] += weight;
            if (constant) sums[1] += weight;
            if (slot > sums[2]) sums[2] = slot;
            with->out->varies[at + i] = !constant;
            was_constant = constant;
        }
    }
    with->out->hashes[segment] = (total ^ total >> 31) & ~UINT64_C(1);
}

static void write(learner *with) {
    for (size_t i = with->first; i < with->last; i++) {
        size_t segment = (size_t)with->order[i], first = first_of(with, segment), end = behind(with, segment);
        with->out->hashes[segment] = 0;
        memset(with->out->sums + 3 * segment, 0, 3 * sizeof *with->out->sums);
        if (with->able[segment]) write_segment(with, segment);
        else if (end > first) memset(with->out->varies + first, 0, end - first);
    }
}

static status learn(learner *with) {
    if (order_pages(with)) return STATUS_MEMORY;
    for (with->first = 0; with->first < with->n; with->first = with->last) {
        int64_t host = with->host[with->order[with->first]];
        for (with->last = with->first; with->last < with->n && with->host[with->order[with->last]] == host;) with->last++;
        if (counts_clear(&with->pairs) || counts_clear(&with->members) || counts_clear(&with->inside) ||
            make_often(with) || count_pairs(with))
            return STATUS_MEMORY;
        choose_leads(with);
        if (count_tokens(with)) return STATUS_MEMORY;
        write(with);
    }
    return STATUS_OK;
}

status skeletons(const ragged *tokens, const int64_t *host, const int64_t *page, const double *least, double share,
                 skeletons_made *out) {
    status bad = ragged_check(tokens);
    if (bad) return bad;
    if (tokens->offsets[0] != 0 || (size_t)tokens->offsets[tokens->offset_count - 1] != tokens->size)
        return STATUS_OFFSETS;
    learner with = {.in = tokens, .host = host, .page = page, .least = least, .share = share,
                    .n = tokens->offset_count - 1, .out = out};
    with.order = array_new(with.n, sizeof *with.order);
    with.lead = array_new(with.n, sizeof *with.lead);
    with.able = array_new(with.n, sizeof *with.able);
    int made = with.order && with.lead && with.able && !counts_make(&with.pairs, FEW_BITS) &&
               !counts_make(&with.members, FEW_BITS) && !counts_make(&with.inside, FEW_BITS);
    bad = made ? learn(&with) : STATUS_MEMORY;
    block_free(with.order);
    block_free(with.lead);
    block_free(with.able);
    block_free(with.often);
    block_free(with.pairs.entries);
    block_free(with.members.entries);
    block_free(with.inside.entries);
    return bad;
}
