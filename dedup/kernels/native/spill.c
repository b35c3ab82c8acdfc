/* Memory within a cap: beyond a share of it, large blocks are made in files without a name, and what of those is resident is
 * let go whenever the process comes near the cap. The system keeps their pages in its cache for as long as it has room, so
 * that letting go costs a fault when they are touched again, and a disk's time only where memory is truly short. */
#if defined(__linux__) && !defined(_GNU_SOURCE)
#define _GNU_SOURCE
#endif
#include "core.h"

#if defined(__linux__)
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define LARGE ((size_t)1 << 20)
#define LARGEST_SHARE 16 /* of what may lie outside of files, one part in so many */
#define LEAST_RESIDENT ((size_t)48 << 20) /* of blocks: letting go more often would cost more than it saves */
#define MARGIN ((size_t)16 << 20)
#define STRETCH ((size_t)8 << 20)
#define PATIENCE 2000000 /* nanoseconds between looks */

typedef struct block {
    char *data;
    size_t bytes;
    int file;
} block;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static block *blocks;
static size_t block_count, block_room;
static int users, watching;
static char *home;
static size_t cap, spilled, most_spilled, of_libraries;
static int statm = -1;
static atomic_size_t heap_limit;   /* for large blocks outside of files while there are users, else 0: read without the lock */
static atomic_size_t spilled_blocks;
static _Atomic int64_t in_heap;    /* bytes of large blocks outside of files; those made before the first user are not known */
static _Atomic int64_t most_held;  /* of these and of those in files, at a time */

static size_t whole_pages(size_t bytes) {
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    return (bytes + page - 1) / page * page;
}

