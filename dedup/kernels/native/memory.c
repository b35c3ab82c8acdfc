/* Memory: growing arrays, and large ones on large pages, where first use costs a fault for each 4 KiB otherwise. */
#if defined(__linux__) && !defined(_DEFAULT_SOURCE)
#define _DEFAULT_SOURCE
#endif
#include "core.h"

#if defined(__linux__)
#include <sys/mman.h>
#endif

#define LARGE_PAGE ((uintptr_t)1 << 21)

/* A hint: what comes of it is the system's choice. */
void *advised(void *data, size_t bytes) {
#if defined(__linux__) && defined(MADV_HUGEPAGE)
    if (data && bytes >= LARGE_PAGE) {
        uintptr_t start = ((uintptr_t)data + LARGE_PAGE - 1) & ~(LARGE_PAGE - 1);
        uintptr_t end = ((uintptr_t)data + bytes) & ~(LARGE_PAGE - 1);
        if (start < end) (void)madvise((void *)start, end - start, MADV_HUGEPAGE);
    }
#else
    (void)bytes;
#endif
    return data;
}

void *array_new(size_t count, size_t item_bytes) {
    if (count > SIZE_MAX / 2 / item_bytes) return NULL;
    return block_make(count * item_bytes, 0);
}

void *array_zeros(size_t count, size_t item_bytes) {
    if (count > SIZE_MAX / 2 / item_bytes) return NULL;
    return block_make(count * item_bytes, 1);
}

int words_reserve(words *array, size_t more) {
    if (more > SIZE_MAX / 16 - array->size) return -1;
    size_t needed = array->size + more;
    if (needed <= array->room) return 0;
    size_t room = array->room + array->room / 2 > needed ? array->room + array->room / 2 : needed;
    uint64_t *data = block_resize(array->data, room * sizeof *data);
    if (!data) return -1;
    array->data = data;
    array->room = room;
    return 0;
}

void words_free(words *array) {
    block_free(array->data);
    array->data = NULL;
    array->size = array->room = 0;
}
