#ifndef HELIX_CLIPBOARD_H
#define HELIX_CLIPBOARD_H
#include "wire.h"
#include <X11/Xlib.h>

enum clipboard_kind { CLIPBOARD_TEXT = 0, CLIPBOARD_PNG = 1 };

/* The selection CLIPBOARD, both ways. */
void clipboard_open(Display *display, struct wire_out *out);
/* Ours from now on. */
void clipboard_set(enum clipboard_kind kind, const uint8_t *data, size_t length);
/* Sends what it holds now, with the flag CLIPBOARD_ANSWER; nothing in it is an empty text. */
void clipboard_answer(void);
/* True: the event was of the clipboard. */
bool clipboard_event(XEvent *event);
/* Gives up transfers whose other side has gone silent; call it each second while it answers true. */
bool clipboard_tick(void);
#endif
