#include "pace.h"

/* A program that redraws a window clears it first: a moment later it is whole. */
static const int64_t settle = 1000;
/* Timers are late: a program that draws at the frame rate must not miss every second frame. */
static const int64_t slack = 2500;
/* The part of an interval that the next frame may come early, or one that was late once would keep all that follow waiting as long. */
enum { CATCH_UP = 20 };
/* After the last change. */
static const int64_t refine_after[REFINE_STEPS] = {150000, 210000, 270000};
/* What the cap on the rate did not let through is tried so often more. */
enum { MOST_PASSES = 80, NEXT_PASS = 100000 };

void pace_init(struct pace *pace, int fps) {
  *pace = (struct pace){.running = true, .key_wanted = true, .interval = 1000000 / fps, .refined = REFINE_STEPS};
}

void pace_damaged(struct pace *pace, int64_t now) {
  if (!pace->dirty) pace->dirty_since = now;
  pace->dirty = true;
}

static int64_t later(int64_t one, int64_t other) { return one > other ? one : other; }

/* When what is to be done next is due; -1: nothing is. */
static int64_t due(const struct pace *pace, enum work *work) {
  *work = WORK_NONE;
  if (!pace->running || pace->untaken >= MOST_UNTAKEN) return -1;
  int64_t next = pace->slot;
  if (pace->key_wanted) {
    *work = WORK_KEY;
    return next;
  }
  if (pace->dirty) {
    *work = WORK_FRAME;
    return later(pace->dirty_since + settle, next);
  }
  if (pace->refined >= REFINE_STEPS) return -1;
  *work = WORK_REFINE;
  return later(pace->refine_at, next);
}

enum work pace_next(const struct pace *pace, int64_t now) {
  enum work work;
  int64_t when = due(pace, &work);
  return when < 0 || when > now ? WORK_NONE : work;
}

int64_t pace_wait(const struct pace *pace, int64_t now) {
  enum work work;
  int64_t when = due(pace, &work);
  return when < 0 ? -1 : when <= now ? 0 : when - now;
}

static void refined(struct pace *pace, bool reached, int64_t now) {
  pace->passes++;
  bool last = pace->refined == REFINE_STEPS - 1;
  if (!last || reached || pace->passes >= MOST_PASSES) pace->refined++;
  pace->refine_at = last ? now + NEXT_PASS : pace->last_change + refine_after[pace->refined];
}

void pace_done(struct pace *pace, enum work work, struct outcome outcome, int64_t now) {
  if (work == WORK_KEY) pace->key_wanted = false;
  if (work == WORK_REFINE) refined(pace, outcome.reached, now);
  else pace->dirty = false;
  if (outcome.changed || work == WORK_KEY) {
    pace->last_change = now;
    pace->refined = pace->passes = 0;
    pace->refine_at = now + refine_after[0];
  }
  if (!outcome.sent) return;
  pace->last_frame = now;
  pace->slot = later(pace->slot + pace->interval - pace->interval / CATCH_UP, now + pace->interval - slack);
  pace->untaken++;
}
