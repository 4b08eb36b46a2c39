/* SPDX-License-Identifier: Apache-2.0 */
#include "core/query_client.h"

#include "core/json_text.h"
#include "core/query.h"

#include <stdio.h>

enum { SOURCES, DESTINATIONS };

static bool is_empty(const alto_query_field *list)
{
    alto_json_walk walk = alto_json_walk_make(list->value);
    if (!alto_query_has(list))
        return true;
    alto_json_walk_enter(&walk, '[');
    return alto_json_walk_element(&walk) != ALTO_JSON_ITEM;
}

/* Find the lists of a request; false: it is not one that we understand. */
static bool find_lists(alto_slice body, alto_query_field *endpoints, alto_query_field lists[2])
{
    alto_query_error error;
    return alto_query_open(body, &error) == ALTO_OK && alto_query_fields(body, endpoints, 1, &error) == ALTO_OK &&
           alto_query_fields(endpoints->value, lists, 2, &error) == ALTO_OK;
}

static void add_between(alto_buffer *out, const uint8_t *begin, const uint8_t *end)
{
    alto_buffer_add(out, begin, (size_t)(end - begin));
}

alto_status alto_query_client(alto_slice body, const char *client, alto_buffer *out, bool *filled)
{
    alto_query_field endpoints = {"endpoints", "endpoints", ALTO_QUERY_OBJECT, true, {NULL, 0}};
    alto_query_field lists[] = {{"srcs", "endpoints/srcs", ALTO_QUERY_ARRAY, false, {NULL, 0}},
                                {"dsts", "endpoints/dsts", ALTO_QUERY_ARRAY, false, {NULL, 0}}};
    const uint8_t *end = body.data + body.size;
    bool understood = find_lists(body, &endpoints, lists);
    *filled = understood && is_empty(&lists[SOURCES]) != is_empty(&lists[DESTINATIONS]);
    if (!*filled) {
        alto_buffer_add_slice(out, body);
        return out->status;
    }
    const alto_query_field *list = &lists[is_empty(&lists[SOURCES]) ? SOURCES : DESTINATIONS];
    const uint8_t *from = alto_query_has(list) ? list->value.data : endpoints.value.data + 1;
    add_between(out, body.data, from);
    if (alto_query_has(list))
        alto_buffer_print(out, "[\"%s\"]", client);
    else /* the other list follows */
        alto_buffer_print(out, "\"%s\":[\"%s\"],", list->name, client);
    add_between(out, from + list->value.size, end);
    return out->status;
}

bool alto_query_client_of(const char *peer, char text[ALTO_CLIENT_TEXT])
{
    bool six = peer[0] == '[';
    const char *host = peer + six, *end = strrchr(peer, six ? ']' : ':');
    if (!end || end <= host || end - host > 45)
        return false;
    snprintf(text, ALTO_CLIENT_TEXT, "%s:%.*s", six ? "ipv6" : "ipv4", (int)(end - host), host);
    return true;
}
