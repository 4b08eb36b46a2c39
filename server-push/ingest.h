/* SPDX-License-Identifier: Apache-2.0 */
/* ingest.h - from source documents to what is to be committed together.
 *
 * Holds, for each document, the last good version and decides which resources may change in one
 * commit: a network map waits up to hold_ms for the cost maps that have to name its new tag; what still does
 * not fit then is withheld (kept, not shown) until it does. A refused document changes nothing.
 *
 * Threads: belongs to one thread. Pure: takes the time as an argument. */
#ifndef INGEST_H
#define INGEST_H

#include "core/committer.h"

typedef struct ingest ingest;

typedef struct {
    uint64_t hold_ms;
    bool retag; /* replace tags by content hashes, in network maps and in the dependent-vtags that name them */
} ingest_options;

/* pool: borrowed. NULL: out of memory. */
ingest *ingest_new(const ingest_options *options, alto_pool *pool);
void ingest_destroy(ingest **self);

/* What is published already, from an earlier life: so that reading the same documents again changes nothing. Before any document. */
alto_status ingest_restore(ingest *self, const alto_resource *const *resources, size_t count);

/* A document's new text. name: what it is called without ".json". Unchanged content is ALTO_KNOWN.
 * Errors: those of alto_map_read; ALTO_INVALID (no resource ID can be made of it, a network map without a usable vtag, bad dependent-vtags),
 * ALTO_DUPLICATE (another document has that resource ID), ALTO_SAME_TAG (RFC 7285 6.3). */
alto_status ingest_document(ingest *self, const char *name, alto_slice text, uint64_t now_ms, alto_error *error);
/* Likewise, from a source that knows what it should be: content of another media type is ALTO_WRONG_TYPE. */
alto_status ingest_typed(ingest *self, const char *name, const char *media_type, alto_slice text, uint64_t now_ms,
                         alto_error *error);
/* The document is gone, and with it what an earlier life published by that name; nothing when there was none. */
void ingest_remove(ingest *self, const char *name, uint64_t now_ms);
/* All documents there are have been read, none was refused: what was published in an earlier life and has no
 * document any more is gone. */
void ingest_settle(ingest *self, uint64_t now_ms);
/* The names of all documents, for finding those that went while nobody looked. */
size_t ingest_names(const ingest *self, const char **names, size_t max);

/* What to commit now: at most `max` changes against what was published, ascending by catalog key; slices and versions are borrowed until
 * the next call of anything here but ingest_give_back. Taking them makes them published.
 * *again_ms  when to call again because a hold ends; UINT64_MAX: not before something changes. */
size_t ingest_take(ingest *self, uint64_t now_ms, alto_new_state *changes, size_t max, uint64_t *again_ms);

/* What the last ingest_take gave could not be committed: it is not published after all, and will be given again. */
void ingest_give_back(ingest *self);

/* One line for each resource that is held back now and why; for the log. */
typedef void ingest_report_fn(void *context, const char *resource_id, const char *why);
void ingest_report(const ingest *self, ingest_report_fn *report, void *context);

#endif
