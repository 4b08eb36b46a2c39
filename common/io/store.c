/* SPDX-License-Identifier: Apache-2.0 */
#include "io/store.h"

#include "io/log.h"
#include "io/loop.h"
#include "io/store_book.h"
#include "io/thread.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum {
    GATHER_MS = 50,              /* steps that come so soon after one another are written together */
    GATHER_BYTES = 4 << 20,      /* unless they are that many bytes */
    GROUP_BYTES = 16 << 20,      /* of one transaction */
    QUEUE_BYTES = 64 << 20,      /* more are replaced by the newest state */
    QUEUE_STEPS_FAILING = 64,    /* while nothing can be written, that many steps are */
    BYTES_PER_VERSION = 8 << 10, /* a guess at what an old version keeps alive */
    RETRY_MS = 2000,
    CLOSE_MS = 2000 /* most that closing waits for a disk: with what else ends, less than 5 s */
};

/* A step in the queue: one piece of memory with all that it refers to. */
typedef struct item {
    alto_step step; /* its `next` is used by the writer only */
    size_t charge;  /* bytes counted against the queue */
    struct item *next;
} item;

typedef struct {
    item *first, *last;
    size_t count, bytes;
} queue;

struct alto_store {
    alto_book *book;
    char *directory;
    pthread_t writer;
    bool writer_runs;
    pthread_mutex_t lock;          /* of what follows */
    pthread_cond_t changed, ended; /* there is something to do; the writer has ended */
    queue waiting;
    size_t in_work; /* steps that the writer has taken */
    bool closing, failing, has_ended;
    uint64_t commits_durable, failures;
};

/* ---- items ---- */

static void free_item(item *self)
{
    if (self->step.has_statement)
        alto_tree_release(self->step.catalog);
    for (size_t i = 0; i < self->step.count; i++)
        alto_version_release(self->step.changes[i].version);
    free(self);
}

static void *place(uint8_t **at, alto_slice bytes)
{
    void *placed = *at;
    if (bytes.size)
        memcpy(placed, bytes.data, bytes.size);
    *at += bytes.size;
    return placed;
}

static alto_slice copy(uint8_t **at, alto_slice bytes)
{
    return alto_slice_of(place(at, bytes), bytes.size);
}

static size_t change_bytes(const alto_stored_change *change)
{
    return change->catalog_key.size + change->delta.size + change->implied_vtag.size +
           change->implied_dependencies.size;
}

/* A copy of a step in memory of its own, its trees retained. NULL: out of memory. */
static item *copy_step(const alto_step *step)
{
    size_t size = sizeof(item) + step->count * sizeof(alto_stored_change) + step->statement.size + step->manifest.size +
                  step->roots.size;
    for (size_t i = 0; i < step->count; i++)
        size += change_bytes(&step->changes[i]);
    item *self = malloc(size);
    if (!self)
        return NULL;
    *self = (item){.step = *step, .charge = size + step->count * BYTES_PER_VERSION};
    self->step.changes = (alto_stored_change *)(self + 1);
    uint8_t *at = (uint8_t *)(self->step.changes + step->count);
    self->step.statement = copy(&at, step->statement);
    self->step.manifest = copy(&at, step->manifest);
    self->step.roots = copy(&at, step->roots);
    self->step.catalog = step->has_statement ? alto_tree_retain(step->catalog) : NULL;
    for (size_t i = 0; i < step->count; i++) {
        alto_stored_change *change = &self->step.changes[i];
        *change = step->changes[i];
        if (change->version)
            alto_version_retain(change->version);
        change->catalog_key = copy(&at, change->catalog_key);
        change->delta = copy(&at, change->delta);
        change->implied_vtag = copy(&at, change->implied_vtag);
        change->implied_dependencies = copy(&at, change->implied_dependencies);
    }
    return self;
}

/* ---- queues ---- */

static void push(queue *self, item *added)
{
    added->next = NULL;
    if (self->last)
        self->last->next = added;
    else
        self->first = added;
    self->last = added;
    self->count++;
    self->bytes += added->charge;
}

