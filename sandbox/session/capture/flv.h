#ifndef HELIX_FLV_H
#define HELIX_FLV_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * H.264 in FLV, made into Annex B. FLV because each picture stands in it with its length: of bare H.264 the end of a picture shows only in the next one, a
 * frame too late.
 */
struct flv {
  uint8_t *data;
  size_t used, room;
  bool begun;
  /* Parameter sets, in Annex B. */
  uint8_t sets[1024];
  size_t sets_length;
  /* The picture that was found last. */
  uint8_t *unit;
  size_t unit_length, unit_room;
  bool key;
};

/* Where `length` more bytes are to be put; then say how many came. Null: there is no memory. */
uint8_t *flv_room(struct flv *flv, size_t length);
void flv_came(struct flv *flv, size_t length);
/* Takes what came: 1, there is a picture in `unit`; 0, more is needed; -1, this is not FLV. */
int flv_next(struct flv *flv);
void flv_free(struct flv *flv);
#endif
