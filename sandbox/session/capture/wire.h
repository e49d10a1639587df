#ifndef HELIX_WIRE_H
#define HELIX_WIRE_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Messages on standard input and output: u32 length, then u8 type, u8 flags and payload, big-endian. docs/stream-protocol.md tells what each means. */
enum message_type {
  MSG_FRAME = 1,
  MSG_CURSOR_SHAPE = 2,
  MSG_CURSOR_MOVE = 3,
  MSG_AUDIO = 4,
  MSG_CLIPBOARD = 5,
  MSG_STILL = 6,
  MSG_POINTER = 33,
  MSG_WHEEL = 34,
  MSG_KEY = 35,
  MSG_TEXT = 36,
  MSG_KEYFRAME = 64,
  MSG_RATE = 65,
  MSG_STILL_WANTED = 66,
  MSG_RUN = 67,
  MSG_TAKEN = 68,
  MSG_RELEASE_ALL = 69,
  MSG_CLIPBOARD_WANTED = 70,
  MSG_TELL_CHANGES = 71,
  MSG_STATUS = 80,
  MSG_LOG = 81,
  MSG_CHANGED = 82,
  MSG_SIZE = 83,
};

enum { FRAME_KEY = 1, FRAME_REFINEMENT = 2, CURSOR_HIDDEN = 1, KEY_DOWN = 1, POINTER_RELATIVE = 1, CLIPBOARD_ANSWER = 1 };

/* Units: bytes. */
#define MOST_CLIPBOARD (4u << 20)

struct message {
  uint8_t type, flags;
  const uint8_t *payload;
  size_t length;
};

/* What came in and is not taken yet. */
struct wire_in {
  int fd;
  size_t limit;
  uint8_t *data;
  size_t used, room, taken;
  /* A length that cannot be: nothing after it can be understood. */
  bool broken;
};

/* What goes out and is not written yet. */
struct wire_out {
  int fd;
  uint8_t *data;
  size_t used, room, written;
};

/* `limit`: bytes of the longest message that may come. */
void wire_open(struct wire_in *in, struct wire_out *out, size_t limit);
/* Reads what is there. False: the other side is gone, or says a message longer than the limit, after which nothing can be understood. */
bool wire_fill(struct wire_in *in);
/* The next whole message; it is valid until the next call. */
bool wire_next(struct wire_in *in, struct message *message);

/* Begins a message of a payload of `length` bytes; the answer is where the payload goes, valid until the next call. */
uint8_t *wire_put(struct wire_out *out, enum message_type type, uint8_t flags, size_t length);
void wire_log(struct wire_out *out, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Writes what the other side takes now. False: it is gone. */
bool wire_flush(struct wire_out *out);
static inline bool wire_pending(const struct wire_out *out) { return out->used > out->written; }

uint16_t get16(const uint8_t *at);
uint32_t get32(const uint8_t *at);
uint8_t *put16(uint8_t *at, uint16_t value);
uint8_t *put32(uint8_t *at, uint32_t value);
uint8_t *put64(uint8_t *at, uint64_t value);
#endif
