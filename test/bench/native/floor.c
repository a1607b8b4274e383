// Pushes bytes to many sockets at a cadence with a bare send() loop: the lowest cost that an edge could have.
//
//   floor BYTES_PER_PUSH CADENCE_MS MAX_SOCKETS
//
// Prints its port. Answers any request with "101" and then pushes to that socket. Ends when its standard input ends.

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { SPOKE_MS = 10, MOST = 20000, BACKLOG = 4096, PUSH_MOST = 65536 };

static int sockets[MOST], waiting[MOST];
static int count, waiting_count;
static char bytes[PUSH_MOST];

static void accept_all(int door, int most) {
  int fd;
  while (count + waiting_count < most && (fd = accept4(door, NULL, NULL, SOCK_NONBLOCK)) >= 0)
    waiting[waiting_count++] = fd;
  for (int i = 0; i < waiting_count; i++) {
    static const char answer[] = "HTTP/1.1 101 Switching Protocols\r\n\r\n";
    char request[1024];
    ssize_t length = recv(waiting[i], request, sizeof request, 0);
    if (length < 0 && errno == EAGAIN) continue;
    if (length > 0 && send(waiting[i], answer, sizeof answer - 1, MSG_NOSIGNAL) > 0) sockets[count++] = waiting[i];
    else close(waiting[i]);
    waiting[i--] = waiting[--waiting_count];
  }
}

// Socket n belongs to spoke n mod spokes. A socket whose peer has gone is closed and skipped.
static void push(int spoke, int spokes, int length) {
  for (int i = spoke; i < count; i += spokes) {
    if (sockets[i] < 0) continue;
    if (send(sockets[i], bytes, length, MSG_NOSIGNAL | MSG_DONTWAIT) >= 0 || errno == EAGAIN) continue;
    close(sockets[i]);
    sockets[i] = -1;
  }
}

int main(int words_count, char **words) {
  if (words_count != 4) return 2;
  int length = atoi(words[1]), cadence_ms = atoi(words[2]), most = atoi(words[3]);
  if (length < 1 || length > PUSH_MOST || cadence_ms < SPOKE_MS || most < 1 || most > MOST) return 2;
  struct rlimit files;
  getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);
  memset(bytes, 'x', sizeof bytes);
  int door = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t at_length = sizeof at;
  if (bind(door, (struct sockaddr *)&at, sizeof at) < 0 || listen(door, BACKLOG) < 0) {
    perror("door");
    return 1;
  }
  getsockname(door, (struct sockaddr *)&at, &at_length);
  printf("%d\n", ntohs(at.sin_port));
  fflush(stdout);
  struct timespec due;
  clock_gettime(CLOCK_MONOTONIC, &due);
  int spokes = cadence_ms / SPOKE_MS;
  for (int spoke = 0;; spoke = (spoke + 1) % spokes) {
    due.tv_nsec += SPOKE_MS * 1000000L;
    if (due.tv_nsec >= 1000000000L) {
      due.tv_sec++;
      due.tv_nsec -= 1000000000L;
    }
    clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &due, NULL);
    accept_all(door, most);
    push(spoke, spokes, length);
    struct pollfd standard = {.fd = 0, .events = POLLIN};
    char some[16];
    if (poll(&standard, 1, 0) > 0 && read(0, some, sizeof some) <= 0) return 0;
  }
}
