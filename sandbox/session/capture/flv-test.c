#include "flv.h"
#include "check.h"
#include <string.h>

static const uint8_t head[] = {'F', 'L', 'V', 1, 1, 0, 0, 0, 9, 0, 0, 0, 0};
/* One set of each kind, of two bytes. */
static const uint8_t sets[] = {9, 0, 0, 0x14, 0, 0, 0, 0, 0, 0, 0, 0x17, 0, 0, 0, 0, 1, 0x42, 0, 0x2a, 0xff, 0xe1, 0, 2, 0x67, 1, 1, 0, 2, 0x68, 2, 0, 0, 0, 0};
static const uint8_t key[] = {9, 0, 0, 0xc, 0, 0, 0, 0, 0, 0, 0, 0x17, 1, 0, 0, 0, 0, 0, 0, 3, 0x65, 7, 8, 0, 0, 0, 0};
static const uint8_t later[] = {9, 0, 0, 0xb, 0, 0, 0, 0, 0, 0, 0, 0x27, 1, 0, 0, 0, 0, 0, 0, 2, 0x41, 9, 0, 0, 0, 0};

static void came(struct flv *flv, const uint8_t *bytes, size_t length) {
  memcpy(flv_room(flv, length), bytes, length);
  flv_came(flv, length);
}

static void pictures_become_annex_b_byte_by_byte(void) {
  static const uint8_t wanted_key[] = {0, 0, 0, 1, 0x67, 1, 0, 0, 0, 1, 0x68, 2, 0, 0, 0, 1, 0x65, 7, 8};
  static const uint8_t wanted_later[] = {0, 0, 0, 1, 0x41, 9};
  uint8_t all[sizeof head + sizeof sets + sizeof key + sizeof later];
  uint8_t *end = all;
  end = (uint8_t *)memcpy(end, head, sizeof head) + sizeof head;
  end = (uint8_t *)memcpy(end, sets, sizeof sets) + sizeof sets;
  end = (uint8_t *)memcpy(end, key, sizeof key) + sizeof key;
  memcpy(end, later, sizeof later);
  struct flv flv = {0};
  int found = 0;
  for (size_t i = 0; i < sizeof all; i++) {
    came(&flv, all + i, 1);
    int next = flv_next(&flv);
    CHECK(next >= 0);
    if (next == 0) continue;
    const uint8_t *wanted = found == 0 ? wanted_key : wanted_later;
    size_t size = found == 0 ? sizeof wanted_key : sizeof wanted_later;
    CHECK(flv.key == (found == 0) && flv.unit_length == size && memcmp(flv.unit, wanted, size) == 0);
    found++;
  }
  CHECK(found == 2);
  flv_free(&flv);
}

static void nonsense_is_refused_or_waits(void) {
  srand(2);
  for (int round = 0; round < 20000; round++) {
    struct flv flv = {0};
    came(&flv, head, sizeof head);
    uint8_t bytes[64];
    for (size_t i = 0; i < sizeof bytes; i++) bytes[i] = (uint8_t)(rand() % 3 == 0 ? rand() : 0);
    bytes[0] = 9;
    bytes[1] = bytes[2] = 0;
    bytes[11] = 0x17;
    bytes[12] = (uint8_t)(rand() & 1);
    came(&flv, bytes, sizeof bytes);
    int next;
    while ((next = flv_next(&flv)) > 0) CHECK(flv.unit_length <= sizeof bytes + sizeof flv.sets);
    flv_free(&flv);
  }
}

int main(void) {
  pictures_become_annex_b_byte_by_byte();
  nonsense_is_refused_or_waits();
  return 0;
}