static item *pop(queue *self)
{
    item *taken = self->first;
    self->first = taken->next;
    if (!self->first)
        self->last = NULL;
    self->count--;
    self->bytes -= taken->charge;
    return taken;
}

static void free_queue(queue *self)
{
    while (self->first)
        free_item(pop(self));
}

/* All of `added` before what is there. */
static void push_front(queue *self, queue *added)
{
    if (!added->first)
        return;
    added->last->next = self->first;
    if (!self->last)
        self->last = added->last;
    self->first = added->first;
    self->count += added->count;
    self->bytes += added->bytes;
    *added = (queue){0};
}

/* A change and when it came. */
typedef struct {
    const alto_stored_change *change;
    size_t order;
} dated;

static int by_key_and_age(const void *a, const void *b)
{
    const dated *left = a, *right = b;
    int order = alto_slice_compare(left->change->catalog_key, right->change->catalog_key);
    return order ? order : (left->order > right->order) - (left->order < right->order);
}

static size_t changes_in(const queue *self)
{
    size_t count = 0;
    for (const item *at = self->first; at; at = at->next)
        count += at->step.count;
    return count;
}

/* The newest change of each resource, without the way to it. */
static size_t newest_changes(const queue *self, dated *all, alto_stored_change *newest)
{
    size_t count = 0, kept = 0;
    for (const item *at = self->first; at; at = at->next)
        for (size_t i = 0; i < at->step.count; i++, count++)
            all[count] = (dated){&at->step.changes[i], count};
    qsort(all, count, sizeof *all, by_key_and_age);
    for (size_t i = 0; i < count; i++) {
        const alto_stored_change *change = all[i].change;
        if (i + 1 < count && alto_slice_equal(change->catalog_key, all[i + 1].change->catalog_key))
            continue;
        newest[kept++] = (alto_stored_change){.catalog_key = change->catalog_key, .version = change->version};
    }
    return kept;
}

/* Replace all steps by one that leads to the same state, through snapshots. Out of memory changes nothing. */
static void collapse(queue *self)
{
    if (self->count < 2)
        return;
    alto_step merged = {0};
    size_t count = changes_in(self);
    dated *all = calloc(count + 1, sizeof *all);
    merged.changes = calloc(count + 1, sizeof *merged.changes);
    item *made = NULL;
    if (all && merged.changes) {
        for (const item *at = self->first; at; at = at->next) {
            if (at->step.has_statement) {
                merged.has_statement = true;
                merged.statement = at->step.statement;
                merged.catalog = at->step.catalog;
            }
            if (at->step.has_manifest) {
                merged.has_manifest = true;
                merged.manifest = at->step.manifest;
                merged.roots = at->step.roots;
            }
        }
        merged.count = newest_changes(self, all, merged.changes);
        made = copy_step(&merged);
    }
    free(all);
    free(merged.changes);
    if (!made)
        return;
    free_queue(self);
    push(self, made);
}

/* ---- the writer ---- */

static struct timespec in_ms(uint64_t delay_ms)
{
    uint64_t at_ns = alto_monotonic_ns() + delay_ms * 1000000;
    return (struct timespec){(time_t)(at_ns / 1000000000), (long)(at_ns % 1000000000)};
}

/* Steps enough for a transaction, as a list of their own. */
static void take_group(alto_store *self, queue *group)
{
    do
        push(group, pop(&self->waiting));
    while (self->waiting.first && group->bytes + self->waiting.first->charge <= GROUP_BYTES);
    for (item *at = group->first; at; at = at->next)
        at->step.next = at->next ? &at->next->step : NULL;
    self->in_work = group->count;
}

static size_t statements_in(const queue *group)
{
    size_t count = 0;
    for (const item *at = group->first; at; at = at->next)
        count += at->step.has_statement;
    return count;
}

static void on_success(alto_store *self)
{
    if (self->failing)
        alto_log(ALTO_LOG_INFO, "store-recovered", "directory=%s", self->directory);
    self->failing = false;
}

