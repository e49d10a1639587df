#include "encoder.h"
#include <stdio.h>
bool ffmpeg_open(struct encoder *encoder, const char *name, int width, int height, struct rate rate, char reason[200]) {
  (void)encoder;
  (void)width;
  (void)height;
  (void)rate;
  snprintf(reason, 200, "There is no encoder %s.", name);
  return false;
}
