/* SPDX-License-Identifier: Apache-2.0 */
/* status.h - what every function of altocast can answer, and the words for it.
 *
 * One table gives the enum, the short name (counter and log field) and the
 * sentence a person reads. The detail of one refusal travels in an alto_error.
 *
 * Threads: everything here is immutable or belongs to the caller. */
#ifndef ALTO_STATUS_H
#define ALTO_STATUS_H

#include <stdbool.h>
#include <stddef.h>

#define ALTO_STATUS_MAP(X)                                                                                             \
    X(OK, "ok", "success")                                                                                             \
    X(NO_MEMORY, "no-memory", "out of memory")                                                                         \
    X(MALFORMED, "malformed", "the bytes do not follow the format")                                                    \
    X(TOO_LARGE, "too-large", "beyond a limit")                                                                        \
    X(SYNTAX, "syntax", "not JSON")                                                                                    \
    X(INVALID, "invalid", "breaks a rule of the data model")                                                           \
    X(DUPLICATE, "duplicate", "the same name or value twice")                                                          \
    X(SAME_TAG, "same-tag", "content changed under an unchanged version tag (RFC 7285 6.3)")                           \
    X(WRONG_TYPE, "wrong-type", "an object of another type or version")                                                \
    X(WRONG_ORIGIN, "wrong-origin", "belongs to another origin")                                                       \
    X(UNKNOWN_KEY, "unknown-key", "signed with a key that the manifest does not name")                                 \
    X(BAD_SIGNATURE, "bad-signature", "the signature does not fit")                                                    \
    X(EXPIRED, "expired", "no longer valid")                                                                           \
    X(FUTURE, "future", "issued in the future")                                                                        \
    X(BACKDATED, "backdated", "issued before its predecessor")                                                         \
    X(FAST_FORWARD, "fast-forward", "a chain that begins too far in the future")                                       \
    X(OLD, "old", "an older position than the one held")                                                               \
    X(REPLAYED, "replayed", "a commit from before the state held")                                                     \
    X(KNOWN, "known", "already held")                                                                                  \
    X(FORK, "fork", "two different commits at one position")                                                           \
    X(ROOT_MISMATCH, "root-mismatch", "the content does not have the signed root")                                     \
    X(STATE_MISMATCH, "state-mismatch", "the catalog does not have the signed state root")                             \
    X(DIGEST_MISMATCH, "digest-mismatch", "the payload does not have the signed digest")                               \
    X(BOMB, "bomb", "expands beyond what was signed or claimed")                                                       \
    X(NOT_GIVEN, "not-given", "told of, but not to be had")                                                            \
    X(NOT_FOUND, "not-found", "nothing by that name")                                                                  \
    X(NOT_WANTED, "not-wanted", "nobody asked for it")                                                                 \
    X(BUSY, "busy", "in use or at its limit; try again")                                                               \
    X(IO, "io", "the system refused an operation")                                                                     \
    X(CONFIG, "config", "options or files that do not fit together")

#define ALTO_STATUS_ENUM(id, name, text) ALTO_##id,
typedef enum { ALTO_STATUS_MAP(ALTO_STATUS_ENUM) ALTO_STATUS_COUNT } alto_status;
#undef ALTO_STATUS_ENUM

/* The short name ("bad-signature"), for counters and log fields. Never NULL. */
const char *alto_status_name(alto_status status);

/* The sentence, for people. Never NULL. */
const char *alto_status_text(alto_status status);

/* One refusal: what kind, where (a path in a document such as
 * "/cost-map/PID1/PID2", a file, a peer) and why. Always NUL-terminated. */
typedef struct {
    alto_status status;
    char where[200];
    char why[240];
} alto_error;

/* Fill *error (may be NULL) and return `status`, so that a caller can write
 * `return alto_fail(error, ALTO_INVALID, path, "no number: %s", text);`.
 * Bytes that are not printable ASCII are written as '?'. */
alto_status alto_fail(alto_error *error, alto_status status, const char *where, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

#endif