static void on_failure(alto_store *self, alto_status status)
{
    char why[240], quoted[300];
    if (status == ALTO_NO_MEMORY) /* ours, of which the disk knows nothing */
        snprintf(why, sizeof why, "%s", alto_status_text(status));
    else
        alto_book_why(self->book, why, sizeof why);
    self->failures++;
    if (!self->failing)
        alto_log(ALTO_LOG_ERROR, "store-failing", "directory=%s status=%s why=%s", self->directory,
                 alto_status_name(status), alto_log_value(why, quoted, sizeof quoted));
    self->failing = true;
}

/* Called with the lock; works without it. */
static alto_status write_group(alto_store *self)
{
    queue group = {0};
    take_group(self, &group);
    size_t statements = statements_in(&group);
    pthread_mutex_unlock(&self->lock);
    alto_status status = alto_book_write(self->book, &group.first->step);
    if (status == ALTO_OK)
        free_queue(&group);
    pthread_mutex_lock(&self->lock);
    self->in_work = 0;
    if (status == ALTO_OK)
        self->commits_durable += statements;
    push_front(&self->waiting, &group);
    return status;
}

/* The same for a snapshot in the background; *busy: there is more of it. */
static alto_status write_background(alto_store *self, bool *busy)
{
    pthread_mutex_unlock(&self->lock);
    alto_status status = alto_book_work(self->book);
    *busy = status == ALTO_OK && alto_book_busy(self->book);
    pthread_mutex_lock(&self->lock);
    return status;
}

static void wait_for_work(alto_store *self, bool busy)
{
    while (!self->closing && !self->waiting.first && !busy)
        pthread_cond_wait(&self->changed, &self->lock);
    if (busy)
        return;
    struct timespec end = in_ms(GATHER_MS);
    while (!self->closing && self->waiting.bytes < GATHER_BYTES &&
           pthread_cond_timedwait(&self->changed, &self->lock, &end) == 0)
        ;
}

static void pause_after_failure(alto_store *self)
{
    struct timespec end = in_ms(RETRY_MS);
    while (!self->closing && pthread_cond_timedwait(&self->changed, &self->lock, &end) == 0)
        ;
    pthread_mutex_unlock(&self->lock);
    alto_book_recover(self->book); /* if that fails, so does the next write, which is then counted */
    pthread_mutex_lock(&self->lock);
}

static void *run_writer(void *context)
{
    alto_store *self = context;
    bool busy = false;
    pthread_mutex_lock(&self->lock);
    for (;;) {
        wait_for_work(self, busy);
        if (self->closing && !self->waiting.first)
            break;
        bool last_try = self->closing;
        alto_status status = self->waiting.first ? write_group(self) : ALTO_OK;
        if (status == ALTO_OK)
            status = write_background(self, &busy);
        if (status == ALTO_OK) {
            on_success(self);
            continue;
        }
        busy = false;
        on_failure(self, status);
        if (last_try)
            break;
        pause_after_failure(self);
    }
    self->has_ended = true;
    pthread_cond_signal(&self->ended);
    pthread_mutex_unlock(&self->lock);
    return NULL;
}

/* ---- public ---- */

void alto_stored_state_fini(alto_stored_state *state)
{
    for (size_t i = 0; i < state->count; i++) {
        alto_version_release(state->resources[i].version);
        for (size_t j = 0; j < state->resources[i].older_count; j++)
            alto_version_release(state->resources[i].older[j].version);
        free(state->resources[i].older);
    }
    free(state->resources);
    alto_tree_release(state->catalog);
    alto_buffer_fini(&state->statement);
    alto_buffer_fini(&state->manifest);
    alto_buffer_fini(&state->roots);
    *state = (alto_stored_state){
        .statement = alto_buffer_make(0), .manifest = alto_buffer_make(0), .roots = alto_buffer_make(0)};
}

static void init_condition(pthread_cond_t *condition)
{
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(condition, &attributes);
    pthread_condattr_destroy(&attributes);
}

static bool start_writer(alto_store *self)
{
    self->writer_runs = alto_thread_start(&self->writer, run_writer, self) == 0;
    return self->writer_runs;
}

