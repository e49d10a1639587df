#include "pace.h"
#include "check.h"

static const int64_t second = 1000000;

static struct pace after_key(int64_t now) {
  struct pace pace;
  pace_init(&pace, 60);
  CHECK(pace_next(&pace, now) == WORK_KEY);
  pace_done(&pace, WORK_KEY, (struct outcome){true, true, false}, now);
  pace.untaken = 0;
  return pace;
}

static void a_still_screen_is_refined_and_then_left_alone(void) {
  struct pace pace = after_key(second);
  for (int step = 0; step < REFINE_STEPS; step++) {
    int64_t now = second + 300000;
    CHECK(pace_next(&pace, now) == WORK_REFINE);
    pace_done(&pace, WORK_REFINE, (struct outcome){false, true, true}, now);
    pace.untaken = 0;
    pace.slot = second;
  }
  CHECK(pace_next(&pace, 100 * second) == WORK_NONE);
  CHECK(pace_wait(&pace, 100 * second) == -1);
}

static void a_change_after_a_rest_is_sent_at_once(void) {
  struct pace pace = after_key(second);
  pace_damaged(&pace, 2 * second);
  CHECK(pace_wait(&pace, 2 * second) <= 1000);
  CHECK(pace_next(&pace, 2 * second + 1000) == WORK_FRAME);
}

static void changes_in_a_row_keep_the_frame_rate(void) {
  struct pace pace = after_key(second);
  int frames = 0;
  for (int64_t now = second; now < 2 * second; now += 500) {
    pace_damaged(&pace, now);
    if (pace_next(&pace, now) != WORK_FRAME) continue;
    pace_done(&pace, WORK_FRAME, (struct outcome){true, true, false}, now);
    pace.untaken = 0;
    frames++;
  }
  CHECK(frames >= 58 && frames <= 64);
}

/* Units: microseconds that the change waits. */
static int64_t wait_of_change(struct pace *pace, int64_t at) {
  pace_damaged(pace, at);
  int64_t now = at + pace_wait(pace, at);
  pace_done(pace, WORK_FRAME, (struct outcome){true, true, false}, now);
  pace->untaken = 0;
  return now - at;
}

static void one_late_change_does_not_keep_all_that_follow_waiting(void) {
  struct pace pace = after_key(second);
  int64_t at = 2 * second, wait = 0;
  for (int i = 0; i < 60; i++) wait = wait_of_change(&pace, at + i * pace.interval + (i == 10 ? 9000 : 0));
  CHECK(wait <= 1000);
}

static void a_consumer_that_takes_nothing_gets_two_frames(void) {
  struct pace pace = after_key(second);
  for (int i = 0; i < 10; i++) {
    int64_t now = (2 + i) * second;
    pace_damaged(&pace, now - 10000);
    if (pace_next(&pace, now) != WORK_NONE) pace_done(&pace, pace_next(&pace, now), (struct outcome){true, true, false}, now);
  }
  CHECK(pace.untaken == MOST_UNTAKEN);
  CHECK(pace_wait(&pace, 20 * second) == -1);
  pace.untaken = 0;
  CHECK(pace_next(&pace, 20 * second) == WORK_FRAME);
}

static void damage_that_changes_nothing_sends_nothing(void) {
  struct pace pace = after_key(second);
  pace.refined = REFINE_STEPS;
  pace_damaged(&pace, 2 * second);
  pace_done(&pace, WORK_FRAME, (struct outcome){false, false, false}, 2 * second + 1000);
  CHECK(pace.untaken == 0 && pace_wait(&pace, 2 * second + 2000) == -1);
}

static void what_a_slow_line_keeps_back_is_tried_on_but_not_for_ever(void) {
  struct pace pace = after_key(second);
  int passes = 0;
  for (int64_t now = second; now < 60 * second; now += 10000) {
    if (pace_next(&pace, now) != WORK_REFINE) continue;
    pace_done(&pace, WORK_REFINE, (struct outcome){false, true, false}, now);
    pace.untaken = 0;
    passes++;
  }
  CHECK(passes == 80);
}

int main(void) {
  what_a_slow_line_keeps_back_is_tried_on_but_not_for_ever();
  a_still_screen_is_refined_and_then_left_alone();
  a_change_after_a_rest_is_sent_at_once();
  changes_in_a_row_keep_the_frame_rate();
  one_late_change_does_not_keep_all_that_follow_waiting();
  a_consumer_that_takes_nothing_gets_two_frames();
  damage_that_changes_nothing_sends_nothing();
  return 0;
}
