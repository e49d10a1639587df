#include "encoder.h"
#include <stdio.h>
#include <string.h>

bool encoder_open(struct encoder *encoder, const char *name, int width, int height, struct rate rate, char reason[200]) {
  reason[0] = 0;
  if (strcmp(name, "x264") != 0 && ffmpeg_open(encoder, name, width, height, rate, reason)) return true;
  return x264_open(encoder, width, height, rate);
}

/* https://www.itu.int/rec/T-REC-H.264 table A-1: macroblocks of a frame and of a second. */
int level_of(int width, int height) {
  static const struct {
    int level, frame, second;
  } levels[] = {{31, 3600, 108000}, {32, 5120, 216000}, {42, 8704, 522240}, {50, 22080, 589824}, {51, 36864, 983040}, {52, 36864, 2073600}};
  int frame = ((width + 15) / 16) * ((height + 15) / 16);
  /* Never below 4.2: every decoder has it, and one name serves all usual sizes. */
  for (int i = 2; i < 6; i++)
    if (frame <= levels[i].frame && frame * 60 <= levels[i].second) return levels[i].level;
  return 52;
}

bool codec_of(const uint8_t *unit, size_t length, char codec[16]) {
  for (size_t i = 0; i + 7 < length; i++) {
    if (unit[i] != 0 || unit[i + 1] != 0 || unit[i + 2] != 1 || (unit[i + 3] & 31) != 7) continue;
    snprintf(codec, 16, "avc1.%02x%02x%02x", unit[i + 4], unit[i + 5], unit[i + 6]);
    return true;
  }
  return false;
}
