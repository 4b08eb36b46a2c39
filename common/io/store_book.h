/* SPDX-License-Identifier: Apache-2.0 */
/* store_book.h - what lies where in the state directory, and how a step gets there.
 *
 * The tables are those of store_record.h. A snapshot is written piece by piece, over several transactions if it is large, and counts
 * only once its head is written; pieces without a head are swept when the directory is opened. Statement, entries, logs and heads of
 * a step go into one transaction: what can be read is always one state that was committed.
 *
 * Threads: any; one at a time is let in. */
#ifndef ALTO_STORE_BOOK_H
#define ALTO_STORE_BOOK_H

#include "io/store.h"

/* One step to write; everything is lent. */
typedef struct alto_step {
    bool has_statement; /* then: */
    alto_slice statement;
    const alto_tree *catalog;
    size_t count;
    alto_stored_change *changes;
    bool has_manifest; /* then: */
    alto_slice manifest, roots;
    struct alto_step *next;
} alto_step;

typedef struct alto_book alto_book;

/* Errors as alto_store_open. */
alto_status alto_book_open(const char *directory, const alto_origin *origin, alto_book **out, alto_error *error);
void alto_book_close(alto_book **self);
alto_status alto_book_load(alto_book *self, alto_pool *pool, alto_stored_state *state);
alto_status alto_book_next_chain(alto_book *self, uint64_t now_ms, uint64_t *chain);

/* Make all steps from `first` on durable together. Errors: ALTO_IO, ALTO_NO_MEMORY, ALTO_TOO_LARGE; then nothing of them is
 * visible, and alto_book_recover must come before the next try. */
alto_status alto_book_write(alto_book *self, const alto_step *first);
alto_status alto_book_recover(alto_book *self);
/* Some log has grown so long that its resource is being written anew: */
bool alto_book_busy(alto_book *self);
/* write the next few MiB of that. Errors as alto_book_write. */
alto_status alto_book_work(alto_book *self);

uint64_t alto_book_written(alto_book *self); /* bytes, since it was opened */
/* Copy the last failure, in words. */
void alto_book_why(alto_book *self, char *words, size_t room);

#endif
