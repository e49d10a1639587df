#ifndef HELIX_PICTURE_H
#define HELIX_PICTURE_H
#include "screen.h"

/* A screen in the encoder's colours (I420, BT.601, limited range) and which macroblocks of 16 x 16 pixels changed. */
struct picture {
  int width, height;
  int stride;
  uint8_t *y, *u, *v;
  int columns, rows;
  /* One for each macroblock: 1, it changed since `picture_settled`. */
  uint8_t *changed;
  /* What comes in is compared here first. */
  uint8_t *next_y, *next_u, *next_v;
};

bool picture_open(struct picture *picture, int width, int height);
void picture_close(struct picture *picture);
/* The macroblocks that a part touches. */
struct rect picture_grid(const struct picture *picture, struct rect part);
/* Takes over pixels of a part that lies on the grid; answers whether any differs from what was there. */
bool picture_take(struct picture *picture, struct rect part, const uint8_t *pixels);
/* Takes over a whole picture of another size. */
bool picture_scale(struct picture *picture, const struct picture *from);
void picture_settled(struct picture *picture);
#endif
