/* SPDX-License-Identifier: Apache-2.0 */
#include "io/log.h"

#include "io/loop.h"

#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { LINE_MAX_SIZE = 2048, EVENT_MAX = 48, EVENTS_KNOWN = 64, BURST_MS = 1000 };

typedef void sink_fn(void *context, alto_log_level level, const char *line);

/* How often an event was logged in the second that began at start_ms. */
typedef struct {
    char event[EVENT_MAX]; /* "" when the place is free */
    uint64_t start_ms;     /* monotonic */
    uint64_t lines, suppressed;
    alto_log_level level; /* of the suppressed lines */
} burst;

static _Atomic alto_log_level threshold = ALTO_LOG_ERROR; /* programs set theirs; a library is quiet */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;  /* of what follows */
static sink_fn *sink;
static void *sink_context;
static burst bursts[EVENTS_KNOWN];

static const char *const level_names[] = {"error", "warn", "info", "debug"};

void alto_log_set_level(alto_log_level level)
{
    atomic_store(&threshold, level);
}

bool alto_log_level_parse(const char *text, alto_log_level *level)
{
    for (unsigned i = 0; i < sizeof level_names / sizeof *level_names; i++) {
        if (strcmp(text, level_names[i]) != 0)
            continue;
        *level = (alto_log_level)i;
        return true;
    }
    return false;
}

void alto_log_set_sink(void (*new_sink)(void *context, alto_log_level level, const char *line), void *context)
{
    pthread_mutex_lock(&lock);
    sink = new_sink;
    sink_context = context;
    pthread_mutex_unlock(&lock);
}

/* ---- one line ---- */

typedef struct {
    char text[LINE_MAX_SIZE + 1]; /* room for the newline */
    size_t size;
} line;

static void append(line *self, const char *format, va_list arguments) __attribute__((format(printf, 2, 0)));
static void append(line *self, const char *format, va_list arguments)
{
    size_t room = LINE_MAX_SIZE - self->size;
    int length = vsnprintf(self->text + self->size, room, format, arguments);
    if (length > 0)
        self->size += (size_t)length < room ? (size_t)length : room - 1;
}

static void add(line *self, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void add(line *self, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    append(self, format, arguments);
    va_end(arguments);
}

static void begin(line *self, alto_log_level level, const char *event)
{
    uint64_t now_ms = alto_clock_ms();
    time_t seconds = (time_t)(now_ms / 1000);
    struct tm date;
    gmtime_r(&seconds, &date);
    self->size = strftime(self->text, LINE_MAX_SIZE, "%Y-%m-%dT%H:%M:%S", &date);
    add(self, ".%03uZ level=%s event=%s", (unsigned)(now_ms % 1000), level_names[level], event);
}

static void make_printable(char *text)
{
    for (; *text; text++)
        if (*text < 0x20 || *text > 0x7e)
            *text = '?';
}

static void write_all(const char *text, size_t size)
{
    while (size > 0) {
        ssize_t written = write(STDERR_FILENO, text, size);
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            return; /* nobody listens, and there is nowhere to say so */
        text += written;
        size -= (size_t)written;
    }
}

static void emit(line *self, alto_log_level level)
{
    self->text[self->size] = 0;
    make_printable(self->text);
    pthread_mutex_lock(&lock);
    sink_fn *to = sink;
    void *context = sink_context;
    pthread_mutex_unlock(&lock);
    if (to) {
        to(context, level, self->text);
        return;
    }
    self->text[self->size] = '\n';
    write_all(self->text, self->size + 1);
}

/* ---- bursts ---- */

/* The place of an event, or the one that was begun longest ago. */
static burst *find_burst(const char *event)
{
    burst *oldest = &bursts[0];
    for (burst *at = bursts; at < bursts + EVENTS_KNOWN; at++) {
        if (strncmp(at->event, event, EVENT_MAX - 1) == 0 && at->event[0])
            return at;
        if (!at->event[0] || (oldest->event[0] && at->start_ms < oldest->start_ms))
            oldest = at;
    }
    return oldest;
}

/* Count a line of `event`; false when it is one too many. */
static bool admit(const char *event, alto_log_level level, uint64_t now_ms)
{
    burst *at = find_burst(event);
    bool same = at->event[0] && strncmp(at->event, event, EVENT_MAX - 1) == 0;
    if (!same || now_ms - at->start_ms >= BURST_MS) {
        *at = (burst){.start_ms = now_ms};
        snprintf(at->event, sizeof at->event, "%s", event);
    }
    if (at->lines < ALTO_LOG_BURST) {
        at->lines++;
        return true;
    }
    at->suppressed++;
    at->level = level;
    return false;
}

/* Take out one event whose second is over and which has lines to confess. */
static bool take_suppressed(uint64_t now_ms, burst *out)
{
    for (burst *at = bursts; at < bursts + EVENTS_KNOWN; at++) {
        if (at->suppressed == 0 || now_ms - at->start_ms < BURST_MS)
            continue;
        *out = *at;
        at->suppressed = 0;
        return true;
    }
    return false;
}

static void tell_suppressed(uint64_t now_ms)
{
    for (;;) {
        burst told;
        pthread_mutex_lock(&lock);
        bool found = take_suppressed(now_ms, &told);
        pthread_mutex_unlock(&lock);
        if (!found)
            return;
        line text;
        begin(&text, told.level, told.event);
        add(&text, " suppressed=%llu", (unsigned long long)told.suppressed);
        emit(&text, told.level);
    }
}

/* ---- public ---- */

void alto_log(alto_log_level level, const char *event, const char *format, ...)
{
    if (level > atomic_load_explicit(&threshold, memory_order_relaxed))
        return;
    uint64_t now_ms = alto_monotonic_ms();
    tell_suppressed(now_ms);
    pthread_mutex_lock(&lock);
    bool admitted = admit(event, level, now_ms);
    pthread_mutex_unlock(&lock);
    if (!admitted)
        return;
    line text;
    begin(&text, level, event);
    if (format[0]) {
        add(&text, " ");
        va_list arguments;
        va_start(arguments, format);
        append(&text, format, arguments);
        va_end(arguments);
    }
    emit(&text, level);
}

static bool plain(const char *text)
{
    if (!*text)
        return false;
    for (; *text; text++)
        if (*text <= ' ' || *text > '~' || *text == '"' || *text == '\\' || *text == '=')
            return false;
    return true;
}

const char *alto_log_value(const char *text, char *out, size_t room)
{
    if (plain(text)) {
        snprintf(out, room, "%s", text);
        return out;
    }
    if (room < 3) {
        if (room)
            out[0] = 0;
        return out;
    }
    size_t size = 0;
    out[size++] = '"';
    for (; *text && size + 4 <= room; text++) { /* one escaped character, the quote and the NUL still fit */
        if (*text == '"' || *text == '\\')
            out[size++] = '\\';
        out[size++] = (char)(*text < 0x20 || *text > 0x7e ? '?' : *text);
    }
    out[size++] = '"';
    out[size] = 0;
    return out;
}

void alto_log_error(alto_log_level level, const char *event, const alto_error *error)
{
    char where[2 * sizeof error->where + 3], why[2 * sizeof error->why + 3];
    alto_log(level, event, "where=%s status=%s why=%s", alto_log_value(error->where, where, sizeof where),
             alto_status_name(error->status), alto_log_value(error->why, why, sizeof why));
}
