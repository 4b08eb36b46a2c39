/* SPDX-License-Identifier: Apache-2.0 */
/* http_cache.h - what a shared cache may do with an answer, and for how long (RFC 9111).
 *
 * Meant for a cache in front of one server: what is kept is told apart by method, URL, body, its type, Accept and
 * Accept-Encoding, and nothing else that a client says of itself, credentials and cookies above all, ever reaches the server. So all other
 * headers that Vary may name are the same in every request.
 *
 * Threads: none inside. Pure. */
#ifndef ALTO_HTTP_CACHE_H
#define ALTO_HTTP_CACHE_H

#include <stdbool.h>
#include <stdint.h>

#define ALTO_CACHE_MAX_S 2147483648U /* seconds: a larger number means this (RFC 9111 1.2.2) */

/* What the headers of an answer say about caching. Made with {0}. */
typedef struct {
    bool no_store, no_cache, is_private; /* of Cache-Control */
    bool has_max_age, is_shared;         /* of these, too; is_shared: it was s-maxage, which goes before */
    bool varies;                         /* with what no request tells: "*" */
    bool
        authorized; /* not of a header: it was given to credentials of ours, and is shared only when it says that it may be */
    bool sharable; /* and so it does: "public", "must-revalidate" or "s-maxage" (RFC 9111 3.5) */
    bool has_expires, has_date;
    uint64_t max_age_s;         /* when has_max_age */
    uint64_t age_s;             /* of Age */
    uint64_t expires_s, date_s; /* since 1970; 0 for what is no date as RFC 9110 5.6.7 wants it to be written */
} alto_cache_told;
/* Take up one line; of the names Cache-Control, Expires, Date, Age and Vary, all others say nothing. */
void alto_cache_told_add(alto_cache_told *self, const char *name, const char *value);

typedef enum {
    ALTO_CACHE_PRIVATE, /* for one who asked, and nobody else */
    ALTO_CACHE_SHARED,  /* for all who ask the same at the moment */
    ALTO_CACHE_KEPT     /* for those who come later too */
} alto_cache_use;

typedef struct {
    alto_cache_use use;
    uint64_t lifetime_s; /* how old it may get before the server has to be asked again; 0: each time */
    uint64_t age_s;      /* how old it was when it came */
} alto_cache_rule;

/* How old an answer may get, in seconds: by Cache-Control, else by Expires and Date; false: nothing is said of it, or that it has to be
 * asked for each time. Nothing is guessed. */
bool alto_cache_lifetime(const alto_cache_told *told, uint64_t *lifetime_s);
/* Judge an answer. keepable: a 200 to a GET; has_validator: it can be asked for again by its ETag or date. */
alto_cache_rule alto_cache_judge(const alto_cache_told *told, bool keepable, bool has_validator);

/* How old an answer is that was asked for at asked_ms (monotonic clock, as now_ms). */
uint64_t alto_cache_age_s(const alto_cache_rule *rule, uint64_t asked_ms, uint64_t now_ms);
/* May it be used without asking the server again? */
bool alto_cache_is_fresh(const alto_cache_rule *rule, uint64_t asked_ms, uint64_t now_ms);

#endif
