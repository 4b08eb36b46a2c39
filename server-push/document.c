/* SPDX-License-Identifier: Apache-2.0 */
#include "document.h"

#include <stdio.h>
#include <string.h>

static bool has_row(const alto_version *version, const char *name)
{
    const alto_tree *items;
    return alto_version_row(version, ALTO_ROW_MEMBER, alto_slice_text(name), &items);
}

const char *document_media_type(const alto_version *version)
{
    static const struct {
        const char *member, *media_type;
    } known[] = {{"resources", "application/alto-directory+json"},
                 {"property-map", "application/alto-propmap+json"},
                 {"cost-map", "application/alto-costmap+json"},
                 {"network-map", "application/alto-networkmap+json"},
                 {"endpoint-properties", "application/alto-endpointprop+json"},
                 {"endpoint-cost-map", "application/alto-endpointcost+json"}};
    if (alto_version_kind(version) != ALTO_DOCUMENT)
        return NULL;
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (has_row(version, known[i].member))
            return known[i].media_type;
    return NULL;
}

alto_status document_check_type(const alto_version *version, const char *media_type, alto_error *error)
{
    static const char *const of_kind[] = {[ALTO_NETWORK_MAP] = "application/alto-networkmap+json",
                                          [ALTO_COST_MAP] = "application/alto-costmap+json",
                                          [ALTO_DOCUMENT] = "a document of no known type"};
    const char *found = document_media_type(version);
    if (!found)
        found = of_kind[alto_version_kind(version)];
    if (!media_type || strcmp(found, media_type) == 0)
        return ALTO_OK;
    return alto_fail(error, ALTO_WRONG_TYPE, "", "it should be %s and is %s", media_type, found);
}

alto_status document_learn(const alto_version *version, const char *name, document_facts *out, alto_error *error)
{
    *out = (document_facts){.media_type = document_media_type(version)};
    alto_status status = alto_version_vtag(version, &out->vtag);
    if (alto_version_kind(version) == ALTO_NETWORK_MAP && status == ALTO_NOT_FOUND)
        return alto_fail(error, ALTO_INVALID, "/meta/vtag",
                         "a network map must have a version tag (RFC 7285 11.2.1.6)");
    if (status == ALTO_INVALID)
        return alto_fail(error, status, "/meta/vtag", "resource-id or tag breaks RFC 7285 10.2 or 10.3");
    if (status != ALTO_OK && status != ALTO_NOT_FOUND)
        return status;
    status = alto_version_dependencies(version, out->dependencies, &out->dependency_count);
    if (status != ALTO_OK)
        return alto_fail(error, status, "/meta/dependent-vtags", "not an array of version tags (RFC 7285 10.3)");
    if (alto_version_kind(version) == ALTO_NETWORK_MAP) {
        memcpy(out->id, out->vtag.resource_id, sizeof out->id);
        return ALTO_OK;
    }
    if (!alto_name_valid(alto_slice_text(name)))
        return alto_fail(error, ALTO_INVALID, "",
                         "the file name gives no resource ID: 1 to 64 of A-Z a-z 0-9 - : @ _ .");
    snprintf(out->id, sizeof out->id, "%s", name);
    return ALTO_OK;
}

static alto_status set_member(alto_pool *pool, const alto_version *version, const char *member, alto_slice text,
                              alto_version **out)
{
    alto_row_key meta = alto_row_key_make(ALTO_ROW_MEMBER, alto_slice_text("meta"));
    alto_edit edit = {.key = alto_slice_text(member), .value.text = text};
    alto_row_edit row = {.row = alto_row_key_slice(&meta), .what = ALTO_ROW_ITEMS, .edits = &edit, .count = 1};
    return alto_version_edit(pool, alto_version_kind(version), version, &row, 1, out);
}

/* The tag for a network map: the beginning of the digest of its content without a tag. */
static alto_status content_tag(alto_pool *pool, const alto_version *map, char tag[ALTO_MAX_NAME + 1])
{
    alto_version *untagged = NULL;
    alto_status status = set_member(pool, map, "vtag", alto_slice_text("null"), &untagged);
    if (status == ALTO_OK)
        alto_hex(tag, alto_version_root(untagged)->bytes, ALTO_HASH_SIZE / 2);
    alto_version_release(untagged);
    return status;
}

alto_status document_retag(alto_pool *pool, const alto_version *map, alto_vtag *vtag, alto_version **out)
{
    alto_buffer text = alto_buffer_make(4096);
    alto_status status = content_tag(pool, map, vtag->tag);
    if (status == ALTO_OK) {
        alto_vtag_text(vtag, &text);
        status = text.status;
    }
    if (status == ALTO_OK)
        status = set_member(pool, map, "vtag", alto_buffer_slice(&text), out);
    alto_buffer_fini(&text);
    return status;
}

alto_status document_depend(alto_pool *pool, const alto_version *version, const alto_vtag *dependencies, size_t count,
                            alto_version **out)
{
    alto_buffer text = alto_buffer_make(ALTO_MAX_DEPENDENCIES * 256);
    alto_dependencies_text(dependencies, count, &text);
    alto_status status = text.status;
    if (status == ALTO_OK)
        status = set_member(pool, version, "dependent-vtags", alto_buffer_slice(&text), out);
    alto_buffer_fini(&text);
    return status;
}
