#ifndef HELIX_SERVE_H
#define HELIX_SERVE_H
#include "clipboard.h"
#include <X11/Xatom.h>

/* Atoms that selections speak with. */
struct atoms {
  Atom clipboard, targets, timestamp, incr, utf8, text, plain, plain_utf8, png, property;
};

/* Our side of giving: answers requests of other programs for what was set. */
void serve_open(Display *display, Window window, const struct atoms *atoms);
void serve_set(enum clipboard_kind kind, const uint8_t *data, size_t length);
enum clipboard_kind serve_holds(const uint8_t **data, size_t *length);
void serve_forget(void);
void serve_request(const XSelectionRequestEvent *request);
/* A program took a piece of a large one: the next goes out. */
void serve_taken(const XPropertyEvent *event);
/* Ends transfers that nobody takes; true: some go on. */
bool serve_tick(void);
#endif
