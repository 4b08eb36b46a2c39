/* SPDX-License-Identifier: Apache-2.0 */
/* replica.h - the verified copy of one origin, as a pure state machine.
 *
 * Bytes and a time go in; a verdict comes out. Statements (commits, heads) are
 * verified when they arrive and wait in order; the first one waiting is
 * worked on: it needs its catalog and, for each followed resource that it
 * changes, the new version, from a pushed payload or from something pulled. When it has all of it, the
 * view moves to it in one step. Nothing that fails changes the view.
 *
 * A gap before the first one is closed by the fewest bytes: the upstream is asked what the missing commits cost, and what
 * the difference does (advice.h); commits that come in between, from wherever, take their place in the queue.
 *
 *            statement, payload (push)          object (pull)
 *                     |                              ^ |
 *                     v                              | v
 *   refused <- verify, queue -> first waiting -> wants -> complete -> view
 *
 * Threads: belongs to one thread; views may be read anywhere. */
#ifndef ALTO_REPLICA_H
#define ALTO_REPLICA_H

#include "core/counts.h"
#include "core/view.h"

typedef struct alto_replica alto_replica;

typedef enum {
    ALTO_REPLICA_EMPTY,   /* nothing yet */
    ALTO_REPLICA_SYNCING, /* something signed is known that is not held yet */
    ALTO_REPLICA_LIVE,    /* holds the newest commit known, whose head is fresh */
    ALTO_REPLICA_STALE /* holds something, but nothing newly issued has come from the origin for three heads, or what comes was issued
                        * longer ago than that (and two minutes, by which clocks may differ), or has expired */
} alto_replica_state;
const char *alto_replica_state_name(alto_replica_state state);

/* One resource of a step that was taken. */
typedef struct {
    const alto_resource *before, *after; /* NULL: new, or withdrawn */
    alto_slice payload;                  /* the very payload that the commit signed; empty when another way was taken */
    size_t index;                        /* in the commit's changes; SIZE_MAX when it is none of them */
} alto_applied_change;

/* How a step came: by the dearest of what it took. */
typedef enum {
    ALTO_ROUTE_PUSH,    /* pushed, all of it */
    ALTO_ROUTE_COMMITS, /* pulled as it was signed: its statement or payloads */
    ALTO_ROUTE_DELTA,   /* the difference between what was held and the newest: a catalog, deltas */
    ALTO_ROUTE_SNAPSHOT /* at least one resource whole */
} alto_route;
const char *alto_route_name(alto_route route); /* "push", "commits", "delta", "snapshot" */

/* A step that was taken. All borrowed during the call. */
typedef struct {
    const alto_view *before, *after; /* before: NULL at first */
    alto_slice object;               /* the statement's bytes and its signature, as received */
    alto_signature signature;
    const alto_statement *statement;
    size_t change_count; /* followed resources that differ between the views */
    const alto_applied_change *changes;
    uint64_t bytes_received; /* of the statement and everything received for this step */
    alto_route route;
} alto_applied;

/* Two statements of the origin that contradict each other, each with the signature of a key of its own: whoever holds both can
 * prove it. All borrowed during the call. */
typedef struct {
    alto_position position; /* at which there are two commits */
    alto_hash hashes[2];    /* theirs: of the one held, of the other; zeros: the other chain has none there */
    alto_slice objects[2];  /* what says so: held, arrived; a commit may say it by its prev */
    alto_signature signatures[2];
} alto_fork;

/* Called inside the functions that take something in; must not call back into the replica except to look. */
typedef struct {
    void (*applied)(void *context, const alto_applied *applied);                     /* a step was taken */
    void (*head)(void *context, alto_slice object, const alto_signature *signature); /* a newer head of what is held */
    void (*fork)(void *context, const alto_fork *fork); /* ALTO_FORK is about to be the answer; the view stays */
    void *context;
} alto_replica_events;

/* A replica of the origin that `anchor` names.
 * follow, count  IDs of the resources to hold; count 0: all. Copied; at most ALTO_MAX_FOLLOW.
 * NULL: out of memory. */
#define ALTO_MAX_FOLLOW 64
alto_replica *alto_replica_new(const alto_anchor *anchor, const char *const *follow, size_t count,
                               const alto_replica_events *events);
void alto_replica_destroy(alto_replica **self);

/* The pool that its trees share keys in. */
alto_pool *alto_replica_pool(alto_replica *self);
/* The newest complete state; NULL while empty. Borrowed until the next step. */
const alto_view *alto_replica_view(const alto_replica *self);
/* The newest statement for that state and its signature, as received: what a relay may pass on. */
bool alto_replica_head(const alto_replica *self, alto_slice *object, alto_signature *signature);
const alto_statement *alto_replica_statement(const alto_replica *self); /* the same, decoded; NULL while empty */
alto_replica_state alto_replica_state_now(const alto_replica *self, uint64_t now_ms);

/* Take up a state from disk: statement (verified, but may have expired), its catalog and what was held of it; the
 * manifest must have been taken before. When a followed resource is missing, the state becomes visible after that was pulled.
 * Errors as for statements, and ALTO_STATE_MISMATCH. */
