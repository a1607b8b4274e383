// A crowd that arrives at a fixed rate, whatever the server does: each person connects, upgrades, and waits for sound. A
// person who gets no answer in time gives up the connection and tries again later, as the page does (listener/SPEC.md L3).
// A person who is told to come back later does, with the claim that came with it (L4, L13).
//
//   storm PORT PATH PER_SECOND SECONDS TIMEOUT_MS FLIGHT_BYTES
//
// A person is answered with the first byte of any answer, and admitted when FLIGHT_BYTES came behind it; admitted people
// leave a second later. Every line on standard input is answered by one line of JSON; its end ends the process.

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { MAX_PEOPLE = 1000000, EVENTS = 1024, PER_ADDRESS = 40, STAY_US = 1000000 };
// Timers are kept by steps of their due time, as looking at everybody would cost more than the connections.
enum { CLAIM_BYTES = 48 };
enum { STEP_US = 20000, STEPS = 4096, NOBODY = -1 };
enum { GONE, PAUSING, CONNECTING, UPGRADING, WAITING, INSIDE };
enum { PLACE_ELSEWHERE = 4507, FULL = 4506, BUCKETS = 20000 };

struct person {
  int fd;
  unsigned char state, attempt, matched, is_answered;
  int close_code, retry_ms;
  char claim[CLAIM_BYTES];
  long long began_us, due_us, flight;
  // Neighbours among the people who are due in the same step.
  int step, before, behind;
};

static struct person *people;
static int first_due[STEPS];
static long long step_now;
static int port, per_second, poller, begun, answered, admitted, lost, tries, open_count, most_open;
static long long seconds, timeout_us, flight_bytes, started_us;
// First answers and admissions by their delay in milliseconds.
static int answer_ms[BUCKETS], admission_ms[BUCKETS];
static const char *path;

static long long now_us(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1000000LL + now.tv_nsec / 1000;
}

static int bucket_of(long long us) { return us / 1000 >= BUCKETS ? BUCKETS - 1 : (int)(us / 1000); }

static void unschedule(struct person *one) {
  if (one->step < 0) return;
  if (one->before >= 0) people[one->before].behind = one->behind;
  else first_due[one->step] = one->behind;
  if (one->behind >= 0) people[one->behind].before = one->before;
  one->step = -1;
}

static void schedule(struct person *one, long long due_us) {
  unschedule(one);
  one->due_us = due_us;
  long long step = (due_us - started_us) / STEP_US + 1;
  if (step <= step_now) step = step_now + 1;
  if (step >= step_now + STEPS) step = step_now + STEPS - 1;
  one->step = step % STEPS;
  one->before = NOBODY;
  one->behind = first_due[one->step];
  if (one->behind >= 0) people[one->behind].before = one - people;
  first_due[one->step] = one - people;
}

static void disconnect(struct person *one) {
  if (one->fd >= 0) {
    close(one->fd);
    open_count--;
  }
  one->fd = -1;
}

// The next try comes after a random part of 1, 2, 4, 8, 16, then 30 s, and after `least_us`.
static void pause_person(struct person *one, long long least_us) {
  disconnect(one);
  int steps = one->attempt > 5 ? 5 : one->attempt;
  long long most_us = steps == 5 ? 30000000LL : 1000000LL << steps;
  one->attempt++;
  one->state = PAUSING;
  schedule(one, now_us() + least_us + (long long)(drand48() * most_us));
}

static void leave(struct person *one) {
  disconnect(one);
  unschedule(one);
  one->state = GONE;
}

static void lose(struct person *one) {
  if (one->state == INSIDE) {
    leave(one);
    return;
  }
  lost++;
  if (one->close_code == PLACE_ELSEWHERE) one->attempt = 0;
  pause_person(one, one->close_code == FULL ? one->retry_ms * 1000LL : 0);
}

static void answer_person(struct person *one) {
  if (one->is_answered) return;
  one->is_answered = 1;
  answered++;
  answer_ms[bucket_of(now_us() - one->began_us)]++;
}

