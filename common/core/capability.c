/* SPDX-License-Identifier: Apache-2.0 */
#include "core/capability.h"

#include "core/ird.h"
#include "core/mapjson.h"

enum { PEM_ROOM = 65536 }; /* an anchor of ALTO_MAX_KEYS keys takes 8 KB */

static const char whole[] = "altocast"; /* of the document, and of meta in the operator's IRD */

bool alto_capability_url_valid(const char *url)
{
    size_t scheme = strncmp(url, "http://", 7) == 0 ? 7 : strncmp(url, "https://", 8) == 0 ? 8 : 0;
    if (scheme == 0 || url[scheme] == 0 || url[scheme] == '/' || strlen(url) >= ALTO_CAPABILITY_URL)
        return false;
    for (const char *at = url; *at; at++)
        if (*at <= ' ' || *at > '~' || strchr("\"#<>?\\^`{|}", *at))
            return false;
    return true;
}

static void add_number(alto_buffer *out, const char *name, uint64_t value)
{
    alto_buffer_print(out, ",\"%s\":%llu", name, (unsigned long long)value);
}

/* ---- writing ---- */

/* A text in PEM as a JSON string. */
static void add_pem(alto_buffer *out, const alto_buffer *pem)
{
    if (pem->status != ALTO_OK && out->status == ALTO_OK)
        out->status = pem->status;
    alto_json_string(out, alto_buffer_slice(pem));
}

static void add_anchor(const alto_anchor *anchor, alto_buffer *out)
{
    alto_buffer pem = alto_buffer_make(PEM_ROOM);
    alto_anchor_pem(anchor, &pem);
    alto_buffer_add_text(out, ",\"anchor\":");
    add_pem(out, &pem);
    alto_buffer_fini(&pem);
}

static void add_online_key(const alto_online_key *key, alto_buffer *out)
{
    char id[2 * ALTO_KEY_ID_SIZE + 1];
    alto_buffer pem = alto_buffer_make(PEM_ROOM);
    alto_hex(id, alto_key_id_of(&key->key).bytes, ALTO_KEY_ID_SIZE);
    alto_public_key_pem(&key->key, &pem);
    alto_buffer_print(out, "{\"key-id\":\"%s\",\"key\":", id);
    add_pem(out, &pem);
    add_number(out, "not-before-ms", key->not_before_ms);
    add_number(out, "not-after-ms", key->not_after_ms);
    alto_buffer_add_text(out, "}");
    alto_buffer_fini(&pem);
}

static void add_manifest(const alto_manifest *manifest, alto_buffer *out)
{
    alto_buffer_print(out, ",\"manifest\":{\"epoch\":%u,\"version\":%u", manifest->epoch, manifest->version);
    add_number(out, "issued-at-ms", manifest->issued_at_ms);
    add_number(out, "not-after-ms", manifest->not_after_ms);
    add_number(out, "max-pushed-payload", manifest->max_pushed_payload);
    alto_buffer_add_text(out, ",\"online-keys\":[");
    for (size_t i = 0; i < manifest->online_count; i++) {
        alto_buffer_add_text(out, i ? "," : "");
        add_online_key(&manifest->online[i], out);
    }
    alto_buffer_add_text(out, "]}");
}

static void add_rproxies(const alto_capability *self, alto_buffer *out)
{
    alto_buffer_add_text(out, ",\"rproxies\":[");
    for (size_t i = 0; i < self->rproxy_count; i++) {
        alto_slice url = alto_slice_text(self->rproxies[i]);
        while (url.size > 0 && url.data[url.size - 1] == '/')
            url.size--;
        alto_buffer_add_text(out, i ? "," : "");
        alto_json_string(out, url);
    }
    alto_buffer_add_text(out, "]");
}

alto_status alto_capability_write(const alto_capability *self, alto_buffer *out)
{
    char origin[2 * ALTO_HASH_SIZE + 1];
    alto_hex(origin, self->anchor->origin.bytes, ALTO_HASH_SIZE);
    alto_buffer_print(out, "{\"%s\":{\"version\":1,\"origin\":\"%s\"", whole, origin);
    add_anchor(self->anchor, out);
    add_manifest(self->manifest, out);
    add_rproxies(self, out);
    alto_buffer_print(out, ",\"policy\":{\"head-interval-ms\":%u", self->head_interval_ms);
    add_number(out, "valid-for-s", self->valid_for_s);
    add_number(out, "keep-ms", self->keep_ms);
    alto_buffer_add_text(out, "}}}");
    return out->status;
}

/* ---- reading ---- */

/* The JSON text of one of its members. */
static bool member(const alto_resource *capability, const char *name, alto_slice *text)
{
    return capability && alto_resource_shown(capability) && alto_version_member(capability->version, whole, name, text);
}

alto_status alto_capability_ird_members(const alto_view *view, alto_buffer *out)
{
    static const char *const told[] = {"origin", "anchor", "rproxies"};
    const alto_resource *capability = alto_view_by_id(view, ALTO_CAPABILITY_ID);
    char path[ALTO_URI_PATH];
    alto_slice text;
    for (size_t i = 0; i < sizeof told / sizeof told[0]; i++)
        if (!member(capability, told[i], &text))
            return ALTO_NOT_FOUND;
    alto_id_path(capability->name.id, path);
    alto_buffer_print(out, "{\"meta\":{\"%s\":{\"capability\":\"%s\"", whole, path);
    for (size_t i = 0; i < sizeof told / sizeof told[0]; i++) {
        alto_buffer_print(out, ",\"%s\":", told[i]);
        if (member(capability, told[i], &text))
            alto_buffer_add_slice(out, text);
    }
    alto_buffer_add_text(out, "}}}");
    return out->status;
}

alto_status alto_capability_ird(const alto_view *view, size_t index, alto_buffer *out)
{
    alto_slice rproxies, raw;
    char url[ALTO_CAPABILITY_URL];
    if (!member(alto_view_by_id(view, ALTO_CAPABILITY_ID), "rproxies", &rproxies) ||
        !alto_json_element(rproxies, index, &raw) || !alto_json_text(raw, url, sizeof url) ||
        !alto_capability_url_valid(url))
        return ALTO_NOT_FOUND;
    return alto_ird(view, ALTO_SERVICES, url, NULL, NULL, out);
}
