// Runs many listeners that cost next to nothing: each completes a WebSocket upgrade and discards everything after it.
//
//   sink PORT PATH SOCKETS AT_ONCE FLIGHT_BYTES
//
// AT_ONCE joins are in progress at a time; a join is complete with FLIGHT_BYTES after the response to the upgrade. Each
// line on standard input is answered by one line of JSON; the process ends when its standard input ends.

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { MAX_SOCKETS = 20000, MAX_AT_ONCE = 4096, EVENTS = 1024, PER_ADDRESS = 50 };
enum { CONNECTING, UPGRADING, JOINING, LISTENING, CLOSED };

struct listener {
  int fd;
  unsigned char place, matched;
  long long flight, connected_us;
};

static struct listener listeners[MAX_SOCKETS];
static int wanted, at_once, port, poller, begun, under_way, joined, closed, refused;
static long long flight_bytes, bytes, reads, begun_us, joined_us;
static int join_us[MAX_SOCKETS];
static char request[512];
static size_t request_bytes;

static long long now_us(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1000000LL + now.tv_nsec / 1000;
}

static void leave(struct listener *one) {
  if (one->place < LISTENING) under_way--;
  if (one->place < LISTENING) refused++;
  one->place = CLOSED;
  closed++;
  close(one->fd);
}

static void arrive(struct listener *one) {
  one->place = LISTENING;
  joined_us = now_us();
  join_us[joined++] = (int)(joined_us - one->connected_us);
  under_way--;
}

// Listeners connect from many addresses of 127.0.0.0/8, so that limits per address do not apply.
static void connect_next(void) {
  struct listener *one = &listeners[begun];
  struct sockaddr_in from = {.sin_family = AF_INET}, to = {.sin_family = AF_INET, .sin_port = htons(port)};
  from.sin_addr.s_addr = htonl(0x7f010001 + begun / PER_ADDRESS);
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  one->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  if (one->fd < 0) {
    perror("socket");
    exit(1);
  }
  int on = 1;
  setsockopt(one->fd, IPPROTO_IP, 24 /* IP_BIND_ADDRESS_NO_PORT */, &on, sizeof on);
  if (bind(one->fd, (struct sockaddr *)&from, sizeof from) < 0) perror("bind");
  if (begun++ == 0) begun_us = now_us();
  under_way++;
  one->place = CONNECTING;
  one->connected_us = now_us();
  if (connect(one->fd, (struct sockaddr *)&to, sizeof to) < 0 && errno != EINPROGRESS) {
    leave(one);
    return;
  }
  struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLET, .data.u32 = one - listeners};
  epoll_ctl(poller, EPOLL_CTL_ADD, one->fd, &event);
}

// Skips the response's headers. Returns the number of bytes after them.
static ssize_t skip_answer(struct listener *one, const char *text, ssize_t length) {
  static const char end[] = "\r\n\r\n";
  for (ssize_t at = 0; at < length; at++) {
    one->matched = text[at] == end[one->matched] ? one->matched + 1 : text[at] == '\r';
    if (one->matched == 4) {
      one->place = JOINING;
      return length - at - 1;
    }
  }
  return 0;
}

static void receive(struct listener *one) {
  static char some[65536];
  for (;;) {
    int upgrading = one->place == UPGRADING;
    // MSG_TRUNC makes TCP discard bytes without copying them.
    ssize_t length = recv(one->fd, some, sizeof some, upgrading ? 0 : MSG_TRUNC);
    if (length < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (length <= 0) {
      leave(one);
      return;
    }
    reads++;
    if (upgrading) length = skip_answer(one, some, length);
    bytes += length;
    one->flight += length;
    if (one->place == JOINING && one->flight >= flight_bytes) arrive(one);
  }
}

static int ascending(const void *a, const void *b) { return *(const int *)a - *(const int *)b; }

static void answer(void) {
  static int sorted[MAX_SOCKETS];
  memcpy(sorted, join_us, joined * sizeof *sorted);
  qsort(sorted, joined, sizeof *sorted, ascending);
  printf("{\"joined\":%d,\"closed\":%d,\"refused\":%d,\"bytes\":%lld,\"reads\":%lld,\"joinSpanUs\":%lld,"
         "\"joinP50Us\":%d,\"joinP95Us\":%d,\"monotonicUs\":%lld}\n",
         joined, closed, refused, bytes, reads, joined_us - begun_us, joined ? sorted[joined / 2] : 0,
         joined ? sorted[joined * 95 / 100] : 0, now_us());
  fflush(stdout);
}

int main(int count, char **words) {
  if (count != 6) return 2;
  port = atoi(words[1]);
  wanted = atoi(words[3]);
  at_once = atoi(words[4]);
  flight_bytes = atoll(words[5]);
  if (wanted < 1 || wanted > MAX_SOCKETS || at_once < 1 || at_once > MAX_AT_ONCE) return 2;
  request_bytes = snprintf(request, sizeof request,
                           "GET %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                           "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAECAwQFBgcICQoLDA0ODw==\r\n"
                           "Sec-WebSocket-Protocol: hustings.1\r\n\r\n",
                           words[2], port);
  struct rlimit files;
  getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);
  poller = epoll_create1(0);
  struct epoll_event stdin_event = {.events = EPOLLIN, .data.u32 = MAX_SOCKETS};
  epoll_ctl(poller, EPOLL_CTL_ADD, 0, &stdin_event);
  for (;;) {
    while (begun < wanted && under_way < at_once) connect_next();
    struct epoll_event events[EVENTS];
    int ready = epoll_wait(poller, events, EVENTS, -1);
    for (int i = 0; i < ready; i++) {
      if (events[i].data.u32 == MAX_SOCKETS) {
        char line[64];
        if (read(0, line, sizeof line) <= 0) return 0;
        answer();
        continue;
      }
      struct listener *one = &listeners[events[i].data.u32];
      if (one->place == CONNECTING && (events[i].events & EPOLLOUT)) {
        if (send(one->fd, request, request_bytes, MSG_NOSIGNAL) != (ssize_t)request_bytes) {
          leave(one);
          continue;
        }
        one->place = UPGRADING;
        // From here on only incoming bytes matter.
        struct epoll_event event = {.events = EPOLLIN | EPOLLET, .data.u32 = one - listeners};
        epoll_ctl(poller, EPOLL_CTL_MOD, one->fd, &event);
      } else if (one->place != CLOSED && one->place != CONNECTING) receive(one);
      else if (one->place == CONNECTING && (events[i].events & (EPOLLERR | EPOLLHUP))) leave(one);
    }
  }
}
