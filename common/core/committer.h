/* SPDX-License-Identifier: Apache-2.0 */
/* committer.h - turns new versions of resources into signed commits: what only the origin does.
 *
 * Threads: belongs to one thread. Pure: takes the time as an argument. */
#ifndef ALTO_COMMITTER_H
#define ALTO_COMMITTER_H

#include "core/replica.h"

typedef struct alto_committer alto_committer;

typedef struct {
    const alto_manifest *manifest;                               /* names the origin and when which key signs; copied */
    const alto_signing_key *const *keys;                         /* each borrowed, must outlive its use here */
    size_t key_count;                                            /* 1..ALTO_MAX_KEYS */
    uint64_t chain;                                              /* durable already (alto_store_next_chain) */
    uint64_t valid_for_s;                                        /* of commits and heads */
    uint32_t interval_ms;                                        /* between heads */
    void (*applied)(void *context, const alto_applied *applied); /* called for each commit, as a replica would */
    void *context;
} alto_committer_options;

/* Errors: ALTO_UNKNOWN_KEY (the manifest names none of the keys), ALTO_NO_MEMORY. */
alto_status alto_committer_new(const alto_committer_options *options, alto_committer **out);
void alto_committer_destroy(alto_committer **self);

/* Begin with these resources, ascending by key, from an earlier life; the first commit then says nothing about them. */
alto_status alto_committer_restore(alto_committer *self, alto_pool *pool, const alto_resource *const *resources,
                                   size_t count);

/* From now on sign under that manifest, of the same origin and no older one, with those of the keys that it names: each
 * statement with the one that is valid when it is issued, of several with the one that became valid last.
 * chain      where the epoch is another one, a new chain begins with the next commit, with this number; else unused
 * Errors     ALTO_UNKNOWN_KEY (the manifest names none of the keys); nothing changes then. */
alto_status alto_committer_renew(alto_committer *self, const alto_manifest *manifest,
                                 const alto_signing_key *const *keys, size_t key_count, uint64_t chain);
/* Which of the keys signs what is issued at that time; NULL: none. Borrowed. */
const alto_signing_key *alto_committer_key(const alto_committer *self, uint64_t issued_at_ms);

/* One resource as it is to be. */
typedef struct {
    alto_resource_name name;
    const alto_version *version; /* NULL: withdrawn */
    const char *media_type;      /* NULL: that of the kind */
    uint32_t flags;              /* ALTO_ENTRY_... */
} alto_new_state;

/* Sign one commit of these changes; a change that changes nothing is left out, and a commit without any is
 * made only as the first of the chain. `applied` is called before this returns.
 * changes    ascending by catalog key
 * Errors     ALTO_NO_MEMORY, ALTO_TOO_LARGE, ALTO_INVALID (a vtag or dependency that breaks RFC 7285), ALTO_EXPIRED (no key
 *            is valid now). Nothing changes then. */
alto_status alto_committer_commit(alto_committer *self, alto_pool *pool, const alto_new_state *changes, size_t count,
                                  uint64_t now_ms);

/* The current state; NULL before the first commit. Borrowed. */
const alto_view *alto_committer_view(const alto_committer *self);

/* Sign a head of the newest commit: object appended to `out`. Errors: ALTO_NOT_FOUND (no commit yet), ALTO_EXPIRED (no
 * key is valid now), ALTO_NO_MEMORY. */
alto_status alto_committer_head(alto_committer *self, uint64_t now_ms, alto_buffer *out, alto_signature *signature);

#endif
