/* The least that any program pays that looks at every code point of a UTF-8 text: a plain loop, one branch a length,
 * no table, no checks beyond the text's end. A limit to measure against, not a decoder to use: the text has to be valid. */
#include <stddef.h>
#include <stdint.h>

/* Returns the sum of the code points, so that no compiler leaves the work out. */
uint64_t plain_decode(const unsigned char *text, size_t size) {
    uint64_t sum = 0;
    for (size_t i = 0; i < size;) {
        uint32_t first = text[i];
        if (first < 0x80) {
            sum += first;
            i += 1;
        } else if (first < 0xE0 && i + 1 < size) {
            sum += (first & 0x1F) << 6 | (text[i + 1] & 0x3F);
            i += 2;
        } else if (first < 0xF0 && i + 2 < size) {
            sum += (first & 0x0F) << 12 | (text[i + 1] & 0x3F) << 6 | (text[i + 2] & 0x3F);
            i += 3;
        } else if (i + 3 < size) {
            sum += (first & 0x07) << 18 | (text[i + 1] & 0x3F) << 12 | (text[i + 2] & 0x3F) << 6 | (text[i + 3] & 0x3F);
            i += 4;
        } else {
            break;
        }
    }
    return sum;
}
