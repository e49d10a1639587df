#ifndef HELIX_STILL_H
#define HELIX_STILL_H
#include "screen.h"
#include "wire.h"

struct still_wanted {
  uint32_t request;
  int most_width, most_height;
  int quality;
};

/* The whole screen as it is now, as a JPEG that fits into what is wanted. False: it cannot be had. */
bool still_send(struct screen *screen, struct wire_out *out, struct still_wanted wanted, uint32_t sequence);
#endif
