#include "screen.h"
#include <X11/extensions/XInput2.h>
#include <X11/extensions/Xdamage.h>
#include <X11/extensions/Xfixes.h>
#include <X11/extensions/Xrandr.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ipc.h>
#include <sys/shm.h>
#include <unistd.h>

static struct screen the;

static int on_error(Display *display, XErrorEvent *error) {
  (void)display;
  (void)error;
  the.failed = true;
  return 0;
}

/* Xlib ends the process after this one: the server is gone, and whoever started us starts us again. */
static int on_lost(Display *display) {
  (void)display;
  _exit(3);
}

static const char *use_extensions(void) {
  int event, error;
  if (!XDamageQueryExtension(the.display, &the.damage_event, &error)) return "The X server has no DAMAGE extension.";
  if (!XFixesQueryExtension(the.display, &the.fixes_event, &error)) return "The X server has no XFIXES extension.";
  if (!XRRQueryExtension(the.display, &the.randr_event, &error)) return "The X server has no RANDR extension.";
  if (!XShmQueryExtension(the.display)) return "The X server has no MIT-SHM extension.";
  if (!XQueryExtension(the.display, "XInputExtension", &the.input_opcode, &event, &error)) return "The X server has no XInputExtension.";
  int major = 2, minor = 2;
  XIQueryVersion(the.display, &major, &minor);
  return NULL;
}

static void listen(void) {
  the.damage = XDamageCreate(the.display, the.root, XDamageReportNonEmpty);
  the.region = XFixesCreateRegion(the.display, NULL, 0);
  XFixesSelectCursorInput(the.display, the.root, XFixesDisplayCursorNotifyMask);
  XRRSelectInput(the.display, the.root, RRScreenChangeNotifyMask);
  unsigned char bits[XIMaskLen(XI_RawMotion)] = {0};
  XISetMask(bits, XI_RawMotion);
  XIEventMask mask = {.deviceid = XIAllMasterDevices, .mask_len = sizeof bits, .mask = bits};
  XISelectEvents(the.display, the.root, &mask, 1);
}

struct screen *screen_open(const char *name, char reason[200]) {
  XSetErrorHandler(on_error);
  XSetIOErrorHandler(on_lost);
  the.display = XOpenDisplay(name);
  if (the.display == NULL) {
    snprintf(reason, 200, "The display %s cannot be opened: no X server is there.", name);
    return NULL;
  }
  int number = DefaultScreen(the.display);
  Visual *visual = DefaultVisual(the.display, number);
  const char *lacks = use_extensions();
  if (lacks == NULL && (DefaultDepth(the.display, number) != 24 || visual->red_mask != 0xff0000 || visual->blue_mask != 0xff))
    lacks = "The X server's pixels are not of 24 bits with red first.";
  if (lacks != NULL) {
    snprintf(reason, 200, "%s", lacks);
    return NULL;
  }
  the.root = RootWindow(the.display, number);
  the.segment.shmid = -1;
  listen();
  if (screen_resized(&the)) return &the;
  snprintf(reason, 200, "There is no shared memory for the pixels of the screen.");
  return NULL;
}

static void forget_pixels(struct screen *screen) {
  if (screen->image == NULL) return;
  XShmDetach(screen->display, &screen->segment);
  screen->image->data = NULL;
  XDestroyImage(screen->image);
  screen->image = NULL;
  shmdt(screen->segment.shmaddr);
}

bool screen_resized(struct screen *screen) {
  forget_pixels(screen);
  XWindowAttributes root;
  XGetWindowAttributes(screen->display, screen->root, &root);
  screen->width = root.width & ~1;
  screen->height = root.height & ~1;
  size_t bytes = (size_t)screen->width * (size_t)screen->height * 4;
  XShmSegmentInfo *segment = &screen->segment;
  segment->shmid = shmget(IPC_PRIVATE, bytes, IPC_CREAT | 0600);
  if (segment->shmid < 0) return false;
  segment->shmaddr = shmat(segment->shmid, NULL, 0);
  segment->readOnly = False;
  screen->failed = false;
  if (segment->shmaddr != (void *)-1) {
    XShmAttach(screen->display, segment);
    XSync(screen->display, False);
  }
  /* It lives as long as somebody has it attached, whoever dies. */
  shmctl(segment->shmid, IPC_RMID, NULL);
  if (segment->shmaddr == (void *)-1 || screen->failed) return false;
  Visual *visual = DefaultVisual(screen->display, DefaultScreen(screen->display));
  screen->image = XShmCreateImage(screen->display, visual, 24, ZPixmap, segment->shmaddr, segment, (unsigned)screen->width, (unsigned)screen->height);
  return screen->image != NULL;
}

static bool clip(const struct screen *screen, const XRectangle *from, struct rect *to) {
  int right = from->x + from->width, bottom = from->y + from->height;
  if (right > screen->width) right = screen->width;
  if (bottom > screen->height) bottom = screen->height;
  int x = from->x < 0 ? 0 : from->x, y = from->y < 0 ? 0 : from->y;
  *to = (struct rect){x, y, right - x, bottom - y};
  return to->width > 0 && to->height > 0;
}

int screen_changes(struct screen *screen, struct rect rects[MOST_RECTS]) {
  XDamageSubtract(screen->display, screen->damage, None, screen->region);
  int count = 0, found = 0;
  XRectangle bounds;
  XRectangle *all = XFixesFetchRegionAndBounds(screen->display, screen->region, &count, &bounds);
  if (count > MOST_RECTS) found = clip(screen, &bounds, &rects[0]);
  else
    for (int i = 0; i < count; i++) found += clip(screen, &all[i], &rects[found]);
  if (all != NULL) XFree(all);
  return found;
}

const uint8_t *screen_pixels(struct screen *screen, struct rect part) {
  XImage *image = screen->image;
  image->width = part.width;
  image->height = part.height;
  image->bytes_per_line = part.width * 4;
  screen->failed = false;
  bool got = XShmGetImage(screen->display, screen->root, image, part.x, part.y, AllPlanes);
  return got && !screen->failed ? (const uint8_t *)image->data : NULL;
}
