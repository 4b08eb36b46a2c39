/* SPDX-License-Identifier: Apache-2.0 */
/* ingest_items.h - the inside of an ingest, for the files that make it: ingest.c (life, documents) and ingest_take.c (what belongs
 * together). Nobody else includes it.
 *
 * Threads: as ingest.h. */
#ifndef INGEST_ITEMS_H
#define INGEST_ITEMS_H

#include "ingest.h"

/* What of a resource is published. */
typedef struct {
    const alto_version *version;      /* owned; NULL: nothing */
    char tag[ALTO_MAX_NAME + 1];      /* of its own vtag */
    char read_tag[ALTO_MAX_NAME + 1]; /* the one that its document had; another with --retag. "": not known */
    alto_vtag dependencies[ALTO_MAX_DEPENDENCIES];
    size_t dependency_count;
    bool withheld;
} ingest_publication;

/* One resource: what its document says and what of it is published. */
typedef struct {
    char id[ALTO_MAX_NAME + 1];
    char document[256];  /* "" when it has none (removed, or not read since the restart) */
    uint64_t changed_ms; /* since when `wanted` has been another than what is published */

    const alto_version *wanted;  /* last good content of the document, as read; NULL: none */
    alto_map_memory *memory;     /* of the text of `wanted` */
    char tag[ALTO_MAX_NAME + 1]; /* its vtag as read */
    alto_vtag dependencies[ALTO_MAX_DEPENDENCIES];
    size_t dependency_count;
    const char *media_type; /* static; NULL: that of the kind */

    /* What is to be published of `wanted`: just that, or with other tags. */
    alto_version *ready; /* owned; of a network map it goes with `wanted`, of others it is made when taken */
    char ready_tag[ALTO_MAX_NAME + 1];
    alto_vtag ready_dependencies[ALTO_MAX_DEPENDENCIES];

    ingest_publication published;
    ingest_publication before; /* what `published` was before the last take, if that changed it */
    bool taken;                /* it did */
    bool restored;             /* published in an earlier life; its document has not been seen since */

    const char *why_waiting; /* static text; NULL when it is not */
} ingest_item;

struct ingest {
    ingest_options options;
    alto_pool *pool;
    ingest_item **items; /* ascending by id */
    size_t count, capacity;
};

/* ---- ingest.c ---- */

/* Where the item of that ID is, or would be. */
size_t ingest_place_of(const ingest *self, const char *id, bool *found);
/* Does the wanted content differ from what is published of it? With --retag, a tag is made of the content. */
bool ingest_changed(const ingest *self, const ingest_item *at);
/* ready: takes it over. */
void ingest_set_ready(ingest_item *at, alto_version *ready, const char *tag);
/* Forget items of which nothing is wanted or published. */
void ingest_drop_empty(ingest *self);

#endif
