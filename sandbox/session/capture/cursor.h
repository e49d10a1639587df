#ifndef HELIX_CURSOR_H
#define HELIX_CURSOR_H
#include "screen.h"
#include "wire.h"

/* The shape that the pointer has now. */
void cursor_send_shape(struct screen *screen, struct wire_out *out);
/* Where the pointer is, when that is not where it was last said to be; `again`: in any case. */
void cursor_send_place(struct screen *screen, struct wire_out *out, bool again);
#endif
