#include "serve.h"
#include "clock.h"
#include <stdlib.h>
#include <string.h>

enum { MOST_TRANSFERS = 8, PIECE = 64 << 10 };
/* Units: microseconds. */
enum { PATIENCE = 10000000 };

/* A large clipboard on its way to a program, piece by piece: ICCCM 2.7.2. It keeps its own copy: another may be set meanwhile. */
struct transfer {
  Window window;
  Atom property, target;
  uint8_t *data;
  size_t length, sent;
  int64_t touched;
};

static Display *display;
static Window window;
static const struct atoms *atoms;
static uint8_t *data;
static size_t length;
static enum clipboard_kind kind;
static Time since;
static struct transfer transfers[MOST_TRANSFERS];

void serve_open(Display *from, Window own, const struct atoms *names) {
  display = from;
  window = own;
  atoms = names;
}

void serve_forget(void) {
  free(data);
  data = NULL;
  length = 0;
}

void serve_set(enum clipboard_kind what, const uint8_t *bytes, size_t size) {
  serve_forget();
  data = malloc(size + 1);
  if (data == NULL) return;
  memcpy(data, bytes, size);
  length = size;
  kind = what;
  since = CurrentTime;
  XSetSelectionOwner(display, atoms->clipboard, window, CurrentTime);
}

enum clipboard_kind serve_holds(const uint8_t **bytes, size_t *size) {
  *bytes = data;
  *size = length;
  return kind;
}

static void begin_transfer(const XSelectionRequestEvent *request, Atom property) {
  struct transfer *free_one = NULL;
  for (int i = 0; i < MOST_TRANSFERS; i++)
    if (transfers[i].data == NULL) free_one = &transfers[i];
  uint8_t *copy = free_one == NULL ? NULL : malloc(length);
  if (copy == NULL) return;
  memcpy(copy, data, length);
  *free_one = (struct transfer){request->requestor, property, request->target, copy, length, 0, now_us()};
  XSelectInput(display, request->requestor, PropertyChangeMask);
  long size = (long)length;
  XChangeProperty(display, request->requestor, property, atoms->incr, 32, PropModeReplace, (unsigned char *)&size, 1);
}

static bool give(const XSelectionRequestEvent *request, Atom property) {
  Atom target = request->target;
  if (target == atoms->targets) {
    Atom texts[] = {atoms->targets, atoms->timestamp, atoms->utf8, atoms->plain_utf8, atoms->plain, atoms->text, XA_STRING};
    Atom images[] = {atoms->targets, atoms->timestamp, atoms->png};
    bool text = kind == CLIPBOARD_TEXT;
    XChangeProperty(display, request->requestor, property, XA_ATOM, 32, PropModeReplace, (unsigned char *)(text ? texts : images), text ? 7 : 3);
    return true;
  }
  if (target == atoms->timestamp) {
    long time = (long)since;
    XChangeProperty(display, request->requestor, property, XA_INTEGER, 32, PropModeReplace, (unsigned char *)&time, 1);
    return true;
  }
  bool text = target == atoms->utf8 || target == atoms->plain_utf8 || target == atoms->plain || target == atoms->text || target == XA_STRING;
  if (kind == CLIPBOARD_TEXT ? !text : target != atoms->png) return false;
  Atom type = target == atoms->text ? atoms->utf8 : target;
  if (length > PIECE) begin_transfer(request, property);
  else XChangeProperty(display, request->requestor, property, type, 8, PropModeReplace, data, (int)length);
  return true;
}

void serve_request(const XSelectionRequestEvent *request) {
  Atom property = request->property == None ? request->target : request->property;
  bool given = data != NULL && request->selection == atoms->clipboard && give(request, property);
  XEvent answer = {.xselection = {.type = SelectionNotify,
                                  .display = display,
                                  .requestor = request->requestor,
                                  .selection = request->selection,
                                  .target = request->target,
                                  .property = given ? property : None,
                                  .time = request->time}};
  XSendEvent(display, request->requestor, False, 0, &answer);
}

static void end(struct transfer *transfer) {
  free(transfer->data);
  transfer->data = NULL;
}

void serve_taken(const XPropertyEvent *event) {
  if (event->state != PropertyDelete) return;
  for (int i = 0; i < MOST_TRANSFERS; i++) {
    struct transfer *transfer = &transfers[i];
    if (transfer->data == NULL || transfer->window != event->window || transfer->property != event->atom) continue;
    size_t left = transfer->length - transfer->sent, size = left < PIECE ? left : PIECE;
    XChangeProperty(display, transfer->window, transfer->property, transfer->target, 8, PropModeReplace, transfer->data + transfer->sent, (int)size);
    transfer->sent += size;
    transfer->touched = now_us();
    /* An empty piece is the end. */
    if (size == 0) end(transfer);
  }
}

bool serve_tick(void) {
  bool some = false;
  for (int i = 0; i < MOST_TRANSFERS; i++) {
    if (transfers[i].data == NULL) continue;
    if (now_us() - transfers[i].touched > PATIENCE) end(&transfers[i]);
    else some = true;
  }
  return some;
}
