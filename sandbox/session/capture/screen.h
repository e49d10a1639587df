#ifndef HELIX_SCREEN_H
#define HELIX_SCREEN_H
#include <X11/Xlib.h>
#include <X11/Xutil.h>
#include <X11/extensions/XShm.h>
#include <stdbool.h>
#include <stdint.h>

struct rect {
  int x, y, width, height;
};
enum { MOST_RECTS = 16 };

/* The X server's screen: what changed on it, and its pixels. */
struct screen {
  Display *display;
  Window root;
  int width, height;
  /* Numbers of the first event of each extension. */
  int damage_event, fixes_event, randr_event, input_opcode;
  XID damage, region;
  XShmSegmentInfo segment;
  XImage *image;
  /* An answer of the server was an error: most likely the screen has another size by now. */
  bool failed;
};

/* Null: why not, in one sentence in `reason`. */
struct screen *screen_open(const char *name, char reason[200]);
/* Takes over the size that the screen has now; false: it has no memory for its pixels. */
bool screen_resized(struct screen *screen);
/* What changed since it was asked last, at most MOST_RECTS inside the screen. */
int screen_changes(struct screen *screen, struct rect rects[MOST_RECTS]);
/* Pixels of a part: 4 bytes each, blue first, rows of `width * 4` bytes, valid until the next call. Null: the server refused. */
const uint8_t *screen_pixels(struct screen *screen, struct rect part);
#endif
