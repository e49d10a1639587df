#include "still.h"
#include "clock.h"
#include <libyuv/scale_argb.h>
#include <stdlib.h>
#include <string.h>
#include <turbojpeg.h>

struct still_wanted still_read(const uint8_t *at, size_t length) {
  struct still_wanted wanted = {.request = get32(at), .most_width = get16(at + 4), .most_height = get16(at + 6), .quality = at[8]};
  if (length >= 17) wanted.part = (struct rect){get16(at + 9), get16(at + 11), get16(at + 13), get16(at + 15)};
  return wanted;
}

static struct rect part_of(const struct screen *screen, struct rect part) {
  struct rect whole = {0, 0, screen->width, screen->height};
  if (part.width == 0 || part.height == 0 || part.x >= whole.width || part.y >= whole.height) return whole;
  if (part.x + part.width > whole.width) part.width = whole.width - part.x;
  if (part.y + part.height > whole.height) part.height = whole.height - part.y;
  return part;
}

static void fit(struct rect part, struct still_wanted wanted, int *width, int *height) {
  *width = part.width;
  *height = part.height;
  if (wanted.most_width > 0 && *width > wanted.most_width) {
    *height = (int)((int64_t)*height * wanted.most_width / *width);
    *width = wanted.most_width;
  }
  if (wanted.most_height > 0 && *height > wanted.most_height) {
    *width = (int)((int64_t)*width * wanted.most_height / *height);
    *height = wanted.most_height;
  }
  if (*width < 1) *width = 1;
  if (*height < 1) *height = 1;
}

static void put(struct wire_out *out, int width, int height, uint32_t sequence, uint32_t request, const uint8_t *jpeg, size_t length) {
  uint8_t *at = wire_put(out, MSG_STILL, 0, 20 + length);
  at = put16(put16(at, (uint16_t)width), (uint16_t)height);
  at = put32(put64(put32(at, sequence), unix_us()), request);
  memcpy(at, jpeg, length);
}

bool still_send(struct screen *screen, struct wire_out *out, struct still_wanted wanted, uint32_t sequence) {
  struct rect part = part_of(screen, wanted.part);
  const uint8_t *pixels = screen_pixels(screen, part);
  if (pixels == NULL) return false;
  int width, height;
  fit(part, wanted, &width, &height);
  uint8_t *scaled = NULL;
  if (width != part.width || height != part.height) {
    scaled = malloc((size_t)width * (size_t)height * 4);
    if (scaled == NULL) return false;
    ARGBScale(pixels, part.width * 4, part.width, part.height, scaled, width * 4, width, height, kFilterBox);
  }
  int quality = wanted.quality < 1 ? 1 : wanted.quality > 100 ? 100 : wanted.quality;
  /* Small text in colours wants all of its colours. */
  int sampling = quality >= 90 ? TJSAMP_444 : TJSAMP_420;
  uint8_t *jpeg = NULL;
  unsigned long length = 0;
  tjhandle compressor = tjInitCompress();
  const uint8_t *from = scaled == NULL ? pixels : scaled;
  bool made = compressor != NULL && tjCompress2(compressor, from, width, width * 4, height, TJPF_BGRX, &jpeg, &length, sampling, quality, 0) == 0;
  if (made) put(out, width, height, sequence, wanted.request, jpeg, length);
  tjFree(jpeg);
  if (compressor != NULL) tjDestroy(compressor);
  free(scaled);
  return made;
}
