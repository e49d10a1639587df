#ifndef HELIX_CLOCK_H
#define HELIX_CLOCK_H
#include <stdint.h>
#include <time.h>

/* Units: microseconds. */
static inline int64_t clock_us(clockid_t which) {
  struct timespec now;
  clock_gettime(which, &now);
  return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}
/* For intervals. */
static inline int64_t now_us(void) { return clock_us(CLOCK_MONOTONIC); }
/* For what other machines read. */
static inline uint64_t unix_us(void) { return (uint64_t)clock_us(CLOCK_REALTIME); }
#endif
