/* SPDX-License-Identifier: Apache-2.0 */
#include "front.h"

#include "core/committer.h"
#include "core/mapjson.h"
#include "io/front.h"
#include "io/loop.h"

#include <stdlib.h>
#include <string.h>

enum { WORKERS = 2, GRACE_MS = 1000, VALID_FOR_S = 86400, HEADS_MS = 5000 };

/* One resource: what was read last of it. */
typedef struct {
    alto_map_memory *memory;
    alto_version *version;
} document;

static const char *const ids[] = {"hopcount", "isp-network-map", "routingcost"}; /* ascending */
enum { DOCUMENTS = sizeof ids / sizeof ids[0] };

struct sim_front {
    alto_pool *pool;
    alto_signing_key *key;
    alto_committer *committer;
    alto_archive *archive;
    alto_front *front;
    alto_http_server *http;
    document documents[DOCUMENTS];
};

static void on_applied(void *context, const alto_applied *applied)
{
    sim_front *self = context;
    (void)alto_archive_step(self->archive, applied); /* the maps are answered also when it has no memory for the rest */
}

static void answer(void *context, const alto_http_request *request, alto_http_answer *out)
{
    const sim_front *self = context;
    alto_http_request own = *request;
    own.base = "";
    alto_front_answer(self->front, &own, out);
}

/* An origin of one online key, which needs no root key because nobody follows it. */
static alto_status open_origin(sim_front *self)
{
    alto_manifest manifest = {.epoch = 1, .version = 1, .online_count = 1, .not_after_ms = UINT64_MAX};
    manifest.online[0] = (alto_online_key){.key = alto_signing_key_public(self->key), .not_after_ms = UINT64_MAX};
    manifest.origin = alto_origin_of(1, &manifest.online[0].key, 1);
    alto_committer_options options = {.manifest = &manifest,
                                      .keys = (const alto_signing_key *const[]){self->key},
                                      .key_count = 1,
                                      .chain = alto_clock_ms(),
                                      .valid_for_s = VALID_FOR_S,
                                      .interval_ms = HEADS_MS,
                                      .applied = on_applied,
                                      .context = self};
    self->archive = alto_archive_new(&manifest.origin);
    self->front = self->archive ? alto_front_new(self->archive, ALTO_STALE_MARK) : NULL;
    return self->front ? alto_committer_new(&options, &self->committer) : ALTO_NO_MEMORY;
}

static alto_status open_all(sim_front *self)
{
    self->pool = alto_pool_new();
    self->key = alto_signing_key_new();
    for (size_t i = 0; i < DOCUMENTS; i++) {
        self->documents[i].memory = alto_map_memory_new();
        if (!self->documents[i].memory)
            return ALTO_NO_MEMORY;
    }
    return self->pool && self->key ? open_origin(self) : ALTO_NO_MEMORY;
}

alto_status sim_front_new(const char *address, sim_front **out, alto_error *error)
{
    const alto_http_options http = {.address = address, .threads = WORKERS};
    sim_front *self = calloc(1, sizeof *self);
    alto_status status = self ? open_all(self) : ALTO_NO_MEMORY;
    if (status == ALTO_OK)
        status = alto_http_server_new(&http, answer, self, &self->http, error);
    else
        alto_fail(error, status, address, "%s", alto_status_text(status));
    if (status == ALTO_OK)
        *out = self;
    else
        sim_front_destroy(&self);
    return status;
}

void sim_front_destroy(sim_front **self)
{
    sim_front *dying = *self;
    if (!dying)
        return;
    alto_http_server_destroy(&dying->http, GRACE_MS);
    alto_front_destroy(&dying->front);
    alto_committer_destroy(&dying->committer);
    alto_archive_destroy(&dying->archive);
    for (size_t i = 0; i < DOCUMENTS; i++) {
        alto_map_memory_destroy(&dying->documents[i].memory);
        alto_version_release(dying->documents[i].version);
    }
    alto_signing_key_destroy(&dying->key);
    alto_pool_destroy(&dying->pool);
    free(dying);
    *self = NULL;
}

const char *sim_front_address(const sim_front *self)
{
    return alto_http_server_address(self->http);
}

/* A maps_fn: read it; *changed says whether it is news. */
static alto_status take(void *context, const char *id, alto_slice text, bool *changed, alto_error *error)
{
    sim_front *self = context;
    size_t i = 0;
    while (i + 1 < DOCUMENTS && strcmp(ids[i], id) != 0)
        i++;
    document *kept = &self->documents[i];
    alto_version *read;
    alto_status status = alto_map_read(self->pool, text, kept->version, kept->memory, &read, error);
    if (status != ALTO_OK)
        return status;
    *changed = read != kept->version;
    alto_version_release(kept->version);
    kept->version = read;
    return ALTO_OK;
}

alto_status sim_front_show(sim_front *self, const isp *network, maps_made *made, alto_error *error)
{
    alto_new_state states[DOCUMENTS];
    alto_status status = maps_make(network, take, self, made, error);
    if (status != ALTO_OK)
        return status;
    for (size_t i = 0; i < DOCUMENTS; i++)
        states[i] = (alto_new_state){.name = {.id = alto_slice_text(ids[i])}, .version = self->documents[i].version};
    status = alto_committer_commit(self->committer, self->pool, states, DOCUMENTS, alto_clock_ms());
    return status == ALTO_OK ? ALTO_OK : alto_fail(error, status, "maps", "%s", alto_status_text(status));
}
