#ifndef HELIX_STUDIO_H
#define HELIX_STUDIO_H
#include "encoder.h"
#include "options.h"
#include "pace.h"
#include "wire.h"

/* Screen, picture and encoder, as long as somebody watches. */
struct studio {
  struct screen *screen;
  struct options options;
  struct wire_out *out;
  struct pace pace;
  bool open;
  struct picture full, scaled;
  struct encoder encoder;
  uint32_t sequence;
};

/* False, with a line in the log: it cannot be. What is open already is opened anew. */
bool studio_open(struct studio *studio);
void studio_close(struct studio *studio);
void studio_set_rate(struct studio *studio, struct rate rate, int scale);
/* Frames up to this one are where they were to go. */
void studio_taken(struct studio *studio, uint32_t sequence);
/* What the pace says is due. False: the encoder failed for good. */
bool studio_work(struct studio *studio, enum work work);
#endif
