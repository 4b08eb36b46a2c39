/* SPDX-License-Identifier: Apache-2.0 */
#include "io/http_limits.h"

#include "core/crypto.h"
#include "core/prefix.h"
#include "io/descriptors.h"
#include "io/log.h"

#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

enum {
    MOST_CONNECTIONS = 8192, /* unless more are wanted */
    SHARE = 4,               /* of the descriptors: an answer may have a file, and push takes half of them */
    BUCKETS = 4096,          /* of accounts */
    MOST_IDLE = 8192,        /* accounts without a connection */
    BURST_MS = 2000,         /* how long requests may come that a client has saved up */
    ANSWER_MS = 60000,
    SLOWEST = 16384, /* bytes in a second that somebody takes of an answer, for so long a time */
    SAY_MS = 10000,  /* between two lines about the same limit */
    NS_PER_MS = 1000000
};

struct alto_http_client {
    alto_endpoint who;
    size_t connections;
    _Atomic uint64_t paid_until_ns; /* its requests so far are paid for by the time until then */
    alto_http_client *next;         /* in its bucket */
};

struct alto_http_limits {
    uint64_t connections, client_connections;
    uint64_t request_ns; /* what one request costs; 0: nothing */
    alto_prefix_key unlimited[ALTO_HTTP_UNLIMITED];
    size_t unlimited_count;
    uint64_t seed; /* so that nobody can choose addresses of one bucket */
    pthread_mutex_t lock;
    alto_http_client *buckets[BUCKETS];
    size_t accounts, open; /* accounts; connections of those */
    size_t sweep;          /* the bucket that is looked at next for accounts of no use */
    _Atomic uint64_t counts[ALTO_HTTP_LIMIT_COUNT], said_ms[ALTO_HTTP_LIMIT_COUNT];
};

/* ---- addresses ---- */

static bool parse_prefix(const char *text, alto_prefix_key *out)
{
    alto_slice slice = alto_slice_text(text);
    alto_endpoint one;
    for (int family = 4; family <= 6; family += 2) {
        if (alto_prefix_parse(family, slice, out) == ALTO_OK)
            return true;
        if (alto_endpoint_parse(family, slice, &one) != ALTO_OK)
            continue;
        size_t size = family == 4 ? 4 : 16;
        out->bytes[0] = one.family;
        memcpy(out->bytes + 1, one.bytes, size);
        out->bytes[1 + size] = (uint8_t)(8 * size);
        out->size = (uint8_t)(size + 2);
        return true;
    }
    return false;
}

static bool within(const alto_prefix_key *prefix, const alto_endpoint *address)
{
    unsigned bits = prefix->bytes[prefix->size - 1];
    if ((prefix->size == 6 ? 4 : 6) != address->family || memcmp(prefix->bytes + 1, address->bytes, bits / 8) != 0)
        return false;
    unsigned rest = bits % 8;
    return rest == 0 || (prefix->bytes[1 + bits / 8] ^ address->bytes[bits / 8]) >> (8 - rest) == 0;
}

static bool is_unlimited(const alto_http_limits *self, const alto_endpoint *address)
{
    for (size_t i = 0; i < self->unlimited_count; i++)
        if (within(&self->unlimited[i], address))
            return true;
    return false;
}

static void read_peer(const struct sockaddr *peer, alto_endpoint *out)
{
    *out = (alto_endpoint){.family = peer->sa_family == AF_INET ? 4 : 6};
    if (peer->sa_family == AF_INET)
        memcpy(out->bytes, &((const struct sockaddr_in *)(const void *)peer)->sin_addr, 4);
    else
        memcpy(out->bytes, &((const struct sockaddr_in6 *)(const void *)peer)->sin6_addr, 16);
}

/* ---- accounts ---- */

static alto_http_client **bucket_of(alto_http_limits *self, const alto_endpoint *who)
{
    uint8_t bytes[sizeof self->seed + sizeof *who];
    memcpy(bytes, &self->seed, sizeof self->seed);
    memcpy(bytes + sizeof self->seed, who, sizeof *who);
    return &self->buckets[alto_short_hash(alto_slice_of(bytes, sizeof bytes)) % BUCKETS];
}

