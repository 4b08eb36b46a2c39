/* SPDX-License-Identifier: Apache-2.0 */
/* Directories of ALTO servers: gathered into one they are JSON with absolute URLs, and gathered again the same; as the document of an
 * origin they give a directory in which all that is listed is answered. The same for an origin's capability.
 *
 * Longest input: 4096. Dictionary: json. */
#include "committing.h"
#include "core/capability.h"
#include "core/ird.h"
#include "core/ird_gather.h"
#include "core/json_text.h"
#include "fuzz.h"
#include "io/pull.h"

enum { LARGEST = 1 << 22, NOW_MS = 1000000 };

static void check_json(alto_slice text)
{
    alto_buffer canonical = alto_buffer_make(LARGEST);
    fuzz_check(alto_json_canonical(text, &canonical, NULL) == ALTO_OK);
    alto_buffer_fini(&canonical);
}

/* ---- gathering ---- */

static void on_fault(void *context, const char *id, const char *why)
{
    (void)context;
    fuzz_check(id && why && why[0]);
}

static alto_ird_gather *new_gather(void)
{
    alto_ird_gather *gather = alto_ird_gather_new(alto_url_resolve, on_fault, NULL);
    fuzz_check(gather);
    return gather;
}

static size_t count_entries(const alto_ird_gather *gather)
{
    size_t count = 0;
    const alto_ird_entry *entry;
    for (; (entry = alto_ird_gather_entry(gather, count)); count++) {
        char again[ALTO_MAX_URL + 1];
        fuzz_check(alto_url_resolve(entry->url, "", again, sizeof again));
        fuzz_check(alto_name_valid(alto_slice_text(entry->id)));
    }
    return count;
}

static size_t count_links(const alto_ird_gather *gather)
{
    size_t count = 0;
    while (alto_ird_gather_link(gather, count))
        count++;
    fuzz_check(count <= ALTO_MAX_DIRECTORIES);
    return count;
}

/* A directory that is refused changes nothing. */
static void add_directory(alto_ird_gather *gather, const char *url, alto_slice text)
{
    alto_buffer before = alto_buffer_make(LARGEST), after = alto_buffer_make(LARGEST);
    size_t entries = count_entries(gather), links = count_links(gather);
    alto_error error = {.status = ALTO_OK};
    bool any = entries > 0 && alto_ird_gather_text(gather, &before) == ALTO_OK;
    if (alto_ird_gather_add(gather, url, text, &error) != ALTO_OK) {
        fuzz_check(error.status != ALTO_OK && error.why[0]);
        fuzz_check(count_entries(gather) == entries && count_links(gather) == links);
        if (any)
            fuzz_check(alto_ird_gather_text(gather, &after) == ALTO_OK &&
                       alto_slice_equal(alto_buffer_slice(&before), alto_buffer_slice(&after)));
    } else {
        fuzz_check(count_entries(gather) >= entries && count_links(gather) >= links);
    }
    alto_buffer_fini(&before);
    alto_buffer_fini(&after);
}

static bool some_here(void *context, const char *id)
{
    (void)context;
    return id[0] & 1;
}

static void check_gathered(const alto_ird_gather *gather)
{
    alto_buffer text = alto_buffer_make(LARGEST), again = alto_buffer_make(LARGEST), local = alto_buffer_make(LARGEST);
    fuzz_check(alto_ird_gather_text(gather, &text) == ALTO_OK);
    check_json(alto_buffer_slice(&text));
    fuzz_check(alto_ird_local(alto_buffer_slice(&text), some_here, NULL, &local) == ALTO_OK);
    check_json(alto_buffer_slice(&local));
    alto_ird_gather *second = new_gather();
    alto_error error;
    fuzz_check(alto_ird_gather_add(second, "http://h/", alto_buffer_slice(&text), &error) == ALTO_OK);
    fuzz_check(count_entries(second) <= count_entries(gather) && count_links(second) == 0);
    fuzz_check(alto_ird_gather_text(second, &again) == ALTO_OK);
    fuzz_check(alto_slice_equal(alto_buffer_slice(&text), alto_buffer_slice(&again)));
    alto_ird_gather_destroy(&second);
    alto_buffer_fini(&text);
    alto_buffer_fini(&again);
    alto_buffer_fini(&local);
}

