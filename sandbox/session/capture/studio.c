#include "studio.h"
#include "clock.h"
#include <malloc.h>
#include <stdio.h>
#include <string.h>

/* Quantisers of the steps of refinement: the last cannot be told from the screen. */
static const int quality_of[REFINE_STEPS] = {18, 14, 14};

static struct picture *shown(struct studio *studio) { return studio->scaled.y == NULL ? &studio->full : &studio->scaled; }

static void tell(struct studio *studio) {
  char text[200];
  const struct screen *screen = studio->screen;
  int length = snprintf(text, sizeof text, "{\"encoder\":\"%s\",\"codec\":\"%s\",\"width\":%d,\"height\":%d,\"scale\":%d}", studio->encoder.name,
                        studio->encoder.codec, screen->width, screen->height, studio->options.scale);
  memcpy(wire_put(studio->out, MSG_STATUS, 0, (size_t)length), text, (size_t)length);
}

static bool open_pictures(struct studio *studio) {
  int width = studio->screen->width, height = studio->screen->height, scale = studio->options.scale;
  if (!picture_open(&studio->full, width, height)) return false;
  if (scale == 100) return true;
  int small_width = (width * scale / 100) & ~1, small_height = (height * scale / 100) & ~1;
  return picture_open(&studio->scaled, small_width < 16 ? 16 : small_width, small_height < 16 ? 16 : small_height);
}

/* A new picture knows nothing of the screen. */
static bool look_at_all(struct studio *studio) {
  struct screen *screen = studio->screen;
  struct rect whole = {0, 0, screen->width, screen->height};
  const uint8_t *pixels = screen_pixels(screen, whole);
  if (pixels == NULL) return false;
  picture_take(&studio->full, whole, pixels);
  if (studio->scaled.y != NULL) picture_scale(&studio->scaled, &studio->full);
  return true;
}

static bool open_encoder(struct studio *studio) {
  char reason[200];
  const struct picture *picture = shown(studio);
  bool opened = encoder_open(&studio->encoder, studio->options.encoder, picture->width, picture->height, studio->options.rate, reason);
  if (reason[0] != 0) wire_log(studio->out, "%s x264 is used instead.", reason);
  if (!opened) wire_log(studio->out, "There is no encoder for %d x %d pixels.", picture->width, picture->height);
  return opened;
}

bool studio_open(struct studio *studio) {
  int untaken = studio->pace.untaken;
  studio_close(studio);
  pace_init(&studio->pace, studio->options.rate.fps);
  studio->pace.untaken = untaken;
  if (!open_pictures(studio) || !open_encoder(studio)) {
    picture_close(&studio->full);
    picture_close(&studio->scaled);
    return false;
  }
  studio->open = true;
  struct rect ignored[MOST_RECTS];
  screen_changes(studio->screen, ignored);
  /* The screen may have another size by now; then the event that says so comes next. */
  look_at_all(studio);
  tell(studio);
  return true;
}

void studio_close(struct studio *studio) {
  studio->pace.running = false;
  if (!studio->open) return;
  studio->open = false;
  studio->encoder.close(&studio->encoder);
  picture_close(&studio->full);
  picture_close(&studio->scaled);
  malloc_trim(0);
}

void studio_set_rate(struct studio *studio, struct rate rate, int scale) {
  bool same_size = scale == studio->options.scale;
  studio->options.rate = rate;
  studio->options.scale = scale;
  if (studio->open && !(same_size && studio->encoder.set_rate(&studio->encoder, rate))) studio_open(studio);
}

void studio_taken(struct studio *studio, uint32_t sequence) {
  uint32_t left = studio->sequence - sequence;
  if (left < (uint32_t)studio->pace.untaken) studio->pace.untaken = (int)left;
}

static bool look(struct studio *studio) {
  struct rect rects[MOST_RECTS];
  int count = screen_changes(studio->screen, rects);
  bool any = false;
  for (int i = 0; i < count; i++) {
    struct rect part = picture_grid(&studio->full, rects[i]);
    const uint8_t *pixels = part.width > 0 && part.height > 0 ? screen_pixels(studio->screen, part) : NULL;
    if (pixels != NULL && picture_take(&studio->full, part, pixels)) any = true;
  }
  if (any && studio->scaled.y != NULL) any = picture_scale(&studio->scaled, &studio->full);
  return any;
}

static void put_frame(struct studio *studio, const struct unit *unit, bool refinement, uint64_t captured) {
  const struct picture *picture = shown(studio);
  uint8_t flags = (uint8_t)((unit->key ? FRAME_KEY : 0) | (refinement ? FRAME_REFINEMENT : 0));
  uint8_t *at = wire_put(studio->out, MSG_FRAME, flags, 16 + unit->length);
  at = put16(put16(at, (uint16_t)picture->width), (uint16_t)picture->height);
  at = put64(put32(at, ++studio->sequence), captured);
  memcpy(at, unit->data, unit->length);
}

static bool send_frame(struct studio *studio, enum work work, uint64_t captured, int64_t started, bool *reached) {
  struct picture *picture = shown(studio);
  struct unit unit;
  int quality = work == WORK_REFINE ? quality_of[studio->pace.refined] : QUALITY_AS_RATED;
  int64_t elapsed = started - studio->pace.last_frame;
  if (!studio->encoder.encode(&studio->encoder, picture, work == WORK_KEY, quality, elapsed, &unit)) return false;
  *reached = unit.reached;
  picture_settled(&studio->full);
  if (picture != &studio->full) picture_settled(picture);
  do put_frame(studio, &unit, work == WORK_REFINE, captured);
  while (studio->encoder.more != NULL && studio->encoder.more(&studio->encoder, &unit));
  return true;
}

bool studio_work(struct studio *studio, enum work work) {
  int64_t started = now_us();
  uint64_t captured = unix_us();
  struct outcome outcome = {.changed = work != WORK_REFINE && look(studio)};
  outcome.sent = outcome.changed || work != WORK_FRAME;
  if (outcome.sent && !send_frame(studio, work, captured, started, &outcome.reached)) {
    wire_log(studio->out, "The encoder %s failed.", studio->encoder.name);
    return false;
  }
  pace_done(&studio->pace, work, outcome, started);
  return true;
}
