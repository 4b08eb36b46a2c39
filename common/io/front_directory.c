/* SPDX-License-Identifier: Apache-2.0 */
#include "io/front_directory.h"

#include "core/ird.h"
#include "core/service_origin.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    BASES = 2, /* the origin's own, and none where it is the first */
    KEPT = BASES * ALTO_CODINGS
};

/* What a directory depends on. */
typedef struct {
    alto_hash commit;
    uint64_t held;   /* which of its resources are held here: followers of a part may come to hold more of one commit */
    uint64_t offers; /* the turn of what is offered behind */
    alto_coding coding;
    const char *base;
} question;

typedef struct {
    question asked; /* its base stands in `base` */
    char base[ALTO_MAX_NAME + 2];
    const alto_blob *body; /* owned; NULL: free place */
} kept;

struct alto_front_directory {
    alto_behind behind;
    pthread_mutex_t lock; /* of all that follows */
    kept kept[KEPT];
    size_t next; /* the place that is taken next */
};

alto_front_directory *alto_front_directory_new(void)
{
    alto_front_directory *self = calloc(1, sizeof *self);
    if (self)
        pthread_mutex_init(&self->lock, NULL);
    return self;
}

void alto_front_directory_destroy(alto_front_directory **self)
{
    if (!*self)
        return;
    for (size_t i = 0; i < KEPT; i++)
        alto_blob_release((*self)->kept[i].body);
    pthread_mutex_destroy(&(*self)->lock);
    free(*self);
    *self = NULL;
}

void alto_front_directory_set_behind(alto_front_directory *self, const alto_behind *behind)
{
    self->behind = *behind;
}

/* ---- services ---- */

static bool costs_are_asked_for(const alto_front_directory *self, const alto_view *view)
{
    const alto_behind *behind = &self->behind;
    return behind->offers && alto_origin_has(view, ALTO_SERVICE_ENDPOINT_COST, behind->offers, behind->context);
}

bool alto_front_service(const alto_front_directory *self, const alto_view *view, const char *id, alto_service *out)
{
    return alto_service_find(view, ALTO_SERVICES, id, out) &&
           (out->kind != ALTO_SERVICE_ENDPOINT_COST || !costs_are_asked_for(self, view));
}

/* ---- directories ---- */

static const alto_blob *find(alto_front_directory *self, const question *asked)
{
    const alto_blob *found = NULL;
    pthread_mutex_lock(&self->lock);
    for (size_t i = 0; i < KEPT && !found; i++) {
        const kept *at = &self->kept[i];
        if (at->body && at->asked.coding == asked->coding && at->asked.offers == asked->offers &&
            at->asked.held == asked->held && alto_hash_equal(&at->asked.commit, &asked->commit) &&
            strcmp(at->base, asked->base) == 0)
            found = alto_blob_retain(at->body);
    }
    pthread_mutex_unlock(&self->lock);
    return found;
}

static void keep(alto_front_directory *self, const question *asked, const alto_blob *body)
{
    pthread_mutex_lock(&self->lock);
    kept *place = &self->kept[self->next];
    self->next = (self->next + 1) % KEPT;
    const alto_blob *before = place->body;
    *place = (kept){.asked = *asked, .body = alto_blob_retain(body)};
    snprintf(place->base, sizeof place->base, "%s", asked->base);
    pthread_mutex_unlock(&self->lock);
    alto_blob_release(before);
}

static alto_status write_text(const alto_front_directory *self, const alto_view *view, const char *base,
                              alto_buffer *out)
{
    const alto_behind *behind = &self->behind;
    unsigned services = ALTO_SERVICES;
    if (costs_are_asked_for(self, view))
        services &= ~ALTO_SERVICE_BIT(ALTO_SERVICE_ENDPOINT_COST);
    return alto_ird(view, services, base, behind->offers, behind->context, out);
}

static alto_status make(alto_front_directory *self, const alto_view *view, const question *asked, alto_buffer *out)
{
    const alto_blob *plain;
    if (asked->coding == ALTO_IDENTITY)
        return write_text(self, view, asked->base, out);
    alto_status status = alto_front_directory_get(self, view, asked->base, ALTO_IDENTITY, &plain);
    if (status != ALTO_OK)
        return status;
    status = alto_coding_pack(asked->coding, alto_slice_of(plain->data, plain->size), out);
    alto_blob_release(plain);
    return status;
}

static uint64_t held_of(const alto_view *view)
{
    uint64_t held = 0;
    for (size_t i = 0; i < view->count; i++)
        held = held * 3 + (view->resources[i]->version != NULL);
    return held;
}

alto_status alto_front_directory_get(alto_front_directory *self, const alto_view *view, const char *base,
                                     alto_coding coding, const alto_blob **out)
{
    const alto_behind *behind = &self->behind;
    question asked = {.commit = view->commit_hash,
                      .held = held_of(view),
                      .offers = behind->turn ? behind->turn(behind->context) : 0,
                      .coding = coding,
                      .base = base};
    *out = find(self, &asked);
    if (*out)
        return ALTO_OK;
    alto_buffer text = alto_buffer_make(ALTO_MAX_CATALOG);
    alto_status status = make(self, view, &asked, &text);
    if (status == ALTO_OK) {
        *out = alto_blob_take(&text);
        status = *out ? ALTO_OK : ALTO_NO_MEMORY;
    }
    if (*out)
        keep(self, &asked, *out);
    alto_buffer_fini(&text);
    return status;
}
