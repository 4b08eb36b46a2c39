/* SPDX-License-Identifier: Apache-2.0 */
#include "io/front_kept.h"

#include <pthread.h>
#include <stdlib.h>

/* The only place where a question may be. */
typedef struct {
    alto_fingerprint request;
    const alto_blob *answer; /* one reference; NULL: none */
    alto_coding coding;
    bool used; /* since somebody wanted its place, or its memory */
} place;

struct alto_front_kept {
    pthread_mutex_t lock;
    alto_hash state; /* that all of them are about */
    uint64_t bytes;
    size_t hand; /* where memory is looked for next */
    place places[ALTO_KEPT_QUESTIONS];
};

alto_front_kept *alto_front_kept_new(void)
{
    alto_front_kept *self = calloc(1, sizeof *self);
    if (self)
        pthread_mutex_init(&self->lock, NULL);
    return self;
}

static void let_go(alto_front_kept *self, place *at)
{
    if (at->answer)
        self->bytes -= at->answer->size;
    alto_blob_release(at->answer);
    *at = (place){.answer = NULL};
}

static void let_all_go(alto_front_kept *self)
{
    for (size_t i = 0; i < ALTO_KEPT_QUESTIONS; i++)
        let_go(self, &self->places[i]);
}

void alto_front_kept_destroy(alto_front_kept **self)
{
    if (!*self)
        return;
    let_all_go(*self);
    pthread_mutex_destroy(&(*self)->lock);
    free(*self);
    *self = NULL;
}

static place *place_of(alto_front_kept *self, const alto_fingerprint *request)
{
    return &self->places[request->low % ALTO_KEPT_QUESTIONS];
}

static bool is_of(const place *at, const alto_fingerprint *request)
{
    return at->request.low == request->low && at->request.high == request->high;
}

/* Give the place to another question, but not at the first time that one wants it since its answer was used. */
static void contend(alto_front_kept *self, place *at, const alto_fingerprint *request)
{
    if (at->answer && at->used) {
        at->used = false;
        return;
    }
    let_go(self, at);
    at->request = *request;
}

alto_known_question alto_front_kept_look(alto_front_kept *self, const alto_question *question)
{
    alto_known_question known = {.answer = NULL};
    pthread_mutex_lock(&self->lock);
    if (!alto_hash_equal(&self->state, &question->state)) {
        let_all_go(self);
        self->state = question->state;
    }
    place *at = place_of(self, &question->request);
    known.again = is_of(at, &question->request);
    if (known.again) {
        known.answer = alto_blob_retain(at->answer);
        known.coding = at->coding;
        at->used = at->answer;
    } else {
        contend(self, at, &question->request);
    }
    pthread_mutex_unlock(&self->lock);
    return known;
}

/* Let answers go that were not used since the hand came by, until there is room. It goes round twice at most: by then all
 * are gone. */
static void make_room(alto_front_kept *self, uint64_t size)
{
    while (self->bytes + size > ALTO_KEPT_ANSWERS_BYTES) {
        place *at = &self->places[self->hand];
        self->hand = (self->hand + 1) % ALTO_KEPT_QUESTIONS;
        if (at->answer && !at->used)
            let_go(self, at);
        at->used = false;
    }
}

/* Takes the reference over, or leaves it. */
static bool keep(alto_front_kept *self, const alto_question *question, const alto_blob *answer, alto_coding coding)
{
    place *at = place_of(self, &question->request);
    if (!alto_hash_equal(&self->state, &question->state) || !is_of(at, &question->request) || at->answer)
        return false;
    make_room(self, answer->size);
    at->answer = answer;
    at->coding = coding;
    self->bytes += answer->size;
    return true;
}

void alto_front_kept_add(alto_front_kept *self, const alto_question *question, alto_slice answer, alto_coding coding)
{
    if (answer.size > ALTO_KEPT_ANSWER)
        return;
    const alto_blob *added = alto_blob_new(answer, alto_slice_of(NULL, 0));
    if (!added)
        return;
    pthread_mutex_lock(&self->lock);
    bool kept = keep(self, question, added, coding);
    pthread_mutex_unlock(&self->lock);
    if (!kept)
        alto_blob_release(added);
}

uint64_t alto_front_kept_bytes(alto_front_kept *self)
{
    pthread_mutex_lock(&self->lock);
    uint64_t bytes = self->bytes;
    pthread_mutex_unlock(&self->lock);
    return bytes;
}
