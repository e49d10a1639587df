/* helix-pipe: joins its standard input and output to a socket. An agent starts it to speak with the tools of the desktop. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static int join_socket(const char *path) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  if (strlen(path) >= sizeof address.sun_path) {
    errno = ENAMETOOLONG;
    return -1;
  }
  strcpy(address.sun_path, path);
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  return fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof address) < 0 ? -1 : fd;
}

/* Until one side ends. */
static void carry(int from, int to) {
  char bytes[1 << 16];
  for (;;) {
    ssize_t got = read(from, bytes, sizeof bytes);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return;
    for (ssize_t at = 0; at < got;) {
      ssize_t put = write(to, bytes + at, (size_t)(got - at));
      if (put < 0 && errno == EINTR) continue;
      if (put < 0) return;
      at += put;
    }
  }
}

int main(int count, char **words) {
  if (count != 2) {
    fprintf(stderr, "helix-pipe <socket>\n");
    return 2;
  }
  signal(SIGPIPE, SIG_IGN);
  int fd = join_socket(words[1]);
  if (fd < 0) {
    fprintf(stderr, "The tools of the desktop cannot be reached at %s: %s.\n", words[1], strerror(errno));
    return 1;
  }
  pid_t parent = getpid(), child = fork();
  if (child < 0) {
    perror("fork");
    return 1;
  }
  /* Each direction blocks on its own: neither can hold the other up. */
  if (child == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() == parent) carry(STDIN_FILENO, fd);
    shutdown(fd, SHUT_WR);
    _exit(0);
  }
  carry(fd, STDOUT_FILENO);
  kill(child, SIGKILL);
  return 0;
}
