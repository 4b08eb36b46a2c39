/* SPDX-License-Identifier: Apache-2.0 */
/* Documents of a source as they come, change and go: a refused one changes nothing, the same again is known, and what is to be
 * published can be committed, with network maps and cost maps that belong together.
 *
 * Longest input: 4096. Dictionary: json. */
#include "cmocka_all.h"
#include "committing.h"
#include "fuzz.h"
#include "ingest.h"

enum { MOST = 16, HOLD_MS = 10000 };

typedef struct {
    alto_pool *pool;
    ingest *documents;
    alto_committer *committer;
    uint64_t now_ms;
} session;

/* A cost map that is shown names the network map of the same state, where that is shown too. */
static void check_together(const alto_view *view)
{
    for (size_t i = 0; i < view->count; i++) {
        const alto_entry *entry = &view->resources[i]->entry;
        if (entry->kind != ALTO_COST_MAP || !alto_resource_shown(view->resources[i]))
            continue;
        for (size_t d = 0; d < entry->dependency_count; d++) {
            const alto_resource *network = alto_view_by_id(view, entry->dependencies[d].resource_id);
            if (network && network->entry.kind == ALTO_NETWORK_MAP && alto_resource_shown(network))
                fuzz_check(strcmp(network->entry.tag, entry->dependencies[d].tag) == 0);
        }
    }
}

static void publish(session *self)
{
    alto_new_state changes[MOST];
    uint64_t again_ms;
    size_t count = ingest_take(self->documents, self->now_ms, changes, MOST, &again_ms);
    fuzz_check(count <= MOST);
    if (count == 0)
        return;
    alto_status status = alto_committer_commit(self->committer, self->pool, changes, count, self->now_ms);
    if (status != ALTO_OK) {
        ingest_give_back(self->documents);
        return;
    }
    fuzz_check(again_ms > self->now_ms);
    check_together(alto_committer_view(self->committer));
}

static size_t names_of(const session *self)
{
    const char *names[MOST];
    return ingest_names(self->documents, names, MOST);
}

static void offer(session *self, const char *name, const char *type, alto_slice text)
{
    alto_error error = {.status = ALTO_OK};
    size_t before = names_of(self);
    alto_status status = type ? ingest_typed(self->documents, name, type, text, self->now_ms, &error)
                              : ingest_document(self->documents, name, text, self->now_ms, &error);
    if (status == ALTO_OK || status == ALTO_KNOWN) {
        fuzz_check(ingest_document(self->documents, name, text, self->now_ms, &error) == ALTO_KNOWN);
    } else {
        fuzz_check(error.status == status && error.why[0]);
        fuzz_check(names_of(self) == before);
    }
}

static void step(session *self, alto_reader *in)
{
    static const char *const names[] = {"a", "b", "net", "cost", ".ird", "x y"};
    static const char *const types[] = {"application/alto-networkmap+json", "application/alto-costmap+json",
                                        "application/json"};
    const char *name = names[fuzz_below(in, countof(names))];
    switch (fuzz_below(in, 8)) {
    case 0:
        publish(self);
        break;
    case 1:
        ingest_remove(self->documents, name, self->now_ms);
        break;
    case 2:
        self->now_ms += HOLD_MS / 2;
        break;
    case 3:
        ingest_settle(self->documents, self->now_ms);
        break;
    case 4:
        offer(self, name, types[fuzz_below(in, countof(types))], fuzz_part(in));
        break;
    default:
        offer(self, name, NULL, fuzz_part(in));
    }
}

void fuzz_one(alto_slice input)
{
    alto_reader in = alto_reader_make(input);
    ingest_options how = {.hold_ms = HOLD_MS, .retag = fuzz_flag(&in)};
    session self = {.pool = alto_pool_new(), .committer = fuzz_committer(), .now_ms = 1000000};
    fuzz_check(self.pool);
    self.documents = ingest_new(&how, self.pool);
    fuzz_check(self.documents);
    while (alto_reader_left(&in) > 0)
        step(&self, &in);
    publish(&self);
    ingest_destroy(&self.documents);
    alto_committer_destroy(&self.committer);
    alto_pool_destroy(&self.pool);
}
