/* SPDX-License-Identifier: Apache-2.0 */
#include "io/loop.h"

#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

enum { EVENTS_PER_STEP = 64, MAX_HANGUPS = 8 };
static const uint64_t ns_per_ms = 1000000, ns_per_s = 1000000000;
static const uint64_t longest_delay_ms = UINT64_C(10) * 365 * 24 * 3600 * 1000;

typedef struct watch {
    int fd; /* -1: unwatched, to be freed when no step is under way */
    alto_loop_fn *ready;
    void *context;
    struct watch *next; /* list of the loop */
} watch;

struct alto_timer {
    alto_loop *loop;
    alto_loop_fn *expired;
    void *context;
    uint64_t due_ns; /* monotonic */
    uint64_t order;  /* of arming; decides between equal times */
    size_t place;    /* in the heap; SIZE_MAX when not armed */
};

typedef struct {
    alto_loop_fn *called;
    void *context;
} hangup;

struct alto_loop {
    int epoll_fd;
    int timer_fd;  /* set to the first timer */
    int wake_fd;   /* eventfd of wake and stop */
    int signal_fd; /* -1 when signals are not ours */
    sigset_t signals;
    watch *watches;
    unsigned steps;    /* under way, one inside the other */
    bool any_dead;     /* some watch has fd -1 */
    alto_timer **heap; /* armed timers, the first one at 0 */
    size_t armed;
    size_t timers;   /* that exist */
    size_t capacity; /* of the heap, >= timers, so that arming cannot fail */
    uint64_t arm_count;
    uint64_t timer_set_ns; /* what timer_fd is set to; 0: not set */
    alto_loop_fn *called;  /* on wake; may be NULL */
    void *called_context;
    hangup hangups[MAX_HANGUPS]; /* what is done on SIGHUP, in this order; none: that is not ours */
    size_t hangup_count;
    atomic_bool woken, stopped;
};

/* ---- clocks ---- */

static uint64_t read_clock_ns(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (uint64_t)now.tv_sec * ns_per_s + (uint64_t)now.tv_nsec;
}

uint64_t alto_clock_ms(void)
{
    return read_clock_ns(CLOCK_REALTIME) / ns_per_ms;
}

uint64_t alto_monotonic_ms(void)
{
    return read_clock_ns(CLOCK_MONOTONIC) / ns_per_ms;
}

uint64_t alto_monotonic_ns(void)
{
    return read_clock_ns(CLOCK_MONOTONIC);
}

/* ---- the heap of timers ---- */

static bool earlier(const alto_timer *a, const alto_timer *b)
{
    return a->due_ns != b->due_ns ? a->due_ns < b->due_ns : a->order < b->order;
}

static void put_at(alto_loop *self, size_t place, alto_timer *timer)
{
    self->heap[place] = timer;
    timer->place = place;
}

static void sift_up(alto_loop *self, alto_timer *timer, size_t place)
{
    while (place > 0 && earlier(timer, self->heap[(place - 1) / 2])) {
        put_at(self, place, self->heap[(place - 1) / 2]);
        place = (place - 1) / 2;
    }
    put_at(self, place, timer);
}

static void sift_down(alto_loop *self, alto_timer *timer, size_t place)
{
    for (;;) {
        size_t child = 2 * place + 1;
        if (child >= self->armed)
            break;
        if (child + 1 < self->armed && earlier(self->heap[child + 1], self->heap[child]))
            child++;
        if (!earlier(self->heap[child], timer))
            break;
        put_at(self, place, self->heap[child]);
        place = child;
    }
    put_at(self, place, timer);
}

static void take_out(alto_loop *self, alto_timer *timer)
{
    size_t place = timer->place;
    timer->place = SIZE_MAX;
    alto_timer *last = self->heap[--self->armed];
    if (last == timer)
        return;
    if (place > 0 && earlier(last, self->heap[(place - 1) / 2]))
        sift_up(self, last, place);
    else
        sift_down(self, last, place);
}

/* Let timer_fd be readable when the first timer is due. */
static void set_timer_fd(alto_loop *self)
{
    uint64_t due = self->armed ? self->heap[0]->due_ns : 0;
    if (due == self->timer_set_ns)
        return;
    struct itimerspec when = {.it_value = {(time_t)(due / ns_per_s), (long)(due % ns_per_s)}};
    timerfd_settime(self->timer_fd, TFD_TIMER_ABSTIME, &when, NULL);
    self->timer_set_ns = due;
}

