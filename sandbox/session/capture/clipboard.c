#include "clipboard.h"
#include "clock.h"
#include "serve.h"
#include <X11/extensions/Xfixes.h>
#include <stdlib.h>
#include <string.h>

/* Units: microseconds. */
enum { PATIENCE = 5000000 };

static Display *display;
static Window window;
static struct wire_out *out;
static struct atoms atoms;
static int fixes_event;

/* What is being fetched from the program that has the clipboard. */
static struct {
  bool running, incremental, answers;
  enum clipboard_kind kind;
  uint8_t *data;
  size_t length;
  int64_t touched;
} fetch;

static Atom atom(const char *name) { return XInternAtom(display, name, False); }

void clipboard_open(Display *from, struct wire_out *to) {
  display = from;
  out = to;
  int error;
  XFixesQueryExtension(display, &fixes_event, &error);
  atoms = (struct atoms){atom("CLIPBOARD"), atom("TARGETS"), atom("TIMESTAMP"),  atom("INCR"),     atom("UTF8_STRING"),
                         atom("TEXT"), atom("text/plain"), atom("text/plain;charset=utf-8"), atom("image/png"), atom("HELIX_CLIPBOARD")};
  window = XCreateSimpleWindow(display, DefaultRootWindow(display), -1, -1, 1, 1, 0, 0, 0);
  XSelectInput(display, window, PropertyChangeMask);
  XFixesSelectSelectionInput(display, window, atoms.clipboard, XFixesSetSelectionOwnerNotifyMask);
  serve_open(display, window, &atoms);
}

static void send(enum clipboard_kind kind, const uint8_t *data, size_t length, bool answers) {
  uint8_t *at = wire_put(out, MSG_CLIPBOARD, answers ? CLIPBOARD_ANSWER : 0, 1 + length);
  at[0] = (uint8_t)kind;
  if (length > 0) memcpy(at + 1, data, length);
}

void clipboard_set(enum clipboard_kind kind, const uint8_t *data, size_t length) {
  if (length <= MOST_CLIPBOARD && kind <= CLIPBOARD_PNG) serve_set(kind, data, length);
}

static void end_fetch(bool whole) {
  /* Whoever asked is told in any case. */
  if (whole || fetch.answers) send(whole ? fetch.kind : CLIPBOARD_TEXT, fetch.data, whole ? fetch.length : 0, fetch.answers);
  free(fetch.data);
  memset(&fetch, 0, sizeof fetch);
}

static void ask_for(Atom target) {
  fetch.touched = now_us();
  XConvertSelection(display, atoms.clipboard, target, atoms.property, window, CurrentTime);
}

static void begin_fetch(bool answers) {
  bool asked = answers || fetch.answers;
  free(fetch.data);
  memset(&fetch, 0, sizeof fetch);
  fetch.running = true;
  fetch.answers = asked;
  ask_for(atoms.targets);
}

void clipboard_answer(void) {
  const uint8_t *data;
  size_t length;
  Window owner = XGetSelectionOwner(display, atoms.clipboard);
  if (owner == None) return send(CLIPBOARD_TEXT, NULL, 0, true);
  if (owner != window) return begin_fetch(true);
  enum clipboard_kind kind = serve_holds(&data, &length);
  send(kind, data, length, true);
}

/* Reads and removes the property that the other program wrote. */
static unsigned char *read_property(Atom *type, size_t *bytes) {
  int format = 0;
  unsigned long items = 0, left = 0;
  unsigned char *data = NULL;
  XGetWindowProperty(display, window, atoms.property, 0, (MOST_CLIPBOARD + 4) / 4, True, AnyPropertyType, type, &format, &items, &left, &data);
  *bytes = format == 32 ? items * sizeof(long) : items * (unsigned)format / 8;
  /* Only what was read whole is gone from the window. */
  if (left > 0) XDeleteProperty(display, window, atoms.property);
  if (left > 0) *bytes = MOST_CLIPBOARD + 1;
  return data;
}

static void choose(const Atom *targets, size_t count) {
  Atom wanted = None;
  for (size_t i = 0; i < count; i++) {
    if (targets[i] == atoms.utf8 || targets[i] == atoms.plain_utf8) wanted = targets[i];
    if (targets[i] == atoms.png && wanted == None) wanted = atoms.png;
    if (targets[i] == XA_STRING && wanted == None) wanted = XA_STRING;
  }
  if (wanted == None) return end_fetch(false);
  fetch.kind = wanted == atoms.png ? CLIPBOARD_PNG : CLIPBOARD_TEXT;
  ask_for(wanted);
}

static void add(const unsigned char *data, size_t bytes) {
  if (fetch.length + bytes > MOST_CLIPBOARD) {
    wire_log(out, "What was copied is larger than 4 MiB and stays where it is.");
    return end_fetch(false);
  }
  uint8_t *grown = realloc(fetch.data, fetch.length + bytes + 1);
  if (grown == NULL) return end_fetch(false);
  fetch.data = grown;
  memcpy(fetch.data + fetch.length, data, bytes);
  fetch.length += bytes;
}

static void on_answer(const XSelectionEvent *event) {
  if (!fetch.running || event->selection != atoms.clipboard) return;
  if (event->property == None) return end_fetch(false);
  Atom type;
  size_t bytes;
  unsigned char *data = read_property(&type, &bytes);
  fetch.touched = now_us();
  if (event->target == atoms.targets) choose((const Atom *)data, type == XA_ATOM ? bytes / sizeof(Atom) : 0);
  else if (type == atoms.incr) fetch.incremental = true;
  else {
    add(data, bytes);
    if (fetch.running) end_fetch(true);
  }
  if (data != NULL) XFree(data);
}

static void on_piece(void) {
  Atom type;
  size_t bytes;
  unsigned char *data = read_property(&type, &bytes);
  fetch.touched = now_us();
  if (bytes == 0) end_fetch(true);
  else add(data, bytes);
  if (data != NULL) XFree(data);
}

bool clipboard_event(XEvent *event) {
  if (event->type == fixes_event + XFixesSelectionNotify) {
    const XFixesSelectionNotifyEvent *change = (const XFixesSelectionNotifyEvent *)event;
    if (change->owner != window && change->owner != None) begin_fetch(false);
    return true;
  }
  if (event->type == SelectionNotify) on_answer(&event->xselection);
  else if (event->type == SelectionRequest) serve_request(&event->xselectionrequest);
  else if (event->type == SelectionClear) serve_forget();
  else if (event->type == PropertyNotify && event->xproperty.window != window) serve_taken(&event->xproperty);
  else if (event->type == PropertyNotify && event->xproperty.state == PropertyNewValue && event->xproperty.atom == atoms.property) {
    if (fetch.incremental) on_piece();
    /* The rest of what was given up: its owner waits until each piece is gone. */
    else if (!fetch.running) XDeleteProperty(display, window, atoms.property);
  } else return false;
  return true;
}

bool clipboard_tick(void) {
  if (fetch.running && now_us() - fetch.touched > PATIENCE) end_fetch(false);
  bool serving = serve_tick();
  return serving || fetch.running;
}
