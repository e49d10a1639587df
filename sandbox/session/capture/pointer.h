#ifndef HELIX_POINTER_H
#define HELIX_POINTER_H
#include <X11/Xlib.h>
#include <stdbool.h>

void pointer_move(Display *display, int x, int y, bool relative);
/* Bits: left, middle, right, back, forward. */
void pointer_buttons(Display *display, unsigned buttons);
/* Units: 1/120 notches; what does not make a whole notch is kept. */
void pointer_wheel(Display *display, int x, int y);
#endif