static void try_person(struct person *one) {
  int number = one - people;
  struct sockaddr_in from = {.sin_family = AF_INET}, to = {.sin_family = AF_INET, .sin_port = htons(port)};
  from.sin_addr.s_addr = htonl(0x7f020001 + number / PER_ADDRESS);
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  tries++;
  one->matched = 0;
  one->flight = 0;
  one->close_code = 0;
  one->retry_ms = 0;
  one->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  if (one->fd < 0) {
    pause_person(one, 0);
    return;
  }
  if (++open_count > most_open) most_open = open_count;
  int on = 1;
  setsockopt(one->fd, IPPROTO_IP, 24 /* IP_BIND_ADDRESS_NO_PORT */, &on, sizeof on);
  if (bind(one->fd, (struct sockaddr *)&from, sizeof from) < 0) perror("bind");
  one->state = CONNECTING;
  schedule(one, now_us() + timeout_us);
  if (connect(one->fd, (struct sockaddr *)&to, sizeof to) < 0 && errno != EINPROGRESS) {
    lose(one);
    return;
  }
  struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLET, .data.u32 = number};
  epoll_ctl(poller, EPOLL_CTL_ADD, one->fd, &event);
}

static void read_frame(struct person *one, unsigned char kind, const char *text, ssize_t length) {
  static const char retry[] = "retry-after-ms=", claim[] = "\"claim\":\"";
  if (kind == 0x88 && length >= 2) {
    one->close_code = (unsigned char)text[0] << 8 | (unsigned char)text[1];
    char reason[128] = {0};
    memcpy(reason, text + 2, length - 2 < 127 ? length - 2 : 127);
    const char *found = strstr(reason, retry);
    if (found) one->retry_ms = atoi(found + sizeof retry - 1);
    return;
  }
  const char *found = memmem(text, length, claim, sizeof claim - 1);
  if (!found) return;
  one->attempt = 0;
  found += sizeof claim - 1;
  const char *end = memchr(found, '"', text + length - found);
  if (!end || end - found >= CLAIM_BYTES) return;
  memcpy(one->claim, found, end - found);
  one->claim[end - found] = 0;
}

static int send_request(struct person *one) {
  static char request[640];
  int bytes = snprintf(request, sizeof request,
                       "GET %s%s%s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                       "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAECAwQFBgcICQoLDA0ODw==\r\n"
                       "Sec-WebSocket-Protocol: hustings.1\r\n\r\n",
                       path, one->claim[0] ? "?p=" : "", one->claim, port);
  return send(one->fd, request, bytes, MSG_NOSIGNAL) == bytes;
}

// Passes over the answer's headers; then notices frames that close the connection. Frames begin where a read begins, as a
// server writes them whole.
static void read_bytes(struct person *one, const unsigned char *text, ssize_t length) {
  static const char end[] = "\r\n\r\n";
  ssize_t at = 0;
  if (one->state == UPGRADING) {
    answer_person(one);
    for (; at < length && one->state == UPGRADING; at++) {
      one->matched = text[at] == end[one->matched] ? one->matched + 1 : text[at] == '\r';
      if (one->matched == 4) one->state = WAITING;
    }
    // A person who is answered waits as long as notices come.
  }
  if (one->state != WAITING) return;
  one->flight += length - at;
  if (one->flight >= flight_bytes) {
    one->state = INSIDE;
    admitted++;
    admission_ms[bucket_of(now_us() - one->began_us)]++;
    schedule(one, now_us() + STAY_US);
    return;
  }
  schedule(one, now_us() + 25000000LL);
  while (length - at >= 4) {
    ssize_t size = text[at + 1] & 127, head = size < 126 ? 2 : 4;
    if (size == 126) size = text[at + 2] << 8 | text[at + 3];
    if (at + head + size > length) return;
    read_frame(one, text[at], (const char *)text + at + head, size);
    at += head + size;
  }
}