static void run_timers(alto_loop *self)
{
    uint64_t now = alto_monotonic_ns();
    /* What is armed from here on waits for the next step, so that a timer of no delay cannot keep this one going. */
    uint64_t before = self->arm_count;
    while (self->armed && self->heap[0]->due_ns <= now && self->heap[0]->order <= before) {
        alto_timer *timer = self->heap[0];
        take_out(self, timer);
        timer->expired(timer->context); /* may destroy it */
    }
    /* The descriptor stays readable until it is set anew; forget what it was set to. */
    self->timer_set_ns = UINT64_MAX;
}

/* Within a step many timers may be moved many times; a timer of the system costs as much as handling a message. */
static void timers_changed(alto_loop *self)
{
    if (self->steps == 0)
        set_timer_fd(self);
}

/* ---- the loop ---- */

static void drain(int fd)
{
    uint64_t count;
    while (read(fd, &count, sizeof count) < 0 && errno == EINTR)
        ;
}

static void on_wake_fd(alto_loop *self)
{
    drain(self->wake_fd);
    if (atomic_exchange(&self->woken, false) && self->called)
        self->called(self->called_context);
}

static void on_signal_fd(alto_loop *self)
{
    struct signalfd_siginfo signal;
    if (read(self->signal_fd, &signal, sizeof signal) != (ssize_t)sizeof signal)
        return;
    if (signal.ssi_signo != SIGHUP)
        atomic_store(&self->stopped, true);
    else
        for (size_t i = 0; i < self->hangup_count; i++)
            self->hangups[i].called(self->hangups[i].context);
}

static alto_status add_fd(alto_loop *self, int fd, void *tag)
{
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = tag};
    if (epoll_ctl(self->epoll_fd, EPOLL_CTL_ADD, fd, &event) == 0)
        return ALTO_OK;
    return errno == ENOMEM ? ALTO_NO_MEMORY : ALTO_IO;
}

static void free_dead_watches(alto_loop *self)
{
    for (watch **link = &self->watches; *link;) {
        watch *at = *link;
        if (at->fd >= 0) {
            link = &at->next;
            continue;
        }
        *link = at->next;
        free(at);
    }
    self->any_dead = false;
}

alto_loop *alto_loop_new(void)
{
    alto_loop *self = calloc(1, sizeof *self);
    if (!self)
        return NULL;
    self->signal_fd = -1;
    sigemptyset(&self->signals);
    self->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    self->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    self->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (self->epoll_fd < 0 || self->timer_fd < 0 || self->wake_fd < 0 ||
        add_fd(self, self->timer_fd, &self->timer_fd) != ALTO_OK ||
        add_fd(self, self->wake_fd, &self->wake_fd) != ALTO_OK)
        alto_loop_destroy(&self);
    return self;
}

static void close_fd(int fd)
{
    if (fd >= 0)
        close(fd);
}

void alto_loop_destroy(alto_loop **self)
{
    if (!*self)
        return;
    alto_loop *loop = *self;
    assert(loop->timers == 0 && loop->steps == 0);
    while (loop->watches) {
        watch *next = loop->watches->next;
        free(loop->watches);
        loop->watches = next;
    }
    close_fd(loop->signal_fd);
    close_fd(loop->wake_fd);
    close_fd(loop->timer_fd);
    close_fd(loop->epoll_fd);
    free(loop->heap);
    free(loop);
    *self = NULL;
}

alto_status alto_loop_watch(alto_loop *self, int fd, alto_loop_fn *ready, void *context)
{
    assert(fd >= 0 && ready);
    watch *added = malloc(sizeof *added);
    if (!added)
        return ALTO_NO_MEMORY;
    *added = (watch){.fd = fd, .ready = ready, .context = context, .next = self->watches};
    alto_status status = add_fd(self, fd, added);
    if (status != ALTO_OK) {
        free(added);
        return status;
    }
    self->watches = added;
    return ALTO_OK;
}

void alto_loop_unwatch(alto_loop *self, int fd)
{
    for (watch *at = self->watches; at; at = at->next) {
        if (at->fd != fd)
            continue;
        epoll_ctl(self->epoll_fd, EPOLL_CTL_DEL, fd, NULL);
        at->fd = -1;
        self->any_dead = true;
        break;
    }
    /* While a step is under way its list of events may still point to the watch. */
    if (self->any_dead && self->steps == 0)
        free_dead_watches(self);
}

alto_timer *alto_timer_new(alto_loop *loop, alto_loop_fn *expired, void *context)
{
    assert(expired);
    if (loop->timers == loop->capacity) {
        size_t capacity = loop->capacity ? 2 * loop->capacity : 8;
        alto_timer **heap = realloc(loop->heap, capacity * sizeof *heap);
        if (!heap)
            return NULL;
        loop->heap = heap;
        loop->capacity = capacity;
    }
    alto_timer *self = malloc(sizeof *self);
    if (!self)
        return NULL;
    *self = (alto_timer){.loop = loop, .expired = expired, .context = context, .place = SIZE_MAX};
    loop->timers++;
    return self;
}

