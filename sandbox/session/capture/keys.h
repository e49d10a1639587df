#ifndef HELIX_KEYS_H
#define HELIX_KEYS_H
#include <X11/Xlib.h>
#include <stdbool.h>
#include <stddef.h>

/* Keys by what they say, not by where they lie: the layout of whoever types counts, not the one of the X server. */
void keys_open(Display *display);
/* A key that is down already is let go first: a repeat. */
void keys_press(KeySym symbol);
void keys_release(KeySym symbol);
/* Characters, each typed as a whole. */
void keys_type(const unsigned *codes, size_t count);
void keys_release_all(void);
/* The server's keys changed. */
void keys_changed(XMappingEvent *event);
#endif