alto_status alto_replica_restore(alto_replica *self, alto_slice object, const alto_signature *signature,
                                 const alto_tree *catalog, const alto_resource *const *resources, size_t count,
                                 uint64_t now_ms);

/* The list of root sets (roots.h) from disk; before the manifest. ALTO_OK, or alto_roots_walk's. */
alto_status alto_replica_on_roots(alto_replica *self, alto_slice list, uint64_t now_ms);
/* The list that leads from the anchor to the newest root set known, for relays and the disk. Empty while that is the anchor. */
alto_slice alto_replica_roots(const alto_replica *self);

/* A manifest file from upstream or disk, by the newest root set known. What waits is dropped when a key that signed it has
 * no say any more. ALTO_KNOWN: the very one that is held. Errors: alto_manifest_open's; ALTO_OLD; ALTO_FORK (another one with
 * the same number); ALTO_TOO_LARGE (too many root sets). */
alto_status alto_replica_on_manifest(alto_replica *self, alto_slice file, uint64_t now_ms);
/* The manifest held, decoded; NULL when none. */
const alto_manifest *alto_replica_manifest_now(const alto_replica *self);
/* The manifest file held, for relays. Empty when none. */
alto_slice alto_replica_manifest(const alto_replica *self);

/* A commit or head with its signature.
 * ALTO_OK       new: taken in (whether or not it could be applied at once)
 * ALTO_KNOWN    nothing new in it; a newer head of what is held counts as OK
 * refused       ALTO_MALFORMED, WRONG_TYPE, TOO_LARGE, WRONG_ORIGIN, OLD (a head), REPLAYED (a commit), UNKNOWN_KEY,
 *               BAD_SIGNATURE, FAST_FORWARD, FUTURE, BACKDATED, EXPIRED, FORK
 * otherwise     ALTO_NO_MEMORY: the view stays; what waited may be forgotten, and then the newest head is wanted */
alto_status alto_replica_on_statement(alto_replica *self, alto_slice object, const alto_signature *signature,
                                      uint64_t now_ms);

/* A pushed payload. ALTO_OK, ALTO_KNOWN, ALTO_NOT_WANTED, ALTO_DIGEST_MISMATCH, ALTO_NO_MEMORY. */
alto_status alto_replica_on_payload(alto_replica *self, const alto_hash *commit_hash, size_t index, alto_slice payload);

/* ---- pull ---- */

typedef enum {
    ALTO_WANT_HEAD,     /* the newest statement */
    ALTO_WANT_MANIFEST, /* the newest manifest */
    ALTO_WANT_CATALOG,  /* by state root `to` */
    ALTO_WANT_PAYLOAD,  /* by digest `to` */
    ALTO_WANT_DELTA,    /* from root `from` to root `to` */
    ALTO_WANT_SNAPSHOT, /* of root `to` */
    ALTO_WANT_SINCE,    /* advice.h: the ways from position `after` to the newest */
    ALTO_WANT_BUNDLE,   /* every commit after position `after`, up to `until`, with its payloads */
    ALTO_WANT_ROOTS     /* roots.h: how the root keys came to be what they are */
} alto_want_type;

typedef struct {
    alto_want_type type;
    alto_hash from, to;
    alto_position after, until;
    uint64_t max_size; /* bytes an answer may have */
} alto_want;

/* The path of what is wanted, under ".../<origin>/", NUL-terminated. */
#define ALTO_WANT_PATH 160
/* "head", "manifest", ... for people. */
const char *alto_want_name(alto_want_type type);
void alto_want_path(const alto_want *want, char path[ALTO_WANT_PATH]);

/* What should be pulled now and is not under way; each is given once, and under way until
 * alto_replica_pulled or _pull_failed says what became of it. At most `max`. */
size_t alto_replica_wants(alto_replica *self, alto_want *wants, size_t max, uint64_t now_ms);
/* Ask for the newest statement with the next wants: after joining, and as often as the owner polls. */
void alto_replica_want_head(alto_replica *self);
/* A gap between pushed statements may be filled for so long before the upstream is asked how to close it: somebody else's
 * push may have what is missing, and many replicas that missed the same do not ask at once. 0 (so at first): no time. */
void alto_replica_set_gap_patience(alto_replica *self, uint64_t ms);
/* When alto_replica_wants may have more without anything coming in (a pushed payload is overdue, or what closes a gap);
 * UINT64_MAX: never. */
uint64_t alto_replica_next_want_ms(const alto_replica *self);

/* The answer. Errors as above for what it is. A wrong answer is asked for once again, and then in another way. */
alto_status alto_replica_pulled(alto_replica *self, const alto_want *want, alto_slice bytes, uint64_t now_ms);
/* There was none: ALTO_NOT_FOUND and ALTO_TOO_LARGE try the next way; anything else the same way again. */
void alto_replica_pull_failed(alto_replica *self, const alto_want *want, alto_status status);

/* Something from outside was refused before it could be handed over (no frames of ours, a body without end): count that too. */
void alto_replica_refused(alto_replica *self, alto_status status);
/* How often each status was the answer to what came from outside. Lives as long as the replica. */
const alto_counts *alto_replica_counts(const alto_replica *self);

#endif
