#ifndef HELIX_STILL_H
#define HELIX_STILL_H
#include "screen.h"
#include "wire.h"

struct still_wanted {
  uint32_t request;
  int most_width, most_height;
  int quality;
  /* Of the screen; without an extent: all of it. */
  struct rect part;
};

/* Reads a command of at least 9 bytes. */
struct still_wanted still_read(const uint8_t *at, size_t length);
/* The screen or a part of it as it is now, as a JPEG that fits into what is wanted. False: it cannot be had. */
bool still_send(struct screen *screen, struct wire_out *out, struct still_wanted wanted, uint32_t sequence);
#endif