void alto_timer_destroy(alto_timer **self)
{
    if (!*self)
        return;
    alto_timer_disarm(*self);
    (*self)->loop->timers--;
    free(*self);
    *self = NULL;
}

void alto_timer_arm(alto_timer *self, uint64_t delay_ms)
{
    alto_loop *loop = self->loop;
    if (delay_ms > longest_delay_ms)
        delay_ms = longest_delay_ms;
    if (self->place != SIZE_MAX)
        take_out(loop, self);
    self->due_ns = alto_monotonic_ns() + delay_ms * ns_per_ms;
    self->order = ++loop->arm_count;
    sift_up(loop, self, loop->armed++);
    timers_changed(loop);
}

void alto_timer_disarm(alto_timer *self)
{
    if (self->place == SIZE_MAX)
        return;
    take_out(self->loop, self);
    timers_changed(self->loop);
}

bool alto_timer_armed(const alto_timer *self)
{
    return self->place != SIZE_MAX;
}

void alto_loop_on_wake(alto_loop *self, alto_loop_fn *called, void *context)
{
    self->called = called;
    self->called_context = context;
}

/* Only what a signal handler may do. */
static void ring(alto_loop *self)
{
    int saved = errno;
    uint64_t one = 1;
    ssize_t written = write(self->wake_fd, &one, sizeof one);
    (void)written; /* fails only when it is readable anyway */
    errno = saved;
}

void alto_loop_wake(alto_loop *self)
{
    atomic_store(&self->woken, true);
    ring(self);
}

static void dispatch(alto_loop *self, void *tag)
{
    if (tag == &self->timer_fd) {
        run_timers(self);
    } else if (tag == &self->wake_fd) {
        on_wake_fd(self);
    } else if (tag == &self->signal_fd) {
        on_signal_fd(self);
    } else {
        watch *at = tag;
        if (at->fd >= 0)
            at->ready(at->context);
    }
}

alto_status alto_loop_step(alto_loop *self, int timeout_ms)
{
    struct epoll_event events[EVENTS_PER_STEP];
    set_timer_fd(self); /* for a step inside another */
    int count = epoll_wait(self->epoll_fd, events, EVENTS_PER_STEP, timeout_ms);
    if (count < 0)
        return errno == EINTR ? ALTO_OK : ALTO_IO;
    self->steps++;
    for (int i = 0; i < count; i++)
        dispatch(self, events[i].data.ptr);
    self->steps--;
    timers_changed(self);
    if (self->any_dead && self->steps == 0)
        free_dead_watches(self);
    return ALTO_OK;
}

alto_status alto_loop_run(alto_loop *self)
{
    alto_status status = ALTO_OK;
    while (status == ALTO_OK && !alto_loop_stopped(self))
        status = alto_loop_step(self, -1);
    return status;
}

void alto_loop_stop(alto_loop *self)
{
    atomic_store(&self->stopped, true);
    ring(self);
}

bool alto_loop_stopped(const alto_loop *self)
{
    return atomic_load(&self->stopped);
}

int alto_loop_fd(const alto_loop *self)
{
    return self->epoll_fd;
}

/* Take over one more signal. */
static alto_status take_signal(alto_loop *self, int signal)
{
    sigaddset(&self->signals, signal);
    int fd = signalfd(self->signal_fd, &self->signals, SFD_NONBLOCK | SFD_CLOEXEC);
    if (fd < 0)
        return ALTO_IO;
    alto_status status = self->signal_fd < 0 ? add_fd(self, fd, &self->signal_fd) : ALTO_OK;
    if (status != ALTO_OK) {
        close(fd);
        return status;
    }
    self->signal_fd = fd;
    return pthread_sigmask(SIG_BLOCK, &self->signals, NULL) == 0 ? ALTO_OK : ALTO_IO;
}

alto_status alto_loop_stop_on_signals(alto_loop *self)
{
    alto_status status = take_signal(self, SIGINT);
    return status == ALTO_OK ? take_signal(self, SIGTERM) : status;
}

alto_status alto_loop_on_hangup(alto_loop *self, alto_loop_fn *called, void *context)
{
    if (self->hangup_count == MAX_HANGUPS)
        return ALTO_TOO_LARGE;
    alto_status status = take_signal(self, SIGHUP);
    if (status == ALTO_OK)
        self->hangups[self->hangup_count++] = (hangup){called, context};
    return status;
}
