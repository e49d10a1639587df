/* Hardware encoders, as a child process of ffmpeg: raw pictures in, FLV out. Nothing here was tested with hardware; x264 stands in for it in tests. */
#include "clock.h"
#include "encoder.h"
#include "flv.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

/* Units: microseconds. A driver takes its time for the first picture. */
enum { FIRST_WITHIN = 4000000, NEXT_WITHIN = 1000000, PROBE_WITHIN = 400000 };
enum { READ_AT_ONCE = 64 << 10, MOST_LAG = 3 };

struct state {
  char name[48];
  int width, height;
  struct rate rate;
  pid_t child;
  int to, from;
  bool warm;
  /* ffmpeg gives a picture away only when so many more have come, and so gets each as often more. */
  int lag;
  int fed, given;
  struct flv flv;
};

static void stop(struct state *state) {
  if (state->child == 0) return;
  close(state->to);
  close(state->from);
  kill(state->child, SIGKILL);
  while (waitpid(state->child, NULL, 0) < 0 && errno == EINTR) continue;
  state->child = 0;
  state->warm = false;
  state->fed = state->given = 0;
  flv_free(&state->flv);
}

/* What each kind of encoder wants besides what all have; null ends it. */
static const char *const *own_options(const char *name) {
  static const char *const nvenc[] = {"-preset", "p1", "-tune", "ull", "-zerolatency", "1", "-delay", "0", "-rc", "vbr", NULL};
  static const char *const vaapi[] = {"-async_depth", "1", "-profile:v", "constrained_baseline", NULL};
  static const char *const software[] = {"-preset", "ultrafast", "-tune", "zerolatency", NULL};
  static const char *const none[] = {NULL};
  if (strstr(name, "nvenc") != NULL) return nvenc;
  if (strstr(name, "vaapi") != NULL) return vaapi;
  return strcmp(name, "libx264") == 0 ? software : none;
}

static int arguments(const struct state *state, const char *words[64], char texts[4][32]) {
  int count = 0;
  snprintf(texts[0], 32, "%dx%d", state->width, state->height);
  snprintf(texts[1], 32, "%d", state->rate.fps);
  snprintf(texts[2], 32, "%dk", state->rate.kbps);
  snprintf(texts[3], 32, "%dk", state->rate.kbps / 5);
  const char *const input[] = {"ffmpeg", "-nostdin", "-hide_banner", "-loglevel", "quiet", "-probesize", "32", "-analyzeduration", "0", "-fflags", "nobuffer"};
  const char *const raw[] = {"-f", "rawvideo", "-pix_fmt", "yuv420p", "-s", texts[0], "-r", texts[1], "-i", "pipe:0"};
  const char *const upload[] = {"-vf", "format=nv12,hwupload"};
  const char *const coded[] = {"-c:v", state->name, "-g", "1000000", "-bf", "0", "-b:v", texts[2], "-maxrate", texts[2], "-bufsize", texts[3]};
  const char *const output[] = {"-f", "flv", "-flvflags", "no_duration_filesize", "-flush_packets", "1", "pipe:1"};
  bool vaapi = strstr(state->name, "vaapi") != NULL;
  for (size_t i = 0; i < sizeof input / sizeof *input; i++) words[count++] = input[i];
  if (vaapi) {
    words[count++] = "-vaapi_device";
    words[count++] = "/dev/dri/renderD128";
  }
  for (size_t i = 0; i < sizeof raw / sizeof *raw; i++) words[count++] = raw[i];
  for (size_t i = 0; vaapi && i < 2; i++) words[count++] = upload[i];
  for (size_t i = 0; i < sizeof coded / sizeof *coded; i++) words[count++] = coded[i];
  for (const char *const *own = own_options(state->name); *own != NULL; own++) words[count++] = *own;
  for (size_t i = 0; i < sizeof output / sizeof *output; i++) words[count++] = output[i];
  words[count] = NULL;
  return count;
}

static bool start(struct state *state) {
  int in[2], out[2];
  if (pipe2(in, O_CLOEXEC) < 0) return false;
  if (pipe2(out, O_CLOEXEC) < 0) {
    close(in[0]);
    close(in[1]);
    return false;
  }
  const char *words[64];
  char texts[4][32];
  arguments(state, words, texts);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, in[0], STDIN_FILENO);
  posix_spawn_file_actions_adddup2(&actions, out[1], STDOUT_FILENO);
  posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
  pid_t child;
  bool started = posix_spawnp(&child, "ffmpeg", &actions, NULL, (char *const *)words, environ) == 0;
  posix_spawn_file_actions_destroy(&actions);
  close(in[0]);
  close(out[1]);
  state->to = in[1];
  state->from = out[0];
  state->child = started ? child : 0;
  if (!started) {
    close(in[1]);
    close(out[0]);
  }
  return started;
}

