#include "options.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int within(int value, int least, int most) { return value < least ? least : value > most ? most : value; }

struct rate rate_within(struct rate rate) {
  return (struct rate){within(rate.kbps, 100, 200000), within(rate.fps, 1, 120), within(rate.crf, 10, 45)};
}

int scale_within(int scale) { return within(scale, 10, 100); }

static void refuse(const char *word, const char *why) {
  fprintf(stderr, "%s %s.\n", word, why);
  exit(2);
}

struct options options_of(int count, char **words) {
  struct options options = {.display = NULL, .encoder = "x264", .rate = {.kbps = 16000, .fps = 60, .crf = 23}, .scale = 100};
  const struct {
    const char *name;
    int *number;
  } numbers[] = {{"--kbps", &options.rate.kbps}, {"--fps", &options.rate.fps}, {"--crf", &options.rate.crf}, {"--scale", &options.scale}};
  for (int i = 1; i < count; i += 2) {
    if (i + 1 == count) refuse(words[i], "wants a value");
    bool known = true;
    if (strcmp(words[i], "--display") == 0) options.display = words[i + 1];
    else if (strcmp(words[i], "--encoder") == 0) options.encoder = words[i + 1];
    else known = false;
    for (int n = 0; n < 4; n++)
      if (strcmp(words[i], numbers[n].name) == 0) {
        *numbers[n].number = atoi(words[i + 1]);
        known = true;
      }
    if (!known) refuse(words[i], "is not an option: there are --display, --encoder, --kbps, --fps, --crf and --scale");
  }
  options.rate = rate_within(options.rate);
  options.scale = scale_within(options.scale);
  return options;
}
