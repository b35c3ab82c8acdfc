/* A main for fuzz_native.c without libFuzzer: inputs from a seeded generator, for as long as asked. */
#ifndef DEDUP_FUZZ_ALONE_H
#define DEDUP_FUZZ_ALONE_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core.h"

/* What the kernels look at closely, and what stands near it. */
static const char *const snippets[] = {
    "a", "Z", "9", " ", "\n", "\r\n", "\t", "-", "(", ")", "\xEF\xBC\x88", "\xEF\xBC\x89", ".", "!", "|", "||", ",",
    ";", "the quick brown fox ", "abcdefgh", "ABCDEFGHI", "0123456789abcdef", "x-1", "in 2024, ",
    "0123456789012345678901234567890123456789012345678901234567890123",  /* 64 letters */
    "01234567890123456789012345678901234567890123456789012345678901234", /* 65 */
    "\xE4\xB8\xAD", "\xE5\x9B\xBD",
    "\xE4\xB8\x80\xE4\xBA\x8C", "\xE3\x80\x82", "\xEF\xBC\x8C", "\xE3\x80\x80", "\xC2\xA0", "\xEF\xBB\xBF",
    "\xE3\x81\x8B", "\xE3\x83\x8F", "\xEF\xBD\xB6", "\xE3\x82\x99", "\xE3\x82\x9A", "\xEF\xBE\x9E", "\xEF\xBE\x9F",
    "zh\xC5\x8Dng", "\xC7\x94", "\xC3\xA9", "e\xCC\x81", "\xCC\x88", "\xCC\x8C", "\xE3\x84\x93", "\xE3\x84\xA8",
    "\xCB\x8A", "\xCB\x99", "\xEA\xB0\x80", "\xD0\x96", "\xE2\x80\x8B", "\xEF\xAC\x83", "\xE3\x8C\x96",
    "\xF0\xA0\x80\x80", "\xF0\x9F\x98\x80", "\xED\xA0\x80", "\xF4\x90\x80\x80", "\xC0\x80", "\xE0\x80\x80", "\xFF",
    "\x80", "\xE4\xB8", "\xF0\x9F",
    "{\"text\":\"", "\",\"id\": \"", "\"}\n", "{\"a\":", "{\"te\\u0078t\":\"", "}\n", "[", "]", "{", "}", "\"", "\\",
    "\\n", "\\u4e2d", "\\ud83d\\ude00", "\\uD800", "null", "-1.5e3", "true", ":", "\"text\":", "{\"id\":0}\n",
    "\"x\":[{\"a\":[1,\"\\\"\"]}],",
};

static uint64_t dice_state;

static uint64_t dice(uint64_t faces) {
    dice_state += MIX_G;
    uint64_t x = (dice_state ^ (dice_state >> 30)) * MIX_1;
    x = (x ^ (x >> 27)) * MIX_2;
    return (x ^ (x >> 31)) % faces;
}

static size_t generate(uint8_t *data, size_t room) {
    size_t size = 0, wanted = dice(4) ? dice(200) : dice(room), count = sizeof snippets / sizeof *snippets;
    size_t near = dice(count), mode = dice(4);
    while (size < wanted) {
        const char *snippet = snippets[mode == 1 ? (near + dice(4)) % count : dice(count)];
        size_t length = strlen(snippet);
        if (mode == 0 || dice(40) == 0) data[size++] = (uint8_t)dice(256);
        else if (mode == 2 && dice(2) && size > 8) data[size] = data[size - 1 - dice(8)], size++;
        else if (size + length <= room) memcpy(data + size, snippet, length), size += length;
        else break;
    }
    for (size_t i = 0; i < 8 && i < size; i++) data[i] = (uint8_t)dice(256);
    return size;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int main(int count, char **words_given) {
    static uint8_t data[6000];
    double seconds = count > 1 ? atof(words_given[1]) : 10;
    uint64_t seed = count > 2 ? strtoull(words_given[2], NULL, 10) : 1, runs = 0;
    time_t end = time(NULL) + (time_t)seconds;
    for (dice_state = seed; time(NULL) < end; runs++) {
        size_t size = generate(data, sizeof data);
        LLVMFuzzerTestOneInput(data, size);
    }
    printf("%llu inputs from seed %llu: all agree\n", (unsigned long long)runs, (unsigned long long)seed);
    return 0;
}

#endif
