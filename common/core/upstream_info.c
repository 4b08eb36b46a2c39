/* SPDX-License-Identifier: Apache-2.0 */
#include "core/upstream_info.h"

#include "core/json_text.h"
#include "core/mapjson.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    LEAST_PORT = 1024,
    ENDPOINT_MAX = 256 /* with NUL; longer ones are passed over */
};

static bool get(alto_slice object, const char *name, alto_slice *value)
{
    return alto_json_get(object, (const char *const[]){name, NULL}, value);
}

static bool find_origin(alto_slice text, const alto_origin *origin, alto_slice *found)
{
    alto_slice list, raw;
    char wanted[2 * ALTO_HASH_SIZE + 1], name[sizeof wanted];
    alto_hex(wanted, origin->bytes, sizeof origin->bytes);
    if (!get(text, "origins", &list))
        return false;
    alto_json_walk walk = alto_json_elements(list);
    while (alto_json_next(&walk, found))
        if (get(*found, "origin", &raw) && alto_json_text(raw, name, sizeof name) && strcmp(name, wanted) == 0)
            return true;
    return false;
}

/* 0: it is no endpoint that may be named. */
static uint16_t port_of(const char *endpoint)
{
    const char *colon = strncmp(endpoint, "tcp://", 6) == 0 ? strrchr(endpoint, ':') : NULL;
    size_t digits = colon ? strspn(colon + 1, "0123456789") : 0;
    if (digits == 0 || digits > 5 || colon[1 + digits])
        return 0;
    unsigned long port = strtoul(colon + 1, NULL, 10);
    return port >= LEAST_PORT && port <= UINT16_MAX ? (uint16_t)port : 0;
}

static uint16_t first_port(alto_slice endpoints)
{
    char text[ENDPOINT_MAX];
    alto_slice raw;
    uint16_t port = 0;
    alto_json_walk walk = alto_json_elements(endpoints);
    while (port == 0 && alto_json_next(&walk, &raw))
        if (alto_json_text(raw, text, sizeof text))
            port = port_of(text);
    return port;
}

static bool read_key(alto_slice raw, alto_curve_key *key)
{
    char text[ALTO_CURVE_KEY_TEXT];
    return alto_json_text(raw, text, sizeof text) && alto_z85_read(alto_slice_text(text), key->bytes);
}

bool alto_upstream_info_read(alto_slice text, const alto_origin *origin, alto_upstream_info *out)
{
    alto_slice found, raw;
    if (!find_origin(text, origin, &found))
        return false;
    *out = (alto_upstream_info){.port = 0};
    out->tells_push = get(found, "push", &raw);
    if (out->tells_push)
        out->port = first_port(raw);
    out->encrypts = get(found, "curve-key", &raw);
    out->has_key = out->encrypts && read_key(raw, &out->key);
    return true;
}

bool alto_upstream_info_endpoint(const char *host, uint16_t port, char *out, size_t room)
{
    bool literal_ipv6 = strchr(host, ':') != NULL;
    int size = snprintf(out, room, "tcp://%s%s%s:%u", literal_ipv6 ? "[" : "", host, literal_ipv6 ? "]" : "", port);
    return size > 0 && (size_t)size < room;
}
