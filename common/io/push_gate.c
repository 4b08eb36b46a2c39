/* SPDX-License-Identifier: Apache-2.0 */
#include "io/push_gate.h"

#include "io/curve_files.h"
#include "io/log.h"
#include "io/loop.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

enum { SAY_MS = 1000 }; /* a line of log about refusals at most so often */

struct alto_push_gate {
    alto_push_gate_options options;
    pthread_mutex_t lock;  /* of what follows */
    alto_curve_pair *pair; /* changed by one thread only, which need not lock to look */
    alto_curve_peers peers;
    uint64_t refused, unsaid; /* so far; of these, since the last line of log */
    uint64_t said_ms;         /* monotonic; 0: never */
};

static alto_status read_files(alto_push_gate *self, alto_error *error)
{
    alto_status status = alto_curve_files_pair(self->options.key, &self->pair, error);
    return status == ALTO_OK && self->options.allow ? alto_curve_files_peers(self->options.allow, &self->peers, error)
                                                    : status;
}

alto_status alto_push_gate_new(const alto_push_gate_options *options, alto_push_gate **out, alto_error *error)
{
    alto_push_gate *self = calloc(1, sizeof *self);
    if (!self)
        return alto_fail(error, ALTO_NO_MEMORY, options->key, "out of memory");
    pthread_mutex_init(&self->lock, NULL);
    self->options = *options;
    alto_status status = read_files(self, error);
    if (status != ALTO_OK) {
        alto_push_gate_destroy(&self);
        return status;
    }
    *out = self;
    return ALTO_OK;
}

void alto_push_gate_destroy(alto_push_gate **self)
{
    if (!*self)
        return;
    alto_curve_pair_destroy(&(*self)->pair);
    alto_curve_peers_fini(&(*self)->peers);
    pthread_mutex_destroy(&(*self)->lock);
    free(*self);
    *self = NULL;
}

void alto_push_gate_log(const alto_push_gate *self)
{
    char key[ALTO_CURVE_KEY_TEXT], listed[24] = "all";
    alto_z85_write(alto_curve_pair_public(self->pair)->bytes, key);
    if (self->options.allow)
        snprintf(listed, sizeof listed, "%zu", self->peers.count);
    alto_log(ALTO_LOG_INFO, "curve", "key=%s peers=%s", key, listed);
}

static alto_status reload_pair(alto_push_gate *self, bool *changed, alto_error *error)
{
    alto_curve_pair *pair;
    alto_status status = alto_curve_files_another_pair(self->options.key, self->pair, &pair, error);
    *changed = pair != NULL;
    if (!pair)
        return status;
    pthread_mutex_lock(&self->lock);
    alto_curve_pair *before = self->pair;
    self->pair = pair;
    pthread_mutex_unlock(&self->lock);
    alto_curve_pair_destroy(&before);
    return ALTO_OK;
}

static alto_status reload_peers(alto_push_gate *self, alto_error *error)
{
    alto_curve_peers peers = {0};
    alto_status status = self->options.allow ? alto_curve_files_peers(self->options.allow, &peers, error) : ALTO_OK;
    if (status != ALTO_OK)
        return status;
    pthread_mutex_lock(&self->lock);
    alto_curve_peers before = self->peers;
    self->peers = peers;
    pthread_mutex_unlock(&self->lock);
    alto_curve_peers_fini(&before);
    return ALTO_OK;
}

alto_push_gate_news alto_push_gate_reload(alto_push_gate *self)
{
    alto_push_gate_news news = {.peers = true};
    alto_error error;
    if (reload_pair(self, &news.pair, &error) != ALTO_OK)
        alto_log_error(ALTO_LOG_ERROR, "curve", &error);
    if (reload_peers(self, &error) != ALTO_OK) {
        alto_log_error(ALTO_LOG_ERROR, "curve", &error);
        news.peers = false;
    }
    alto_push_gate_log(self);
    return news;
}

const alto_curve_pair *alto_push_gate_pair(const alto_push_gate *self)
{
    return self->pair;
}

alto_curve_key alto_push_gate_key(alto_push_gate *self)
{
    pthread_mutex_lock(&self->lock);
    alto_curve_key key = *alto_curve_pair_public(self->pair);
    pthread_mutex_unlock(&self->lock);
    return key;
}

bool alto_push_gate_is_listed(const alto_push_gate *self)
{
    return self->options.allow != NULL;
}

bool alto_push_gate_allows_multicast(const alto_push_gate *self)
{
    return self->options.cleartext_multicast;
}

/* Under the lock. */
static void count_refusal(alto_push_gate *self, const alto_curve_key *peer, const char *address)
{
    char key[ALTO_CURVE_KEY_TEXT];
    uint64_t now_ms = alto_monotonic_ms();
    self->refused++;
    self->unsaid++;
    if (self->said_ms && now_ms - self->said_ms < SAY_MS)
        return;
    alto_z85_write(peer->bytes, key);
    alto_log(ALTO_LOG_WARN, "push-peer-refused", "peer=%s key=%s refused=%llu", address, key,
             (unsigned long long)self->unsaid);
    self->unsaid = 0;
    self->said_ms = now_ms;
}

bool alto_push_gate_admit(alto_push_gate *self, const alto_curve_key *peer, const char *address)
{
    pthread_mutex_lock(&self->lock);
    bool admitted = !self->options.allow || alto_curve_peers_find(&self->peers, peer);
    if (!admitted)
        count_refusal(self, peer, address);
    pthread_mutex_unlock(&self->lock);
    return admitted;
}

bool alto_push_gate_knows(alto_push_gate *self, const char *peer)
{
    alto_curve_key key;
    if (!alto_z85_read(alto_slice_text(peer), key.bytes))
        return false;
    pthread_mutex_lock(&self->lock);
    bool known = alto_curve_peers_find(&self->peers, &key) != NULL;
    pthread_mutex_unlock(&self->lock);
    return known;
}

alto_push_gate_counts alto_push_gate_counts_now(alto_push_gate *self)
{
    pthread_mutex_lock(&self->lock);
    alto_push_gate_counts counts = {.listed = self->peers.count, .refused = self->refused};
    pthread_mutex_unlock(&self->lock);
    return counts;
}