/* Forget the accounts of a bucket that have neither connections nor requests to be paid for. */
static void tidy(alto_http_limits *self, alto_http_client **link, uint64_t now_ms)
{
    while (*link) {
        alto_http_client *at = *link;
        if (at->connections || atomic_load(&at->paid_until_ns) > now_ms * NS_PER_MS) {
            link = &at->next;
            continue;
        }
        *link = at->next;
        free(at);
        self->accounts--;
    }
}

/* NULL: there is no memory, or there are too many. */
static alto_http_client *account(alto_http_limits *self, const alto_endpoint *who, uint64_t now_ms)
{
    alto_http_client **bucket = bucket_of(self, who);
    for (alto_http_client *at = *bucket; at; at = at->next)
        if (memcmp(&at->who, who, sizeof *who) == 0)
            return at;
    tidy(self, &self->buckets[self->sweep++ % BUCKETS], now_ms);
    tidy(self, bucket, now_ms);
    if (self->accounts >= self->open + MOST_IDLE)
        return NULL;
    alto_http_client *made = calloc(1, sizeof *made);
    if (!made)
        return NULL;
    made->who = *who;
    made->next = *bucket;
    *bucket = made;
    self->accounts++;
    return made;
}

bool alto_http_limits_enter(alto_http_limits *self, const struct sockaddr *peer, uint64_t now_ms,
                            alto_http_client **client)
{
    alto_endpoint who;
    *client = NULL;
    read_peer(peer, &who);
    if (is_unlimited(self, &who))
        return true;
    if (who.family == 6)
        memset(who.bytes + 8, 0, 8);
    pthread_mutex_lock(&self->lock);
    alto_http_client *found = account(self, &who, now_ms);
    bool room = found && (!self->client_connections || found->connections < self->client_connections);
    if (room) {
        found->connections++;
        self->open++;
    }
    pthread_mutex_unlock(&self->lock);
    if (room) {
        *client = found;
        return true;
    }
    char text[ALTO_HTTP_PEER_TEXT];
    alto_http_peer_text(peer, text);
    alto_http_limits_count(self, ALTO_HTTP_CLIENT_CONNECTIONS, text, now_ms);
    return false;
}

void alto_http_limits_leave(alto_http_limits *self, alto_http_client *client)
{
    if (!client)
        return;
    pthread_mutex_lock(&self->lock);
    client->connections--;
    self->open--;
    pthread_mutex_unlock(&self->lock);
}

/* ---- requests ---- */

/* Pay for one request with time that has passed, or at most BURST_MS before it has. */
static bool pay(const alto_http_limits *self, alto_http_client *client, uint64_t now_ms)
{
    uint64_t now_ns = now_ms * NS_PER_MS, before = atomic_load_explicit(&client->paid_until_ns, memory_order_relaxed);
    uint64_t after;
    do {
        after = (before > now_ns ? before : now_ns) + self->request_ns;
        if (after > now_ns + (uint64_t)BURST_MS * NS_PER_MS)
            return false;
    } while (!atomic_compare_exchange_weak_explicit(&client->paid_until_ns, &before, after, memory_order_relaxed,
                                                    memory_order_relaxed));
    return true;
}

bool alto_http_limits_ask(alto_http_limits *self, alto_http_client *client, const char *peer, uint64_t now_ms,
                          alto_http_answer *answer)
{
    if (!client || !self->request_ns || pay(self, client, now_ms))
        return true;
    alto_http_limits_count(self, ALTO_HTTP_CLIENT_REQUESTS, peer, now_ms);
    alto_http_answer_init(answer, 429);
    alto_http_header(answer, "Content-Type", "text/plain");
    alto_http_header(answer, "Cache-Control", "no-store");
    alto_http_header(answer, "Retry-After", "1");
    alto_http_body(answer, alto_slice_text("Too many requests from this address.\n"));
    return false;
}

