#include "pace.h"

/* A program that redraws a window clears it first: a moment later it is whole. */
static const int64_t settle = 1000;
/* Timers are late: a program that draws at the frame rate must not miss every second frame. */
static const int64_t slack = 2500;
/* After the last change. The first is soon seen, the others mend what the cap on the rate did not let through. */
static const int64_t refine_after[REFINE_STEPS] = {100000, 180000, 260000};

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
  int64_t next = pace->last_frame == 0 ? 0 : pace->last_frame + pace->interval - slack;
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
  return later(pace->last_change + refine_after[pace->refined], next);
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

void pace_done(struct pace *pace, enum work work, bool changed, bool sent, int64_t now) {
  if (work == WORK_KEY) pace->key_wanted = false;
  if (work == WORK_REFINE) pace->refined++;
  else pace->dirty = false;
  if (changed || work == WORK_KEY) {
    pace->last_change = now;
    pace->refined = 0;
  }
  if (!sent) return;
  pace->last_frame = now;
  pace->untaken++;
}
