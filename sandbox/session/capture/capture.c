/* helix-capture: the screen as H.264 on standard output, commands on standard input. */
#include "clock.h"
#include "cursor.h"
#include "still.h"
#include "studio.h"
#include <X11/extensions/XInput2.h>
#include <X11/extensions/Xdamage.h>
#include <X11/extensions/Xfixes.h>
#include <X11/extensions/Xrandr.h>
#include <errno.h>
#include <malloc.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>

/* Units: bytes of the longest command. */
enum { LONGEST = 64 << 10 };
/* Units: microseconds. A window that is dragged by its corner resizes the screen many times. */
enum { RESIZE_AFTER = 50000, POINTER_EVERY = 8000 };

static struct studio studio;
static struct wire_in in;
static struct wire_out out;
static int64_t resize_at, pointer_at;
static bool shape_changed = true, pointer_moved = true;
/* Changes are told at most so often. */
enum { TELL_EVERY = 50000 };
static bool telling, changed, failed;
static int64_t tell_at;

static void on_event(XEvent *event) {
  struct screen *screen = studio.screen;
  int64_t now = now_us();
  if (event->type == screen->damage_event + XDamageNotify) {
    pace_damaged(&studio.pace, now);
    changed = true;
  }
  if (event->type == screen->fixes_event + XFixesCursorNotify) shape_changed = true;
  if (event->type == screen->randr_event + RRScreenChangeNotify) {
    XRRUpdateConfiguration(event);
    if (resize_at == 0) resize_at = now + RESIZE_AFTER;
  }
  if (event->type == GenericEvent && event->xcookie.extension == screen->input_opcode) pointer_moved = true;
}

static void take_events(void) {
  while (XPending(studio.screen->display) > 0) {
    XEvent event;
    XNextEvent(studio.screen->display, &event);
    on_event(&event);
  }
}

/* The server tells of changes only once until they are looked at. */
static void look_away(void) {
  struct rect ignored[MOST_RECTS];
  if (!studio.open) screen_changes(studio.screen, ignored);
}

static void run(bool on) {
  studio.pace.untaken = 0;
  if (on == studio.open) {
    if (on) studio.pace.key_wanted = true;
    return;
  }
  if (!on) {
    studio_close(&studio);
    return look_away();
  }
  shape_changed = pointer_moved = true;
  studio_open(&studio);
}

static void take_still(const uint8_t *at, size_t length) {
  struct still_wanted wanted = still_read(at, length);
  /* The screen may just have got another size. */
  if (still_send(studio.screen, &out, wanted, studio.sequence)) return;
  if (screen_resized(studio.screen) && still_send(studio.screen, &out, wanted, studio.sequence)) return;
  wire_log(&out, "The still %u cannot be made.", wanted.request);
}

static void on_message(const struct message *message) {
  const uint8_t *at = message->payload;
  size_t length = message->length;
  if (message->type == MSG_KEYFRAME) studio.pace.key_wanted = true;
  else if (message->type == MSG_RATE && length >= 9)
    studio_set_rate(&studio, rate_within((struct rate){(int)(get32(at) & 0xffffff), get16(at + 4), at[8]}), scale_within(get16(at + 6)));
  else if (message->type == MSG_STILL_WANTED && length >= 9) take_still(at, length);
  else if (message->type == MSG_RUN && length >= 1) run(at[0] != 0);
  else if (message->type == MSG_TAKEN && length >= 4) studio_taken(&studio, get32(at));
  else if (message->type == MSG_TELL_CHANGES && length >= 1) {
    telling = at[0] != 0;
    look_away();
  }
}

static void tell_size(void) {
  put16(put16(wire_put(&out, MSG_SIZE, 0, 4), (uint16_t)studio.screen->width), (uint16_t)studio.screen->height);
}

static void resize_if_due(void) {
  if (resize_at == 0 || now_us() < resize_at) return;
  resize_at = 0;
  int width = studio.screen->width, height = studio.screen->height;
  if (!screen_resized(studio.screen)) {
    wire_log(&out, "There is no shared memory for the pixels of the screen.");
    return;
  }
  if (studio.screen->width == width && studio.screen->height == height) return;
  tell_size();
  if (studio.open) studio_open(&studio);
}

/* Only while nothing waits: many places of the pointer become one. */
static void send_cursor(void) {
  if (!studio.open || wire_pending(&out)) return;
  if (shape_changed) cursor_send_shape(studio.screen, &out);
  int64_t now = now_us();
  if (pointer_moved && now >= pointer_at) {
    cursor_send_place(studio.screen, &out, shape_changed);
    pointer_moved = false;
    pointer_at = now + POINTER_EVERY;
  }
  shape_changed = false;
}

static void tell_changes(void) {
  int64_t now = now_us();
  if (!telling || !changed || now < tell_at || wire_pending(&out)) return;
  changed = false;
  tell_at = now + TELL_EVERY;
  wire_put(&out, MSG_CHANGED, 0, 0);
  look_away();
}

/* Units: microseconds; -1: until something comes. */
static int64_t patience(void) {
  if (QLength(studio.screen->display) > 0) return 0;
  int64_t now = now_us(), wait = resize_at == 0 ? pace_wait(&studio.pace, now) : -1;
  bool free_way = !wire_pending(&out);
  int64_t others[] = {resize_at, studio.open && pointer_moved && free_way ? pointer_at : 0, telling && changed && free_way ? tell_at : 0};
  for (int i = 0; i < 3; i++) {
    if (others[i] == 0) continue;
    int64_t left = others[i] > now ? others[i] - now : 0;
    if (wait < 0 || left < wait) wait = left;
  }
  return wait;
}

static bool once(void) {
  take_events();
  struct message message;
  while (wire_next(&in, &message)) on_message(&message);
  resize_if_due();
  enum work work = resize_at == 0 && studio.open ? pace_next(&studio.pace, now_us()) : WORK_NONE;
  if (work != WORK_NONE && !studio_work(&studio, work)) {
    failed = true;
    return false;
  }
  send_cursor();
  tell_changes();
  if (!wire_flush(&out)) return false;
  XFlush(studio.screen->display);
  struct pollfd fds[] = {{ConnectionNumber(studio.screen->display), POLLIN, 0}, {in.fd, POLLIN, 0}, {out.fd, wire_pending(&out) ? POLLOUT : 0, 0}};
  int64_t wait = patience();
  struct timespec time = {wait / 1000000, wait % 1000000 * 1000};
  if (ppoll(fds, 3, wait < 0 ? NULL : &time, NULL) < 0 && errno != EINTR) return false;
  if (fds[2].revents & POLLERR) return false;
  return (fds[1].revents & (POLLIN | POLLHUP)) == 0 || wire_fill(&in);
}

int main(int count, char **words) {
  signal(SIGPIPE, SIG_IGN);
  /* Pictures are given back to the system when they are freed. */
  mallopt(M_MMAP_THRESHOLD, 256 << 10);
  studio = (struct studio){.options = options_of(count, words), .out = &out};
  wire_open(&in, &out, LONGEST);
  char reason[200];
  studio.screen = screen_open(studio.options.display, reason);
  if (studio.screen == NULL) {
    fprintf(stderr, "%s\n", reason);
    return 3;
  }
  tell_size();
  while (once()) continue;
  wire_flush(&out);
  return failed ? 4 : 0;
}
