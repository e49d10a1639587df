#include "wire.h"
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { HEAD = 6, LEAST_ROOM = 16 << 10 };

uint16_t get16(const uint8_t *at) { return (uint16_t)(at[0] << 8 | at[1]); }
uint32_t get32(const uint8_t *at) { return (uint32_t)get16(at) << 16 | get16(at + 2); }
uint8_t *put16(uint8_t *at, uint16_t value) {
  at[0] = (uint8_t)(value >> 8);
  at[1] = (uint8_t)value;
  return at + 2;
}
uint8_t *put32(uint8_t *at, uint32_t value) { return put16(put16(at, (uint16_t)(value >> 16)), (uint16_t)value); }
uint8_t *put64(uint8_t *at, uint64_t value) { return put32(put32(at, (uint32_t)(value >> 32)), (uint32_t)value); }

static void *room_for(void *data, size_t *room, size_t wanted) {
  if (wanted <= *room) return data;
  size_t next = *room < LEAST_ROOM ? LEAST_ROOM : *room;
  while (next < wanted) next *= 2;
  data = realloc(data, next);
  if (data == NULL) abort();
  *room = next;
  return data;
}

void wire_open(struct wire_in *in, struct wire_out *out, size_t limit) {
  *in = (struct wire_in){.fd = STDIN_FILENO, .limit = limit};
  *out = (struct wire_out){.fd = STDOUT_FILENO};
  fcntl(in->fd, F_SETFL, fcntl(in->fd, F_GETFL) | O_NONBLOCK);
  fcntl(out->fd, F_SETFL, fcntl(out->fd, F_GETFL) | O_NONBLOCK);
}

/* Moves what is left to the front; what a single large message needed is given back. */
static void settle(uint8_t **data, size_t *used, size_t *gone, size_t *room) {
  if (*gone == 0) return;
  memmove(*data, *data + *gone, *used - *gone);
  *used -= *gone;
  *gone = 0;
  if (*room <= 1 << 20 || *used > 0) return;
  free(*data);
  *data = NULL;
  *room = 0;
}

bool wire_fill(struct wire_in *in) {
  if (in->broken) return false;
  settle(&in->data, &in->used, &in->taken, &in->room);
  for (;;) {
    in->data = room_for(in->data, &in->room, in->used + 4096);
    ssize_t got = read(in->fd, in->data + in->used, in->room - in->used);
    if (got == 0) return false;
    if (got < 0) return errno == EAGAIN || errno == EINTR;
    in->used += (size_t)got;
    /* More than one message's worth waits in the pipe: the sender is held back. */
    if (in->used > in->limit) return true;
  }
}

bool wire_next(struct wire_in *in, struct message *message) {
  size_t there = in->used - in->taken;
  const uint8_t *at = in->data + in->taken;
  if (there < HEAD) return false;
  uint32_t length = get32(at);
  if (length < 2 || length > in->limit) {
    in->broken = true;
    return false;
  }
  if (there < 4 + (size_t)length) return false;
  *message = (struct message){.type = at[4], .flags = at[5], .payload = at + HEAD, .length = length - 2};
  in->taken += 4 + (size_t)length;
  return true;
}

uint8_t *wire_put(struct wire_out *out, enum message_type type, uint8_t flags, size_t length) {
  settle(&out->data, &out->used, &out->written, &out->room);
  out->data = room_for(out->data, &out->room, out->used + HEAD + length);
  uint8_t *at = put32(out->data + out->used, (uint32_t)(length + 2));
  at[0] = (uint8_t)type;
  at[1] = flags;
  out->used += HEAD + length;
  return at + 2;
}

void wire_log(struct wire_out *out, const char *format, ...) {
  char text[512];
  va_list args;
  va_start(args, format);
  vsnprintf(text, sizeof text, format, args);
  va_end(args);
  size_t length = strlen(text);
  memcpy(wire_put(out, MSG_LOG, 0, length), text, length);
}

bool wire_flush(struct wire_out *out) {
  while (wire_pending(out)) {
    ssize_t sent = write(out->fd, out->data + out->written, out->used - out->written);
    if (sent < 0) return errno == EAGAIN || errno == EINTR;
    out->written += (size_t)sent;
  }
  settle(&out->data, &out->used, &out->written, &out->room);
  return true;
}
