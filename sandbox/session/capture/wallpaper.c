/* helix-wallpaper: paints the background of the screen at its size, `light` or `dark`, and ends; the X server keeps it. */
#include <X11/Xatom.h>
#include <X11/Xlib.h>
#include <X11/Xutil.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct colour {
  float red, green, blue;
};
struct look {
  struct colour top, bottom, band;
};
static const struct look light = {{214, 224, 240}, {156, 178, 212}, {250, 252, 255}};
static const struct look dark = {{30, 36, 54}, {14, 18, 30}, {58, 86, 140}};

static struct colour mixed(struct colour one, struct colour other, float share) {
  return (struct colour){one.red + (other.red - one.red) * share, one.green + (other.green - one.green) * share, one.blue + (other.blue - one.blue) * share};
}

/* A strand of a helix that winds across: near its middle line its colour shines through. */
static float shine(float x, float y, float phase) {
  float middle = 0.62f + 0.16f * sinf(x * 4.2f + phase), depth = 0.5f + 0.5f * cosf(x * 4.2f + phase);
  float away = (y - middle) / (0.035f + 0.05f * depth);
  return expf(-away * away) * (0.12f + 0.22f * depth);
}

/* Colours between two steps alternate from pixel to pixel, or bands would show. */
static unsigned dithered(float value, int x, int y) {
  static const float threshold[4][4] = {{0, 8, 2, 10}, {12, 4, 14, 6}, {3, 11, 1, 9}, {15, 7, 13, 5}};
  int whole = (int)(value + (threshold[y & 3][x & 3] + 0.5f) / 16);
  return (unsigned)(whole < 0 ? 0 : whole > 255 ? 255 : whole);
}

static void paint(XImage *image, const struct look *look) {
  for (int y = 0; y < image->height; y++)
    for (int x = 0; x < image->width; x++) {
      float across = (float)x / (float)image->width, down = (float)y / (float)image->height;
      struct colour colour = mixed(look->top, look->bottom, down);
      colour = mixed(colour, look->band, shine(across, down, 0.4f));
      colour = mixed(colour, look->band, shine(across, down, 3.54f));
      uint32_t *pixel = (uint32_t *)(void *)(image->data + (size_t)y * (size_t)image->bytes_per_line) + x;
      *pixel = dithered(colour.red, x, y) << 16 | dithered(colour.green, x, y) << 8 | dithered(colour.blue, x, y);
    }
}

/* The one before goes when its owner is known: other programs find it by the same names. */
static void forget_earlier(Display *display, Window root, Atom name) {
  Atom type;
  int format;
  unsigned long items, left;
  unsigned char *data = NULL;
  XGetWindowProperty(display, root, name, 0, 1, False, XA_PIXMAP, &type, &format, &items, &left, &data);
  if (data != NULL && type == XA_PIXMAP && items == 1) XKillClient(display, *(Pixmap *)(void *)data);
  if (data != NULL) XFree(data);
}

int main(int count, char **words) {
  Display *display = XOpenDisplay(NULL);
  if (count != 2 || display == NULL) {
    fprintf(stderr, display == NULL ? "No X server is there.\n" : "Say light or dark.\n");
    return 2;
  }
  int screen = DefaultScreen(display);
  Window root = RootWindow(display, screen);
  unsigned width = (unsigned)DisplayWidth(display, screen), height = (unsigned)DisplayHeight(display, screen);
  char *data = malloc((size_t)width * height * 4);
  XImage *image = XCreateImage(display, DefaultVisual(display, screen), 24, ZPixmap, 0, data, width, height, 32, 0);
  if (data == NULL || image == NULL || DefaultDepth(display, screen) != 24) return 3;
  paint(image, strcmp(words[1], "dark") == 0 ? &dark : &light);
  Pixmap pixmap = XCreatePixmap(display, root, width, height, 24);
  XPutImage(display, pixmap, DefaultGC(display, screen), image, 0, 0, 0, 0, width, height);
  Atom names[] = {XInternAtom(display, "_XROOTPMAP_ID", False), XInternAtom(display, "ESETROOT_PMAP_ID", False)};
  forget_earlier(display, root, names[0]);
  for (int i = 0; i < 2; i++) XChangeProperty(display, root, names[i], XA_PIXMAP, 32, PropModeReplace, (unsigned char *)&pixmap, 1);
  XSetWindowBackgroundPixmap(display, root, pixmap);
  XClearWindow(display, root);
  XSetCloseDownMode(display, RetainPermanent);
  XSync(display, False);
  return 0;
}
