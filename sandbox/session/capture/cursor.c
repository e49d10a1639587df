#include "cursor.h"
#include <X11/extensions/Xfixes.h>

enum { MOST_PIXELS = 256 };

static bool visible(const XFixesCursorImage *image) {
  for (int i = 0; i < image->width * image->height; i++)
    if (image->pixels[i] >> 24 & 0xff) return true;
  return false;
}

/* X has colours multiplied by their alpha, in a long each. */
static uint8_t *put_pixel(uint8_t *at, unsigned long pixel) {
  unsigned alpha = pixel >> 24 & 0xff;
  for (int shift = 16; shift >= 0; shift -= 8) {
    unsigned value = alpha == 0 ? 0 : ((pixel >> shift & 0xff) * 255 + alpha / 2) / alpha;
    *at++ = (uint8_t)(value > 255 ? 255 : value);
  }
  *at++ = (uint8_t)alpha;
  return at;
}

static uint8_t *put_head(uint8_t *at, int width, int height, const XFixesCursorImage *image) {
  at = put16(put16(at, (uint16_t)width), (uint16_t)height);
  at = put16(put16(at, image->xhot), image->yhot);
  return put32(at, (uint32_t)image->cursor_serial);
}

void cursor_send_shape(struct screen *screen, struct wire_out *out) {
  XFixesCursorImage *image = XFixesGetCursorImage(screen->display);
  if (image == NULL) return;
  if (!visible(image)) {
    put_head(wire_put(out, MSG_CURSOR_SHAPE, CURSOR_HIDDEN, 12), 0, 0, image);
  } else {
    int width = image->width < MOST_PIXELS ? image->width : MOST_PIXELS, height = image->height < MOST_PIXELS ? image->height : MOST_PIXELS;
    uint8_t *at = wire_put(out, MSG_CURSOR_SHAPE, 0, 12 + (size_t)width * (size_t)height * 4);
    at = put_head(at, width, height, image);
    for (int y = 0; y < height; y++)
      for (int x = 0; x < width; x++) at = put_pixel(at, image->pixels[y * image->width + x]);
  }
  XFree(image);
}

void cursor_send_place(struct screen *screen, struct wire_out *out, bool again) {
  static int last_x = -1, last_y = -1;
  Window root, child;
  int x, y, inner_x, inner_y;
  unsigned buttons;
  if (!XQueryPointer(screen->display, screen->root, &root, &child, &x, &y, &inner_x, &inner_y, &buttons)) return;
  if (x == last_x && y == last_y && !again) return;
  last_x = x;
  last_y = y;
  put16(put16(wire_put(out, MSG_CURSOR_MOVE, 0, 4), (uint16_t)x), (uint16_t)y);
}
