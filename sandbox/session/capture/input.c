/* helix-input: keys, pointer and clipboard of whoever drives, on standard input. */
#include "clipboard.h"
#include "keys.h"
#include "pointer.h"
#include "utf8.h"
#include <X11/extensions/XTest.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Units: bytes. */
enum { LONGEST_TEXT = 4096 };

static Display *display;
static struct wire_in in;
static struct wire_out out;

static int on_error(Display *of, XErrorEvent *error) {
  (void)of;
  (void)error;
  /* Windows of other programs vanish at any time. */
  return 0;
}

static int on_lost(Display *of) {
  (void)of;
  _exit(3);
}

static void release_all(void) {
  keys_release_all();
  pointer_buttons(display, 0);
}

static void type(const uint8_t *text, size_t length) {
  unsigned codes[LONGEST_TEXT];
  size_t count = 0;
  for (size_t at = 0; at < length;) {
    at += utf8_next(text + at, length - at, &codes[count]);
    if (codes[count] != 0) count++;
  }
  keys_type(codes, count);
}

static void on_message(const struct message *message) {
  const uint8_t *at = message->payload;
  size_t length = message->length;
  if (message->type == MSG_POINTER && length >= 5) {
    pointer_move(display, (int16_t)get16(at), (int16_t)get16(at + 2), message->flags & POINTER_RELATIVE);
    pointer_buttons(display, at[4]);
  } else if (message->type == MSG_WHEEL && length >= 4) pointer_wheel(display, (int16_t)get16(at), (int16_t)get16(at + 2));
  else if (message->type == MSG_KEY && length >= 4) {
    if (message->flags & KEY_DOWN) keys_press(get32(at));
    else keys_release(get32(at));
  } else if (message->type == MSG_TEXT && length <= LONGEST_TEXT) type(at, length);
  else if (message->type == MSG_CLIPBOARD && length >= 1) clipboard_set(at[0], at + 1, length - 1);
  else if (message->type == MSG_CLIPBOARD_WANTED) clipboard_answer();
  else if (message->type == MSG_RELEASE_ALL) release_all();
}

static void take_events(void) {
  while (XPending(display) > 0) {
    XEvent event;
    XNextEvent(display, &event);
    if (event.type == MappingNotify) keys_changed(&event.xmapping);
    else clipboard_event(&event);
  }
}

static bool once(void) {
  struct message message;
  take_events();
  while (wire_next(&in, &message)) on_message(&message);
  XFlush(display);
  if (!wire_flush(&out)) return false;
  take_events();
  int wait = clipboard_tick() ? 1000 : -1;
  struct pollfd fds[] = {{ConnectionNumber(display), POLLIN, 0}, {in.fd, POLLIN, 0}, {out.fd, wire_pending(&out) ? POLLOUT : 0, 0}};
  XFlush(display);
  if (poll(fds, 3, QLength(display) > 0 ? 0 : wait) < 0 && errno != EINTR) return false;
  if (fds[2].revents & POLLERR) return false;
  return (fds[1].revents & (POLLIN | POLLHUP)) == 0 || wire_fill(&in);
}

static const char *display_of(int count, char **words) {
  if (count == 1) return NULL;
  if (count == 3 && strcmp(words[1], "--display") == 0) return words[2];
  fprintf(stderr, "The only option is --display.\n");
  _exit(2);
}

int main(int count, char **words) {
  signal(SIGPIPE, SIG_IGN);
  XSetErrorHandler(on_error);
  XSetIOErrorHandler(on_lost);
  display = XOpenDisplay(display_of(count, words));
  int event, error, major, minor;
  if (display == NULL || !XTestQueryExtension(display, &event, &error, &major, &minor)) {
    fprintf(stderr, display == NULL ? "No X server is there.\n" : "The X server has no XTEST extension.\n");
    return 3;
  }
  wire_open(&in, &out, MOST_CLIPBOARD + 16);
  keys_open(display);
  clipboard_open(display, &out);
  XSync(display, False);
  memcpy(wire_put(&out, MSG_STATUS, 0, 2), "{}", 2);
  while (once()) continue;
  release_all();
  XSync(display, False);
  return 0;
}