uint64_t alto_http_limits_answer_ms(uint64_t size)
{
    return ANSWER_MS + size / SLOWEST * 1000;
}

/* ---- counts ---- */

static const char *const names[] = {
#define LIMIT_NAME(id, name) name,
    ALTO_HTTP_LIMIT_MAP(LIMIT_NAME)};

void alto_http_limits_count(alto_http_limits *self, alto_http_limit limit, const char *peer, uint64_t now_ms)
{
    uint64_t times = atomic_fetch_add(&self->counts[limit], 1) + 1;
    uint64_t said_ms = atomic_load(&self->said_ms[limit]);
    if ((said_ms && now_ms - said_ms < SAY_MS) ||
        !atomic_compare_exchange_strong(&self->said_ms[limit], &said_ms, now_ms))
        return;
    alto_log(limit == ALTO_HTTP_TLS ? ALTO_LOG_DEBUG : ALTO_LOG_WARN, "http-limit", "why=%s%s%s times=%llu",
             names[limit], peer[0] ? " peer=" : "", peer, (unsigned long long)times);
}

void alto_http_limits_info(const alto_http_limits *self, alto_buffer *out)
{
    alto_buffer_add_text(out, ",\"limits\":{");
    for (size_t i = 0; i < ALTO_HTTP_LIMIT_COUNT; i++)
        alto_buffer_print(out, "%s\"%s\":%llu", i ? "," : "", names[i],
                          (unsigned long long)atomic_load(&self->counts[i]));
    alto_buffer_add_text(out, "}");
}

/* ---- beginning and end ---- */

static alto_status take_unlimited(alto_http_limits *self, const alto_http_limits_options *options, alto_error *error)
{
    static const char *const loopback[] = {"127.0.0.1", "::1"};
    const char *const *texts = options->unlimited_count ? options->unlimited : loopback;
    size_t count = options->unlimited_count ? options->unlimited_count : 2;
    if (count > ALTO_HTTP_UNLIMITED)
        return alto_fail(error, ALTO_CONFIG, texts[ALTO_HTTP_UNLIMITED], "one address too many without limits");
    for (size_t i = 0; i < count; i++)
        if (!parse_prefix(texts[i], &self->unlimited[i]))
            return alto_fail(error, ALTO_CONFIG, texts[i],
                             "not an address or prefix: write 192.0.2.1 or 2001:db8::/32");
    self->unlimited_count = count;
    return ALTO_OK;
}

alto_status alto_http_limits_new(const alto_http_limits_options *options, alto_http_limits **out, alto_error *error)
{
    alto_http_limits *self = calloc(1, sizeof *self);
    if (!self)
        return alto_fail(error, ALTO_NO_MEMORY, "http", "out of memory");
    pthread_mutex_init(&self->lock, NULL);
    uint64_t share = alto_descriptors() / SHARE;
    uint64_t wanted = options->connections ? options->connections : MOST_CONNECTIONS;
    self->connections = wanted < share ? wanted : share;
    self->client_connections = options->client_connections;
    self->request_ns = options->client_requests ? (uint64_t)NS_PER_MS * 1000 / options->client_requests : 0;
    self->seed = alto_random();
    alto_status status = take_unlimited(self, options, error);
    if (status == ALTO_OK)
        *out = self;
    else
        alto_http_limits_destroy(&self);
    return status;
}

void alto_http_limits_destroy(alto_http_limits **self)
{
    alto_http_limits *gone = *self;
    if (!gone)
        return;
    assert(gone->open == 0);
    for (size_t i = 0; i < BUCKETS; i++)
        while (gone->buckets[i]) {
            alto_http_client *next = gone->buckets[i]->next;
            free(gone->buckets[i]);
            gone->buckets[i] = next;
        }
    pthread_mutex_destroy(&gone->lock);
    free(gone);
    *self = NULL;
}

size_t alto_http_limits_connections(const alto_http_limits *self)
{
    return (size_t)self->connections;
}
