#ifndef HELIX_OPTIONS_H
#define HELIX_OPTIONS_H
#include "encoder.h"

struct options {
  const char *display;
  const char *encoder;
  struct rate rate;
  /* Percent of the screen's size. */
  int scale;
};

/* Reads `--name value` pairs; ends the process with a sentence where one is wrong. */
struct options options_of(int count, char **words);
/* Keeps a rate in what encoders can do. */
struct rate rate_within(struct rate rate);
int scale_within(int scale);
#endif
