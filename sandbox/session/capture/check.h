#ifndef HELIX_CHECK_H
#define HELIX_CHECK_H
#include <stdio.h>
#include <stdlib.h>

/* For tests: what is not as it must be ends them. */
#define CHECK(claim)                                                       \
  do {                                                                     \
    if (claim) break;                                                      \
    fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #claim);    \
    exit(1);                                                               \
  } while (0)
#endif
