#include "wire.h"
#include "check.h"
#include <string.h>
#include <unistd.h>

static struct wire_in in;
static struct wire_out out;

/* What is written comes in again. */
static void open_loop(size_t limit) {
  int pipes[2];
  CHECK(pipe(pipes) == 0);
  CHECK(dup2(pipes[0], STDIN_FILENO) >= 0 && dup2(pipes[1], STDOUT_FILENO) >= 0);
  close(pipes[0]);
  close(pipes[1]);
  wire_open(&in, &out, limit);
}

static void messages_come_whole_whatever_their_pieces(void) {
  open_loop(1000);
  for (int i = 0; i < 100; i++) memset(wire_put(&out, MSG_TEXT, (uint8_t)i, (size_t)i), i, (size_t)i);
  struct message message;
  int found = 0;
  for (size_t at = out.written; at < out.used; at += 7) {
    size_t size = out.used - at < 7 ? out.used - at : 7;
    CHECK(write(STDOUT_FILENO, out.data + at, size) == (ssize_t)size);
    CHECK(wire_fill(&in));
    while (wire_next(&in, &message)) {
      CHECK(message.type == MSG_TEXT && message.flags == found && message.length == (size_t)found);
      for (int i = 0; i < found; i++) CHECK(message.payload[i] == found);
      found++;
    }
  }
  CHECK(found == 100);
}

static void nonsense_ends_the_conversation(void) {
  static const uint8_t lengths[][4] = {{0, 0, 0, 0}, {0, 0, 0, 1}, {0, 0, 4, 0}, {0xff, 0xff, 0xff, 0xff}};
  for (int i = 0; i < 4; i++) {
    open_loop(1000);
    struct message message;
    CHECK(write(STDOUT_FILENO, lengths[i], 4) == 4 && write(STDOUT_FILENO, "abc", 3) == 3);
    CHECK(wire_fill(&in));
    CHECK(!wire_next(&in, &message));
    CHECK(!wire_fill(&in));
  }
}

static void random_bytes_never_leave_the_buffer(void) {
  srand(1);
  for (int round = 0; round < 2000; round++) {
    open_loop(300);
    uint8_t bytes[600];
    for (size_t i = 0; i < sizeof bytes; i++) bytes[i] = (uint8_t)(rand() % 5 == 0 ? rand() : 0);
    CHECK(write(STDOUT_FILENO, bytes, sizeof bytes) == (ssize_t)sizeof bytes);
    struct message message;
    while (wire_fill(&in)) {
      while (wire_next(&in, &message)) CHECK(message.length <= 298 && message.payload + message.length <= in.data + in.used);
      if (in.used < sizeof bytes) break;
    }
    free(in.data);
  }
}

int main(void) {
  messages_come_whole_whatever_their_pieces();
  nonsense_ends_the_conversation();
  random_bytes_never_leave_the_buffer();
  return 0;
}
