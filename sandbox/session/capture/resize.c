/* helix-resize: gives the screen a size, `helix-resize 1920 1080`. */
#include <X11/Xlib.h>
#include <X11/extensions/Xrandr.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static RRMode find_mode(const XRRScreenResources *all, unsigned width, unsigned height) {
  for (int i = 0; i < all->nmode; i++)
    if (all->modes[i].width == width && all->modes[i].height == height) return all->modes[i].id;
  return None;
}

static RRMode make_mode(Display *display, Window root, RROutput output, unsigned width, unsigned height) {
  char name[32];
  snprintf(name, sizeof name, "helix-%ux%u", width, height);
  XRRModeInfo mode = {.width = width, .height = height, .dotClock = (unsigned long)width * height * 60, .hSyncStart = width, .hSyncEnd = width, .hTotal = width, .vSyncStart = height, .vSyncEnd = height, .vTotal = height, .name = name, .nameLength = (unsigned)strlen(name)};
  RRMode made = XRRCreateMode(display, root, &mode);
  XRRAddOutputMode(display, output, made);
  return made;
}

/* Modes of earlier sizes would gather. */
static void forget_others(Display *display, Window root, RROutput output, RRMode keep) {
  XRRScreenResources *all = XRRGetScreenResourcesCurrent(display, root);
  for (int i = 0; all != NULL && i < all->nmode; i++) {
    if (all->modes[i].id == keep || strncmp(all->modes[i].name, "helix-", 6) != 0) continue;
    XRRDeleteOutputMode(display, output, all->modes[i].id);
    XRRDestroyMode(display, all->modes[i].id);
  }
  if (all != NULL) XRRFreeScreenResources(all);
}

static Status set_size(Display *display, Window root, XRRScreenResources *all, unsigned width, unsigned height) {
  RROutput output = all->outputs[0];
  RRCrtc crtc = all->crtcs[0];
  RRMode mode = find_mode(all, width, height);
  if (mode == None) mode = make_mode(display, root, output, width, height);
  XGrabServer(display);
  XRRSetCrtcConfig(display, all, crtc, CurrentTime, 0, 0, None, RR_Rotate_0, NULL, 0);
  /* 96 dots per inch; how large things are drawn is a setting of their own. */
  XRRSetScreenSize(display, root, (int)width, (int)height, (int)(width * 254 / 960), (int)(height * 254 / 960));
  Status status = XRRSetCrtcConfig(display, all, crtc, CurrentTime, 0, 0, mode, RR_Rotate_0, &output, 1);
  XUngrabServer(display);
  forget_others(display, root, output, mode);
  XSync(display, False);
  return status;
}

int main(int count, char **words) {
  unsigned width = count == 3 ? (unsigned)atoi(words[1]) : 0, height = count == 3 ? (unsigned)atoi(words[2]) : 0;
  if (width < 16 || height < 16 || width > 16384 || height > 16384) {
    fprintf(stderr, "Say a width and a height in pixels.\n");
    return 2;
  }
  Display *display = XOpenDisplay(NULL);
  if (display == NULL) {
    fprintf(stderr, "No X server is there.\n");
    return 3;
  }
  Window root = DefaultRootWindow(display);
  XRRScreenResources *all = XRRGetScreenResources(display, root);
  if (all == NULL || all->noutput == 0 || all->ncrtc == 0) {
    fprintf(stderr, "The X server cannot change its size.\n");
    return 4;
  }
  if (set_size(display, root, all, width, height) == RRSetConfigSuccess) return 0;
  fprintf(stderr, "The X server refuses %u x %u pixels.\n", width, height);
  return 5;
}