/* A file without a name, of so many bytes that are truly there: a write to it cannot fail for want of room. */
static int file_new(size_t bytes) {
    int file = open(home, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (file < 0 && (errno == EOPNOTSUPP || errno == EISDIR || errno == EINVAL)) {
        char name[4096];
        if (snprintf(name, sizeof name, "%s/dedup-XXXXXX", home) < (int)sizeof name) {
            file = mkostemp(name, O_CLOEXEC);
            if (file >= 0) (void)unlink(name);
        }
    }
    if (file < 0) return -1;
    if (fallocate(file, 0, 0, (off_t)bytes) && (errno != EOPNOTSUPP || ftruncate(file, (off_t)bytes))) {
        (void)close(file);
        return -1;
    }
    return file;
}

static void note_held(int64_t heap) {
    int64_t now = heap + (int64_t)spilled, most = atomic_load(&most_held);
    while (now > most && !atomic_compare_exchange_weak(&most_held, &most, now)) {
    }
}

static void note_spilled(size_t more, size_t less) {
    spilled = spilled + more - less;
    if (spilled > most_spilled) most_spilled = spilled;
    note_held(atomic_load(&in_heap));
}

/* Resident bytes of the process, and those of them that belong to blocks in files: those of other files, which are libraries,
 * are told as long as there are no blocks. */
static int resident(size_t *all, size_t *of_blocks) {
    char text[128];
    unsigned long size, pages, shared;
    ssize_t n = pread(statm, text, sizeof text - 1, 0);
    if (n <= 0) return 0;
    text[n] = 0;
    if (sscanf(text, "%lu %lu %lu", &size, &pages, &shared) != 3) return 0;
    *all = pages * (size_t)sysconf(_SC_PAGESIZE);
    shared *= (size_t)sysconf(_SC_PAGESIZE);
    if (!block_count) of_libraries = shared;
    *of_blocks = shared > of_libraries ? shared - of_libraries : 0;
    return 1;
}

/* With the lock held. Lets go of one stretch after another, going round, until half of what may be resident of files is:
 * to let go of all would take what is in use as well, each time. */
static void keep_within(void) {
    static size_t at, place;
    size_t all = 0, of_blocks = 0, seen = 0;
    if (!resident(&all, &of_blocks) || !block_count) return;
    size_t others = all - of_blocks, limit = cap > MARGIN ? cap - MARGIN : 0, room = limit > others ? limit - others : 0;
    if (room < LEAST_RESIDENT) room = LEAST_RESIDENT;
    if (of_blocks <= room - room / 4) return; /* the rest is for what is touched until the next look */
    while (seen <= spilled && block_count && of_blocks > room / 2) {
        if (at >= block_count || place >= blocks[at].bytes) {
            at = at + 1 < block_count ? at + 1 : 0;
            place = 0;
        }
        size_t rest = blocks[at].bytes - place, bytes = rest < STRETCH ? rest : STRETCH;
        (void)madvise(blocks[at].data + place, bytes, MADV_DONTNEED);
        place += bytes;
        seen += bytes;
        if (!resident(&all, &of_blocks)) return;
    }
}

/* With the lock held; 0, or -1 without memory. */
static int block_noted(block made) {
    if (block_count == block_room) {
        size_t room = block_room ? 2 * block_room : 64;
        block *more = realloc(blocks, room * sizeof *more);
        if (!more) return -1;
        blocks = more;
        block_room = room;
    }
    blocks[block_count++] = made;
    atomic_store(&spilled_blocks, block_count);
    note_spilled(made.bytes, 0);
    return 0;
}

/* The file is made without the lock: it may have to wait for the disk, and the watch may not. No large pages are asked for:
 * advice to a part of a mapping splits it, and one that is split cannot be made larger in place. */
static void *block_new(size_t bytes) {
    block made = {NULL, whole_pages(bytes), 0};
    made.file = file_new(made.bytes);
    if (made.file < 0) return NULL;
    made.data = mmap(NULL, made.bytes, PROT_READ | PROT_WRITE, MAP_SHARED, made.file, 0);
    if (made.data != MAP_FAILED) {
        /* else a touch could make two megabytes resident at once; as it is, what is in the cache comes some pages at a time */
        (void)madvise(made.data, made.bytes, MADV_NOHUGEPAGE);
        pthread_mutex_lock(&lock);
        keep_within(); /* the watch may have to wait for its turn, and new blocks are filled at once */
        int wrong = block_noted(made);
        pthread_mutex_unlock(&lock);
        if (!wrong) return made.data;
        (void)munmap(made.data, made.bytes);
    }
    (void)close(made.file);
    return NULL;
}

static block *block_of(const void *data) {
    for (size_t i = block_count; i-- > 0;)
        if (blocks[i].data == data) return blocks + i;
    return NULL;
}

static int is_spilled(const void *data) {
    if (!atomic_load(&spilled_blocks) || (uintptr_t)data % 4096) return 0;
    pthread_mutex_lock(&lock);
    int found = block_of(data) != NULL;
    pthread_mutex_unlock(&lock);
    return found;
}

/* The largest always do: they stay for long, and would leave those that come and go no room outside of files. */
static int goes_to_file(size_t bytes) {
    size_t limit = atomic_load(&heap_limit);
    int64_t heap = atomic_load(&in_heap);
    if (!limit || bytes < LARGE) return 0;
    return bytes > limit / LARGEST_SHARE || (heap > 0 ? (size_t)heap : 0) + bytes > limit;
}

static void *heap_noted(void *data) {
    size_t bytes = data ? malloc_usable_size(data) : 0;
    if (bytes >= LARGE) note_held(atomic_fetch_add(&in_heap, (int64_t)bytes) + (int64_t)bytes);
    return data;
}

static void heap_forgotten(void *data) {
    size_t bytes = data ? malloc_usable_size(data) : 0;
    if (bytes >= LARGE) atomic_fetch_sub(&in_heap, (int64_t)bytes);
}

void *block_make(size_t bytes, int zeroed) {
    /* a full disk is memory that is short: to take it from the heap would break the cap in silence */
    if (goes_to_file(bytes)) return block_new(bytes);
    return heap_noted(advised(zeroed ? calloc(1, bytes ? bytes : 1) : malloc(bytes ? bytes : 1), bytes));
}

void block_free(void *data) {
    if (!is_spilled(data)) {
        heap_forgotten(data);
        free(data);
        return;
    }
    pthread_mutex_lock(&lock);
    block *found = block_of(data);
    block gone = *found;
    *found = blocks[--block_count];
    atomic_store(&spilled_blocks, block_count);
    note_spilled(0, gone.bytes);
    pthread_mutex_unlock(&lock);
    (void)munmap(gone.data, gone.bytes);
    (void)close(gone.file);
}

/* A block in a file made larger or smaller; NULL leaves it as it was. */
static void *spilled_resize(void *data, size_t bytes) {
    bytes = whole_pages(bytes ? bytes : 1);
    pthread_mutex_lock(&lock);
    block before = *block_of(data); /* whose it is does nothing else with it meanwhile */
    pthread_mutex_unlock(&lock);
    if (bytes > before.bytes && fallocate(before.file, 0, 0, (off_t)bytes) &&
        (errno != EOPNOTSUPP || ftruncate(before.file, (off_t)bytes)))
        return NULL;
    pthread_mutex_lock(&lock);
    void *moved = mremap(data, before.bytes, bytes, MREMAP_MAYMOVE);
    if (moved != MAP_FAILED) {
        block *found = block_of(data);
        note_spilled(bytes, found->bytes);
        found->data = moved;
        found->bytes = bytes;
    }
    pthread_mutex_unlock(&lock);
    if (moved == MAP_FAILED) return NULL;
    if (bytes < before.bytes) (void)!ftruncate(before.file, (off_t)bytes); /* else its room on the disk stays */
    return moved;
}

void *block_resize(void *data, size_t bytes) {
    if (data && is_spilled(data)) return spilled_resize(data, bytes);
    size_t held = data ? malloc_usable_size(data) : 0;
    if (bytes > held && goes_to_file(bytes)) {
        void *moved = block_make(bytes, 0);
        if (moved && held) memcpy(moved, data, held);
        if (moved) block_free(data);
        return moved;
    }
    heap_forgotten(data);
    void *moved = advised(realloc(data, bytes ? bytes : 1), bytes);
    heap_noted(moved ? moved : data);
    return moved;
}

/* ---- the watch --------------------------------------------------------------------------------------------- */

static void *watch(void *nothing) {
    const struct timespec pause = {0, PATIENCE};
    (void)nothing;
    for (;;) {
        (void)nanosleep(&pause, NULL);
        pthread_mutex_lock(&lock);
        watching = users || block_count;
        if (watching) keep_within();
        int ends = !watching;
        pthread_mutex_unlock(&lock);
        if (ends) return NULL;
    }
}

int spill_start(const char *folder, size_t bytes, size_t heap) {
    char *copy = strdup(folder);
    pthread_mutex_lock(&lock);
    if (copy && !users) {
        free(home);
        home = copy;
        copy = NULL;
        cap = bytes;
        most_spilled = spilled;
        atomic_store(&in_heap, 0);
        atomic_store(&most_held, (int64_t)spilled);
    }
    if (statm < 0) statm = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
    int wrong = !home || statm < 0;
    if (!wrong && !watching) {
        pthread_t thread;
        wrong = pthread_create(&thread, NULL, watch, NULL) != 0;
        if (!wrong) (void)pthread_detach(thread);
        watching = !wrong;
    }
    if (!wrong && !users++) atomic_store(&heap_limit, heap ? heap : 1);
    pthread_mutex_unlock(&lock);
    free(copy);
    return wrong ? -1 : 0;
}

void spill_stop(size_t *in_files, size_t *in_all) {
    pthread_mutex_lock(&lock);
    if (users && !--users) atomic_store(&heap_limit, 0);
    *in_files = most_spilled;
    *in_all = (size_t)atomic_load(&most_held);
    pthread_mutex_unlock(&lock);
}

#else

void *block_make(size_t bytes, int zeroed) {
    return advised(zeroed ? calloc(1, bytes ? bytes : 1) : malloc(bytes ? bytes : 1), bytes);
}
void block_free(void *data) { free(data); }
void *block_resize(void *data, size_t bytes) { return advised(realloc(data, bytes ? bytes : 1), bytes); }
int spill_start(const char *folder, size_t bytes, size_t heap) {
    (void)folder;
    (void)bytes;
    (void)heap;
    return -1;
}
void spill_stop(size_t *in_files, size_t *in_all) { *in_files = *in_all = 0; }

#endif
