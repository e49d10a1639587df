#ifndef HELIX_PACE_H
#define HELIX_PACE_H
#include <stdbool.h>
#include <stdint.h>

/* When the next frame is made, and which. Knows neither X nor the encoder. Units: microseconds. */
enum work { WORK_NONE, WORK_FRAME, WORK_KEY, WORK_REFINE };
enum { REFINE_STEPS = 3, MOST_UNTAKEN = 2 };

struct pace {
  bool running;
  bool key_wanted;
  /* Something on the screen changed that was not looked at yet. */
  bool dirty;
  int64_t dirty_since;
  int64_t interval;
  int64_t last_frame;
  /* No frame goes before it. */
  int64_t slot;
  /* The last time that the picture changed. */
  int64_t last_change;
  /* Steps of refinement that the picture has; all: it is at rest. */
  int refined;
  /* Passes since the last change, and when the next is due. */
  int passes;
  int64_t refine_at;
  /* Frames that the consumer has not taken. */
  int untaken;
};

void pace_init(struct pace *pace, int fps);
void pace_damaged(struct pace *pace, int64_t now);
enum work pace_next(const struct pace *pace, int64_t now);
/* How long nothing is to be done; -1: until something comes. */
int64_t pace_wait(const struct pace *pace, int64_t now);
/* What came of work. */
struct outcome {
  /* The picture is another one than before. */
  bool changed;
  /* A frame went out. */
  bool sent;
  /* It is as good as was asked; a cap on the rate may keep it from that. */
  bool reached;
};
void pace_done(struct pace *pace, enum work work, struct outcome outcome, int64_t now);
#endif
