#include "pointer.h"
#include <X11/extensions/XTest.h>

enum { NOTCH = 120, MOST_NOTCHES = 50 };

void pointer_move(Display *display, int x, int y, bool relative) {
  if (!relative) XTestFakeMotionEvent(display, -1, x, y, CurrentTime);
  else if (x != 0 || y != 0) XTestFakeRelativeMotionEvent(display, x, y, CurrentTime);
}

void pointer_buttons(Display *display, unsigned buttons) {
  static unsigned down;
  static const unsigned numbers[] = {1, 2, 3, 8, 9};
  for (int i = 0; i < 5; i++) {
    unsigned bit = 1u << i;
    if ((buttons & bit) != (down & bit)) XTestFakeButtonEvent(display, numbers[i], (buttons & bit) != 0, CurrentTime);
  }
  down = buttons & 31;
}

static void turn(Display *display, int *rest, int by, unsigned back, unsigned forth) {
  *rest += by;
  int notches = *rest / NOTCH;
  *rest -= notches * NOTCH;
  if (notches > MOST_NOTCHES) notches = MOST_NOTCHES;
  if (notches < -MOST_NOTCHES) notches = -MOST_NOTCHES;
  for (int i = 0; i < (notches < 0 ? -notches : notches); i++) {
    XTestFakeButtonEvent(display, notches < 0 ? back : forth, True, CurrentTime);
    XTestFakeButtonEvent(display, notches < 0 ? back : forth, False, CurrentTime);
  }
}

void pointer_wheel(Display *display, int x, int y) {
  static int rest_x, rest_y;
  turn(display, &rest_y, y, 4, 5);
  turn(display, &rest_x, x, 6, 7);
}