static void receive(struct person *one) {
  static unsigned char some[65536];
  for (;;) {
    ssize_t length = recv(one->fd, some, sizeof some, one->state == INSIDE ? MSG_TRUNC : 0);
    if (length < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (length <= 0) {
      lose(one);
      return;
    }
    if (one->state != INSIDE) read_bytes(one, some, length);
  }
}

static void begin_person(void) {
  struct person *one = &people[begun++];
  one->fd = -1;
  one->step = -1;
  one->began_us = now_us();
  try_person(one);
}

static void act(struct person *one) {
  if (one->state == PAUSING) try_person(one);
  else if (one->state == INSIDE) leave(one);
  else lose(one);
}

static void act_on_due(void) {
  long long now = now_us();
  while (started_us + (step_now + 1) * STEP_US <= now) {
    step_now++;
    int *first = &first_due[step_now % STEPS];
    for (int at = *first, next; at >= 0; at = next) {
      next = people[at].behind;
      struct person *one = &people[at];
      if (one->due_us > now) continue;
      unschedule(one);
      act(one);
    }
  }
}

static int quantile(const int *buckets, int count, double share) {
  long long below = 0;
  for (int ms = 0; ms < BUCKETS; ms++)
    if ((below += buckets[ms]) >= share * count && below > 0) return ms;
  return 0;
}

static void report(void) {
  printf("{\"begun\":%d,\"answered\":%d,\"admitted\":%d,\"lost\":%d,\"tries\":%d,\"mostOpen\":%d,\"answerP50Ms\":%d,"
         "\"answerP99Ms\":%d,\"admissionP50Ms\":%d,\"admissionP99Ms\":%d,\"monotonicUs\":%lld}\n",
         begun, answered, admitted, lost, tries, most_open, quantile(answer_ms, answered, 0.5),
         quantile(answer_ms, answered, 0.99), quantile(admission_ms, admitted, 0.5),
         quantile(admission_ms, admitted, 0.99), now_us());
  fflush(stdout);
}

int main(int count, char **words) {
  if (count != 7) return 2;
  port = atoi(words[1]);
  per_second = atoi(words[3]);
  seconds = atoll(words[4]);
  timeout_us = atoll(words[5]) * 1000;
  flight_bytes = atoll(words[6]);
  if (per_second < 1 || seconds < 1 || per_second * seconds > MAX_PEOPLE) return 2;
  people = calloc(MAX_PEOPLE, sizeof *people);
  path = words[2];
  struct rlimit files;
  getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);
  poller = epoll_create1(0);
  struct epoll_event stdin_event = {.events = EPOLLIN, .data.u32 = MAX_PEOPLE};
  epoll_ctl(poller, EPOLL_CTL_ADD, 0, &stdin_event);
  for (int step = 0; step < STEPS; step++) first_due[step] = NOBODY;
  started_us = now_us();
  for (;;) {
    long long passed_us = now_us() - started_us;
    long long due = passed_us >= seconds * 1000000 ? per_second * seconds : passed_us * per_second / 1000000;
    while (begun < due) begin_person();
    act_on_due();
    struct epoll_event events[EVENTS];
    int ready = epoll_wait(poller, events, EVENTS, 2);
    for (int i = 0; i < ready; i++) {
      if (events[i].data.u32 == MAX_PEOPLE) {
        char line[64];
        if (read(0, line, sizeof line) <= 0) return 0;
        report();
        continue;
      }
      struct person *one = &people[events[i].data.u32];
      if (one->fd < 0) continue;
      if (one->state == CONNECTING && (events[i].events & (EPOLLERR | EPOLLHUP))) lose(one);
      else if (one->state == CONNECTING && (events[i].events & EPOLLOUT)) {
        if (send_request(one)) one->state = UPGRADING;
        else lose(one);
      } else if (one->state > CONNECTING) receive(one);
    }
  }
}
