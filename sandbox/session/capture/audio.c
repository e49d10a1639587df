/* helix-audio: what the desktop plays as Opus packets of 20 ms on standard output. It ends with its standard input. */
#include "clock.h"
#include "wire.h"
#include <opus/opus.h>
#include <poll.h>
#include <pulse/error.h>
#include <pulse/simple.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

enum { RATE = 48000, CHANNELS = 2, SAMPLES = RATE / 50, MOST_PACKET = 1500, BITS = 96000 };
/* Packets of silence after which none are sent, and how much may wait for the consumer before packets are left out. */
enum { QUIET_AFTER = 25, MOST_WAITING = 32 << 10 };

static bool silent(const int16_t *samples) {
  for (int i = 0; i < SAMPLES * CHANNELS; i++)
    if (samples[i] != 0) return false;
  return true;
}

static pa_simple *listen_to(const char *source) {
  const pa_sample_spec spec = {.format = PA_SAMPLE_S16NE, .rate = RATE, .channels = CHANNELS};
  /* Fragments of one packet: the server would collect two seconds otherwise. */
  const pa_buffer_attr sizes = {.maxlength = (uint32_t)-1, .tlength = (uint32_t)-1, .prebuf = (uint32_t)-1, .minreq = (uint32_t)-1, .fragsize = SAMPLES * CHANNELS * 2};
  int error;
  pa_simple *stream = pa_simple_new(NULL, "helix-audio", PA_STREAM_RECORD, source, "screen", &spec, NULL, &sizes, &error);
  if (stream == NULL) fprintf(stderr, "There is no sound: %s.\n", pa_strerror(error));
  return stream;
}

static bool consumer_is_there(struct wire_in *in) {
  struct pollfd fds[] = {{in->fd, POLLIN, 0}};
  struct message ignored;
  if (poll(fds, 1, 0) > 0 && !wire_fill(in)) return false;
  while (wire_next(in, &ignored)) continue;
  return true;
}

static bool send(struct wire_out *out, OpusEncoder *opus, const int16_t *samples, uint32_t sequence) {
  uint8_t packet[MOST_PACKET];
  uint64_t captured = unix_us();
  int length = opus_encode(opus, samples, SAMPLES, packet, sizeof packet);
  if (length < 0) return false;
  if (out->used - out->written < MOST_WAITING) memcpy(put64(put32(wire_put(out, MSG_AUDIO, 0, 12 + (size_t)length), sequence), captured), packet, (size_t)length);
  return true;
}

int main(int count, char **words) {
  signal(SIGPIPE, SIG_IGN);
  struct wire_in in;
  struct wire_out out;
  int error;
  pa_simple *stream = listen_to(count == 2 ? words[1] : "helix.monitor");
  OpusEncoder *opus = opus_encoder_create(RATE, CHANNELS, OPUS_APPLICATION_AUDIO, &error);
  if (stream == NULL || opus == NULL) return 3;
  opus_encoder_ctl(opus, OPUS_SET_BITRATE(BITS));
  /* Half of the best: nobody hears it, and it costs a third. */
  opus_encoder_ctl(opus, OPUS_SET_COMPLEXITY(5));
  wire_open(&in, &out, 64 << 10);
  int quiet = 0;
  for (uint32_t sequence = 1; consumer_is_there(&in) && wire_flush(&out); sequence++) {
    int16_t samples[SAMPLES * CHANNELS];
    if (pa_simple_read(stream, samples, sizeof samples, &error) < 0) return 3;
    quiet = silent(samples) ? quiet + 1 : 0;
    if (quiet <= QUIET_AFTER && !send(&out, opus, samples, sequence)) return 4;
  }
  return 0;
}
