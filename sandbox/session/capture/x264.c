#include "encoder.h"
#include <stdlib.h>
#include <x264.h>

/* Units: milliseconds of the rate that one frame may take at once. One that only sharpens must not stand in the way of the next key that is pressed. */
enum { BURST_MS = 120, REFINING_BURST_MS = 60 };
/* Units: kilobits. With less not even one row of text gets sharp. */
enum { LEAST_BURST = 130 };
/* The quantisers of key frames and of what follows stay in what decoders of screens show well. */
enum { LEAST_QP = 8 };

struct state {
  x264_t *x264;
  x264_param_t params;
  struct rate rate;
  uint8_t *info;
  int blocks;
};

static void limit(x264_param_t *params, struct rate rate, int quality, int64_t elapsed_us) {
  int burst = rate.kbps * (quality == QUALITY_AS_RATED ? BURST_MS : REFINING_BURST_MS) / 1000;
  if (burst < LEAST_BURST) burst = LEAST_BURST;
  /* x264 counts frames and not time: after a pause it is told of a rate that fills the bucket as the pause did. */
  int64_t frames = elapsed_us * rate.fps / 1000000;
  if (frames < 1) frames = 1;
  int64_t most = (int64_t)burst * rate.fps * 9 / 10, kbps = rate.kbps * frames;
  params->rc.i_vbv_buffer_size = burst;
  params->rc.i_vbv_max_bitrate = (int)(kbps < most ? kbps : most > rate.kbps ? most : rate.kbps);
  params->rc.f_rf_constant = (float)(quality == QUALITY_AS_RATED ? rate.crf : quality);
}

static void choose(x264_param_t *params, int width, int height, struct rate rate) {
  x264_param_default_preset(params, "ultrafast", "zerolatency");
  params->i_log_level = X264_LOG_NONE;
  params->i_width = width;
  params->i_height = height;
  params->i_csp = X264_CSP_I420;
  params->i_threads = 1;
  params->b_sliced_threads = 0;
  params->i_fps_num = (uint32_t)rate.fps;
  params->i_fps_den = 1;
  params->b_vfr_input = 0;
  params->i_keyint_max = X264_KEYINT_MAX_INFINITE;
  params->i_frame_reference = 1;
  params->i_level_idc = level_of(width, height);
  params->b_repeat_headers = 1;
  params->b_annexb = 1;
  params->rc.i_rc_method = X264_RC_CRF;
  params->rc.i_qp_min = LEAST_QP;
  /* The scale of quality is the quantiser's own, however much moves. */
  params->rc.f_qcompress = 1;
  /* libyuv's colours: BT.601, limited range; the screen's own primaries and curve. */
  params->vui.b_fullrange = 0;
  params->vui.i_colorprim = 1;
  params->vui.i_transfer = 13;
  params->vui.i_colmatrix = 6;
  /* A macroblock that did not change costs nothing, as long as it was good enough before. */
  params->analyse.b_mb_info = 1;
  limit(params, rate, QUALITY_AS_RATED, 0);
  x264_param_apply_profile(params, "baseline");
}

static void mark_unchanged(struct state *state, const struct picture *picture) {
  for (int i = 0; i < state->blocks; i++) state->info[i] = picture->changed[i] ? 0 : X264_MBINFO_CONSTANT;
}

static bool encode(struct encoder *encoder, const struct picture *picture, bool key, int quality, int64_t elapsed_us, struct unit *unit) {
  struct state *state = encoder->state;
  limit(&state->params, state->rate, quality, elapsed_us);
  x264_encoder_reconfig(state->x264, &state->params);
  mark_unchanged(state, picture);
  x264_picture_t in, out;
  x264_picture_init(&in);
  in.i_type = key ? X264_TYPE_IDR : X264_TYPE_P;
  in.img.i_csp = X264_CSP_I420;
  in.img.i_plane = 3;
  in.img.i_stride[0] = picture->stride;
  in.img.i_stride[1] = in.img.i_stride[2] = picture->stride / 2;
  in.img.plane[0] = picture->y;
  in.img.plane[1] = picture->u;
  in.img.plane[2] = picture->v;
  in.prop.mb_info = state->info;
  x264_nal_t *nals;
  int count;
  int length = x264_encoder_encode(state->x264, &nals, &count, &in, &out);
  if (length <= 0) return false;
  /* All of them lie behind each other. */
  bool reached = out.prop.f_crf_avg <= state->params.rc.f_rf_constant + 0.5;
  *unit = (struct unit){nals[0].p_payload, (size_t)length, out.b_keyframe != 0, reached};
  if (unit->key) codec_of(unit->data, unit->length, encoder->codec);
  return true;
}

static bool set_rate(struct encoder *encoder, struct rate rate) {
  struct state *state = encoder->state;
  /* The frame rate is what x264 counts by, and is fixed when it is opened. */
  if (rate.fps != state->rate.fps) return false;
  state->rate = rate;
  return true;
}

static void close_it(struct encoder *encoder) {
  struct state *state = encoder->state;
  if (state->x264 != NULL) x264_encoder_close(state->x264);
  x264_param_cleanup(&state->params);
  free(state->info);
  free(state);
}

static bool name_codec(struct encoder *encoder, x264_t *x264) {
  x264_nal_t *nals;
  int count;
  return x264_encoder_headers(x264, &nals, &count) > 0 && codec_of(nals[0].p_payload, (size_t)nals[0].i_payload + 8, encoder->codec);
}

bool x264_open(struct encoder *encoder, int width, int height, struct rate rate) {
  struct state *state = calloc(1, sizeof *state);
  if (state == NULL) return false;
  *encoder = (struct encoder){.name = "x264", .state = state, .encode = encode, .set_rate = set_rate, .close = close_it};
  state->rate = rate;
  state->blocks = ((width + 15) / 16) * ((height + 15) / 16);
  state->info = malloc((size_t)state->blocks);
  choose(&state->params, width, height, rate);
  state->x264 = state->info == NULL ? NULL : x264_encoder_open(&state->params);
  if (state->x264 != NULL && name_codec(encoder, state->x264)) return true;
  close_it(encoder);
  return false;
}