static void check_gathering(alto_reader *in)
{
    alto_ird_gather *gather = new_gather();
    for (unsigned count = 1 + fuzz_below(in, 3); count > 0; count--)
        add_directory(gather, count & 1 ? "http://h/a/dir" : "https://h2:1/b/", fuzz_part(in));
    if (alto_ird_gather_entry(gather, 0))
        check_gathered(gather);
    alto_ird_gather_destroy(&gather);
}

/* ---- the directory of a view ---- */

static const char net[] = "{\"meta\":{\"vtag\":{\"resource-id\":\"net\",\"tag\":\"t\"}},\"network-map\":{\"P\":{}}}";
static const char cost[] = "{\"meta\":{\"dependent-vtags\":[{\"resource-id\":\"net\",\"tag\":\"t\"}],\"cost-type\":{"
                           "\"cost-mode\":\"numerical\",\"cost-metric\":\"routingcost\"}},\"cost-map\":{}}";

/* Every entry is of something that is shown, or of a service. */
static void check_listed(const alto_view *view, alto_slice directory)
{
    alto_slice resources, id_literal, entry;
    fuzz_check(alto_json_get(directory, (const char *const[]){"resources", NULL}, &resources));
    alto_json_walk walk = alto_json_walk_make(resources);
    fuzz_check(alto_json_walk_enter(&walk, '{'));
    while (alto_json_walk_member(&walk, &id_literal) == ALTO_JSON_ITEM && alto_json_walk_value(&walk, &entry)) {
        char id[ALTO_MAX_NAME + 1], path[ALTO_URI_PATH];
        alto_service service;
        fuzz_check(alto_json_text(id_literal, id, sizeof id));
        const alto_resource *resource = alto_view_by_id(view, id);
        fuzz_check((resource && alto_resource_shown(resource)) || alto_service_find(view, ALTO_SERVICES, id, &service));
        alto_id_path(alto_slice_text(id), path);
        fuzz_check(strcmp(alto_path_id(path), id) == 0);
    }
}

static void check_view(const alto_view *view)
{
    alto_buffer first = alto_buffer_make(LARGEST), second = alto_buffer_make(LARGEST),
                members = alto_buffer_make(LARGEST), elsewhere = alto_buffer_make(LARGEST);
    fuzz_check(alto_ird(view, ALTO_SERVICES, "", NULL, NULL, &first) == ALTO_OK);
    fuzz_check(alto_ird(view, ALTO_SERVICES, "", NULL, NULL, &second) == ALTO_OK);
    fuzz_check(alto_slice_equal(alto_buffer_slice(&first), alto_buffer_slice(&second)));
    check_json(alto_buffer_slice(&first));
    check_listed(view, alto_buffer_slice(&first));
    if (alto_capability_ird_members(view, &members) == ALTO_OK)
        check_json(alto_buffer_slice(&members));
    if (alto_capability_ird(view, 0, &elsewhere) == ALTO_OK)
        check_json(alto_buffer_slice(&elsewhere));
    alto_buffer_fini(&first);
    alto_buffer_fini(&second);
    alto_buffer_fini(&members);
    alto_buffer_fini(&elsewhere);
}

/* A resource of the commit to come, where the text is a map or document. */
static void add_text(alto_pool *pool, const char *id, alto_slice text, alto_new_state *changes, size_t *count)
{
    alto_version *version = NULL;
    if (text.size > 0 && alto_map_read(pool, text, NULL, NULL, &version, NULL) == ALTO_OK)
        changes[(*count)++] = (alto_new_state){.name = {.id = alto_slice_text(id)}, .version = version, .flags = 1};
}

static void check_documents(alto_slice directory, alto_slice capability)
{
    alto_pool *pool = alto_pool_new();
    alto_committer *committer = fuzz_committer();
    fuzz_check(pool);
    alto_new_state changes[4];
    size_t count = 0;
    add_text(pool, ".capability", capability, changes, &count);
    add_text(pool, ".ird", directory, changes, &count);
    add_text(pool, "cost", alto_slice_text(cost), changes, &count);
    add_text(pool, "net", alto_slice_text(net), changes, &count);
    if (alto_committer_commit(committer, pool, changes, count, NOW_MS) == ALTO_OK)
        check_view(alto_committer_view(committer));
    while (count > 0)
        alto_version_release(changes[--count].version);
    alto_committer_destroy(&committer);
    alto_pool_destroy(&pool);
}

void fuzz_one(alto_slice input)
{
    alto_reader in = alto_reader_make(input);
    if (fuzz_flag(&in)) {
        check_gathering(&in);
        return;
    }
    alto_slice capability = fuzz_part(&in);
    check_documents(fuzz_rest(&in), capability);
}
