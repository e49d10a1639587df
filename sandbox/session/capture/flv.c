#include "flv.h"
#include <stdlib.h>
#include <string.h>

/* https://rtmp.veriskope.com/pdf/video_file_format_spec_v10_1.pdf, annex E */
enum { FILE_HEAD = 13, TAG_HEAD = 11, TAG_END = 4, VIDEO_HEAD = 5, VIDEO = 9, AVC = 7, MOST_TAG = 16 << 20 };

static size_t get24(const uint8_t *at) { return (size_t)at[0] << 16 | (size_t)at[1] << 8 | at[2]; }
static size_t get32(const uint8_t *at) { return get24(at) << 8 | at[3]; }

uint8_t *flv_room(struct flv *flv, size_t length) {
  if (flv->used + length > flv->room) {
    uint8_t *grown = realloc(flv->data, flv->used + length);
    if (grown == NULL) return NULL;
    flv->data = grown;
    flv->room = flv->used + length;
  }
  return flv->data + flv->used;
}

void flv_came(struct flv *flv, size_t length) { flv->used += length; }

void flv_free(struct flv *flv) {
  free(flv->data);
  free(flv->unit);
  *flv = (struct flv){0};
}

static size_t put_unit(uint8_t *to, const uint8_t *unit, size_t length) {
  memcpy(to, "\0\0\0\1", 4);
  memcpy(to + 4, unit, length);
  return 4 + length;
}

/* ISO/IEC 14496-15, 5.3.3.1: counts and 16-bit lengths of sequence and picture parameter sets. */
static bool read_sets(struct flv *flv, const uint8_t *at, size_t length) {
  if (length < 7 || (at[4] & 3) != 3) return false;
  size_t read = 5;
  flv->sets_length = 0;
  for (int kind = 0; kind < 2; kind++) {
    if (read >= length) return false;
    int count = at[read++] & (kind == 0 ? 31 : 255);
    for (; count > 0; count--) {
      if (read + 2 > length) return false;
      size_t size = (size_t)at[read] << 8 | at[read + 1];
      read += 2;
      if (read + size > length || flv->sets_length + 4 + size > sizeof flv->sets) return false;
      flv->sets_length += put_unit(flv->sets + flv->sets_length, at + read, size);
      read += size;
    }
  }
  return true;
}

/* Lengths of 32 bits become start codes, which are as long. */
static bool read_picture(struct flv *flv, const uint8_t *at, size_t length) {
  size_t most = flv->sets_length + length;
  if (most > flv->unit_room) {
    uint8_t *grown = realloc(flv->unit, most);
    if (grown == NULL) return false;
    flv->unit = grown;
    flv->unit_room = most;
  }
  flv->unit_length = 0;
  if (flv->key) memcpy(flv->unit, flv->sets, flv->unit_length = flv->sets_length);
  for (size_t read = 0; read < length;) {
    size_t size = read + 4 <= length ? get32(at + read) : length;
    if (size > length - read - 4 || read + 4 > length) return false;
    flv->unit_length += put_unit(flv->unit + flv->unit_length, at + read + 4, size);
    read += 4 + size;
  }
  return true;
}

static void drop(struct flv *flv, size_t length) {
  flv->used -= length;
  memmove(flv->data, flv->data + length, flv->used);
}

int flv_next(struct flv *flv) {
  if (!flv->begun) {
    if (flv->used < FILE_HEAD) return 0;
    if (memcmp(flv->data, "FLV", 3) != 0) return -1;
    flv->begun = true;
    drop(flv, FILE_HEAD);
  }
  while (flv->used >= TAG_HEAD) {
    size_t length = get24(flv->data + 1), whole = TAG_HEAD + length + TAG_END;
    if (length > MOST_TAG) return -1;
    if (flv->used < whole) return 0;
    const uint8_t *at = flv->data + TAG_HEAD;
    bool video = flv->data[0] == VIDEO && length > VIDEO_HEAD && (at[0] & 15) == AVC;
    int found = 0;
    if (video && at[1] == 0 && !read_sets(flv, at + VIDEO_HEAD, length - VIDEO_HEAD)) found = -1;
    if (video && at[1] == 1) {
      flv->key = at[0] >> 4 == 1;
      found = read_picture(flv, at + VIDEO_HEAD, length - VIDEO_HEAD) ? 1 : -1;
    }
    drop(flv, whole);
    if (found != 0) return found;
  }
  return 0;
}