alto_status alto_store_open(const char *directory, const alto_origin *origin, alto_store **out, alto_error *error)
{
    alto_store *self = calloc(1, sizeof *self);
    if (!self)
        return alto_fail(error, ALTO_NO_MEMORY, directory, "out of memory");
    pthread_mutex_init(&self->lock, NULL);
    init_condition(&self->changed);
    init_condition(&self->ended);
    self->directory = strdup(directory);
    alto_status status = self->directory ? alto_book_open(directory, origin, &self->book, error)
                                         : alto_fail(error, ALTO_NO_MEMORY, directory, "out of memory");
    if (status == ALTO_OK && !start_writer(self))
        status = alto_fail(error, ALTO_NO_MEMORY, directory, "cannot start a thread");
    if (status != ALTO_OK) {
        alto_store_close(&self);
        return status;
    }
    *out = self;
    return ALTO_OK;
}

/* Let the writer finish; false when the disk keeps it for too long. */
static bool end_writer(alto_store *self)
{
    pthread_mutex_lock(&self->lock);
    self->closing = true;
    pthread_cond_signal(&self->changed);
    struct timespec end = in_ms(CLOSE_MS);
    while (!self->has_ended && pthread_cond_timedwait(&self->ended, &self->lock, &end) == 0)
        ;
    bool ended = self->has_ended;
    size_t lost = self->waiting.count + self->in_work;
    pthread_mutex_unlock(&self->lock);
    if (lost)
        alto_log(ALTO_LOG_ERROR, "store-lost", "directory=%s steps=%zu why=%s", self->directory, lost,
                 ended ? "failing" : "\"the disk does not answer\"");
    if (ended)
        pthread_join(self->writer, NULL);
    else
        pthread_detach(self->writer);
    return ended;
}

void alto_store_close(alto_store **self)
{
    if (!*self)
        return;
    alto_store *store = *self;
    *self = NULL;
    if (store->writer_runs && !end_writer(store))
        return; /* what the writer still holds ends with the process */
    free_queue(&store->waiting);
    alto_book_close(&store->book);
    pthread_cond_destroy(&store->changed);
    pthread_cond_destroy(&store->ended);
    pthread_mutex_destroy(&store->lock);
    free(store->directory);
    free(store);
}

alto_status alto_store_load(alto_store *self, alto_pool *pool, alto_stored_state *state)
{
    return alto_book_load(self->book, pool, state);
}

alto_status alto_store_next_chain(alto_store *self, uint64_t now_ms, uint64_t *chain)
{
    return alto_book_next_chain(self->book, now_ms, chain);
}

static alto_status enqueue(alto_store *self, const alto_step *step)
{
    item *added = copy_step(step);
    if (!added)
        return ALTO_NO_MEMORY;
    pthread_mutex_lock(&self->lock);
    push(&self->waiting, added);
    if (self->waiting.bytes > QUEUE_BYTES || (self->failing && self->waiting.count > QUEUE_STEPS_FAILING))
        collapse(&self->waiting);
    pthread_cond_signal(&self->changed);
    pthread_mutex_unlock(&self->lock);
    return ALTO_OK;
}

alto_status alto_store_commit(alto_store *self, alto_slice statement_file, const alto_tree *catalog,
                              const alto_stored_change *changes, size_t count)
{
    alto_step step = {.has_statement = true, .statement = statement_file, .catalog = catalog, .count = count};
    step.changes = (alto_stored_change *)(uintptr_t)changes; /* read only */
    return enqueue(self, &step);
}

alto_status alto_store_manifest(alto_store *self, alto_slice manifest_file, alto_slice roots)
{
    alto_step step = {.has_manifest = true, .manifest = manifest_file, .roots = roots};
    return enqueue(self, &step);
}

alto_store_counts alto_store_counts_now(alto_store *self)
{
    pthread_mutex_lock(&self->lock);
    alto_store_counts counts = {.commits_durable = self->commits_durable,
                                .commits_queued = self->waiting.count + self->in_work,
                                .bytes_written = alto_book_written(self->book),
                                .failures = self->failures};
    pthread_mutex_unlock(&self->lock);
    return counts;
}
