#include "still.h"
#include "clock.h"
#include <libyuv/scale_argb.h>
#include <stdlib.h>
#include <string.h>
#include <turbojpeg.h>

static void fit(struct screen *screen, struct still_wanted wanted, int *width, int *height) {
  *width = screen->width;
  *height = screen->height;
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
  const uint8_t *pixels = screen_pixels(screen, (struct rect){0, 0, screen->width, screen->height});
  if (pixels == NULL) return false;
  int width, height;
  fit(screen, wanted, &width, &height);
  uint8_t *scaled = NULL;
  if (width != screen->width || height != screen->height) {
    scaled = malloc((size_t)width * (size_t)height * 4);
    if (scaled == NULL) return false;
    ARGBScale(pixels, screen->width * 4, screen->width, screen->height, scaled, width * 4, width, height, kFilterBox);
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
