#ifndef HELIX_ENCODER_H
#define HELIX_ENCODER_H
#include "picture.h"

struct rate {
  /* The most that frames in sequence take. */
  int kbps;
  int fps;
  /* x264's scale; lower is better. */
  int crf;
};

/* One access unit, H.264 Annex B; valid until the next call. */
struct unit {
  const uint8_t *data;
  size_t length;
  bool key;
  /* As good as was asked. */
  bool reached;
};

enum { QUALITY_AS_RATED = -1 };

/* Makes access units of pictures of one size, at once: what goes in comes out of the same call. */
struct encoder {
  const char *name;
  /* As WebCodecs wants it, like `avc1.42c02a`. */
  char codec[16];
  void *state;
  /* `quality`: on the scale of the rate's `crf`, or QUALITY_AS_RATED. `elapsed_us`: since the frame before. False: it failed for good. */
  bool (*encode)(struct encoder *encoder, const struct picture *picture, bool key, int quality, int64_t elapsed_us, struct unit *unit);
  /* Units of the same call after the first, until it is false; null: there is one each time. */
  bool (*more)(struct encoder *encoder, struct unit *unit);
  /* False: it has to be opened anew for this rate. */
  bool (*set_rate)(struct encoder *encoder, struct rate rate);
  void (*close)(struct encoder *encoder);
};

/* `x264`, or the name of an encoder of ffmpeg like `h264_nvenc`, `h264_vaapi`. What does not work here is replaced by x264, and `reason` says why. */
bool encoder_open(struct encoder *encoder, const char *name, int width, int height, struct rate rate, char reason[200]);

bool x264_open(struct encoder *encoder, int width, int height, struct rate rate);
bool ffmpeg_open(struct encoder *encoder, const char *name, int width, int height, struct rate rate, char reason[200]);

/* Takes the codec's name from the sequence parameter set in an access unit. */
bool codec_of(const uint8_t *unit, size_t length, char codec[16]);
/* The lowest level that a size has room in at 60 frames per second, as in the sequence parameter set. */
int level_of(int width, int height);
#endif