static bool write_plane(int to, const uint8_t *plane, int stride, int width, int height) {
  for (int y = 0; y < height; y++) {
    const uint8_t *at = plane + (size_t)y * (size_t)stride;
    for (int left = width; left > 0;) {
      ssize_t sent = write(to, at, (size_t)left);
      if (sent < 0 && errno == EINTR) continue;
      if (sent <= 0) return false;
      at += sent;
      left -= (int)sent;
    }
  }
  return true;
}

static bool read_unit(struct state *state, struct unit *unit, int64_t within) {
  int64_t until = now_us() + within;
  for (;;) {
    int found = flv_next(&state->flv);
    if (found < 0) return false;
    if (found > 0) break;
    int64_t left = until - now_us();
    struct pollfd fd = {state->from, POLLIN, 0};
    if (left <= 0 || poll(&fd, 1, (int)(left / 1000) + 1) <= 0) return false;
    uint8_t *room = flv_room(&state->flv, READ_AT_ONCE);
    ssize_t got = room == NULL ? -1 : read(state->from, room, READ_AT_ONCE);
    if (got <= 0) return false;
    flv_came(&state->flv, (size_t)got);
  }
  state->warm = true;
  state->given++;
  *unit = (struct unit){state->flv.unit, state->flv.unit_length, state->flv.key, true};
  return true;
}

static bool feed(struct state *state, const struct picture *picture) {
  state->fed++;
  return write_plane(state->to, picture->y, picture->stride, picture->width, picture->height) &&
         write_plane(state->to, picture->u, picture->stride / 2, picture->width / 2, picture->height / 2) &&
         write_plane(state->to, picture->v, picture->stride / 2, picture->width / 2, picture->height / 2);
}

static bool encode(struct encoder *encoder, const struct picture *picture, bool key, int quality, int64_t elapsed_us, struct unit *unit) {
  (void)quality;
  (void)elapsed_us;
  struct state *state = encoder->state;
  /* A running ffmpeg cannot be asked for a key frame; a new one begins with it. */
  if (key && state->warm) stop(state);
  if (state->child == 0 && !start(state)) return false;
  for (int i = 0; i <= state->lag; i++)
    if (!feed(state, picture)) return false;
  if (!read_unit(state, unit, state->warm ? NEXT_WITHIN : FIRST_WITHIN)) return false;
  if (unit->key) codec_of(unit->data, unit->length, encoder->codec);
  return true;
}

static bool more(struct encoder *encoder, struct unit *unit) {
  struct state *state = encoder->state;
  return state->given < state->fed - state->lag && read_unit(state, unit, NEXT_WITHIN);
}

/* Each change costs a new child and a key frame: small ones are not worth it. */
static bool set_rate(struct encoder *encoder, struct rate rate) {
  const struct state *state = encoder->state;
  return rate.fps == state->rate.fps && rate.kbps * 4 > state->rate.kbps * 3 && rate.kbps * 3 < state->rate.kbps * 4;
}

static void close_it(struct encoder *encoder) {
  stop(encoder->state);
  free(encoder->state);
}

/* Whether it works shows only when it does: grey pictures go in until one comes out, which also tells the lag. */
static bool probe(struct encoder *encoder) {
  struct state *state = encoder->state;
  struct picture grey;
  struct unit unit;
  bool works = false;
  if (picture_open(&grey, state->width, state->height) && start(state)) {
    int64_t within = FIRST_WITHIN / 4;
    for (state->lag = 0; state->lag <= MOST_LAG && !works && feed(state, &grey); within = PROBE_WITHIN)
      if (read_unit(state, &unit, within)) works = unit.key && codec_of(unit.data, unit.length, encoder->codec);
      else state->lag++;
  }
  picture_close(&grey);
  stop(state);
  return works;
}

bool ffmpeg_open(struct encoder *encoder, const char *name, int width, int height, struct rate rate, char reason[200]) {
  static char kept[48];
  struct state *state = calloc(1, sizeof *state);
  if (state == NULL) return false;
  snprintf(kept, sizeof kept, "%s", name);
  snprintf(state->name, sizeof state->name, "%s", name);
  state->width = width;
  state->height = height;
  state->rate = rate;
  *encoder = (struct encoder){.name = kept, .state = state, .encode = encode, .more = more, .set_rate = set_rate, .close = close_it};
  if (probe(encoder)) return true;
  close_it(encoder);
  snprintf(reason, 200, "The encoder %s of ffmpeg does not work here.", name);
  return false;
}
