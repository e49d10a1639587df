#include "picture.h"
#include <libyuv/convert.h>
#include <libyuv/scale.h>
#include <stdlib.h>
#include <string.h>

static uint8_t *at(uint8_t *plane, int stride, int x, int y) { return plane + (size_t)y * (size_t)stride + x; }

bool picture_open(struct picture *picture, int width, int height) {
  int columns = (width + 15) / 16, rows = (height + 15) / 16;
  int stride = columns * 16;
  size_t luma = (size_t)stride * (size_t)rows * 16;
  *picture = (struct picture){.width = width, .height = height, .stride = stride, .columns = columns, .rows = rows};
  picture->y = calloc(luma * 3, 1);
  picture->changed = malloc((size_t)columns * (size_t)rows);
  if (picture->y == NULL || picture->changed == NULL) return false;
  picture->u = picture->y + luma;
  picture->v = picture->u + luma / 4;
  picture->next_y = picture->v + luma / 4;
  picture->next_u = picture->next_y + luma;
  picture->next_v = picture->next_u + luma / 4;
  memset(picture->changed, 1, (size_t)columns * (size_t)rows);
  return true;
}

void picture_close(struct picture *picture) {
  free(picture->y);
  free(picture->changed);
  *picture = (struct picture){0};
}

void picture_settled(struct picture *picture) { memset(picture->changed, 0, (size_t)picture->columns * (size_t)picture->rows); }

struct rect picture_grid(const struct picture *picture, struct rect part) {
  int x = part.x & ~15, y = part.y & ~15;
  int right = (part.x + part.width + 15) & ~15, bottom = (part.y + part.height + 15) & ~15;
  if (right > picture->width) right = picture->width;
  if (bottom > picture->height) bottom = picture->height;
  return (struct rect){x, y, right - x, bottom - y};
}

/* The planes are whole macroblocks wide, what lies outside of the picture is equal in both. */
static bool take_block(uint8_t *have, const uint8_t *next, int stride, int size) {
  bool same = true;
  for (int row = 0; row < size; row++)
    if (memcmp(have + (size_t)row * (size_t)stride, next + (size_t)row * (size_t)stride, (size_t)size) != 0) same = false;
  if (same) return false;
  for (int row = 0; row < size; row++) memcpy(have + (size_t)row * (size_t)stride, next + (size_t)row * (size_t)stride, (size_t)size);
  return true;
}

static bool take_blocks(struct picture *picture, struct rect part) {
  bool any = false;
  int stride = picture->stride, half = stride / 2;
  for (int row = part.y / 16; row < (part.y + part.height + 15) / 16; row++)
    for (int column = part.x / 16; column < (part.x + part.width + 15) / 16; column++) {
      int x = column * 16, y = row * 16;
      bool luma = take_block(at(picture->y, stride, x, y), at(picture->next_y, stride, x, y), stride, 16);
      bool blue = take_block(at(picture->u, half, x / 2, y / 2), at(picture->next_u, half, x / 2, y / 2), half, 8);
      bool red = take_block(at(picture->v, half, x / 2, y / 2), at(picture->next_v, half, x / 2, y / 2), half, 8);
      if (!luma && !blue && !red) continue;
      picture->changed[row * picture->columns + column] = 1;
      any = true;
    }
  return any;
}

bool picture_take(struct picture *picture, struct rect part, const uint8_t *pixels) {
  int stride = picture->stride, half = stride / 2;
  ARGBToI420(pixels, part.width * 4, at(picture->next_y, stride, part.x, part.y), stride,
             at(picture->next_u, half, part.x / 2, part.y / 2), half, at(picture->next_v, half, part.x / 2, part.y / 2), half,
             part.width, part.height);
  return take_blocks(picture, part);
}

bool picture_scale(struct picture *picture, const struct picture *from) {
  int stride = picture->stride, half = stride / 2;
  I420Scale(from->y, from->stride, from->u, from->stride / 2, from->v, from->stride / 2, from->width, from->height, picture->next_y,
            stride, picture->next_u, half, picture->next_v, half, picture->width, picture->height, kFilterBox);
  return take_blocks(picture, (struct rect){0, 0, picture->width, picture->height});
}
