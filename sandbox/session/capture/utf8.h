#ifndef HELIX_UTF8_H
#define HELIX_UTF8_H
#include <stddef.h>
#include <stdint.h>

/* The next character of `length` bytes, and how many of them it takes; what is no UTF-8 is the character 0 of one byte. */
static inline size_t utf8_next(const uint8_t *at, size_t length, unsigned *code) {
  unsigned first = at[0];
  size_t size = first < 0x80 ? 1 : first >= 0xc2 && first < 0xe0 ? 2 : first >= 0xe0 && first < 0xf0 ? 3 : first >= 0xf0 && first < 0xf5 ? 4 : 0;
  *code = 0;
  if (size == 0 || size > length) return 1;
  unsigned value = size == 1 ? first : first & (0xffu >> (size + 1));
  for (size_t i = 1; i < size; i++) {
    if ((at[i] & 0xc0) != 0x80) return 1;
    value = value << 6 | (at[i] & 0x3f);
  }
  if (value > 0x10ffff || (value >= 0xd800 && value < 0xe000)) return 1;
  *code = value;
  return size;
}
#endif
