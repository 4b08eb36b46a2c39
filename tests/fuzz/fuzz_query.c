/* SPDX-License-Identifier: Apache-2.0 */
/* Requests to the services: whatever the body, the answer is JSON, the same when asked again, and tells no more than the maps do; a
 * wrong request is told so in JSON.
 *
 * Longest input: 2048. Dictionary: json. */
#include "cmocka_all.h"
#include "core/query_client.h"
#include "core/query_endpoint.h"
#include "core/query_filter.h"
#include "fuzz.h"
#include "origin.h"

#include <stdio.h>

enum { LARGEST = 1 << 20, MOST_SERVICES = 16 };

static test_origin *origin; /* made once */
static const alto_view *view;
static alto_service services[MOST_SERVICES];
static size_t service_count;

static void add_service(void *context, const alto_service *service)
{
    (void)context;
    fuzz_check(service_count < MOST_SERVICES);
    services[service_count++] = *service;
}

static void prepare(void)
{
    if (origin)
        return;
    origin = test_origin_new(22);
    test_origin_put(origin, "net",
                    "{\"meta\":{\"vtag\":{\"resource-id\":\"net\",\"tag\":\"t\"}},\"network-map\":{"
                    "\"A\":{\"ipv4\":[\"192.0.2.0/24\",\"198.51.100.0/25\"]},\"B\":{\"ipv4\":[\"192.0.2.128/25\"],"
                    "\"ipv6\":[\"2001:db8::/32\"]},\"C\":{\"mac\":[\"x\"]},\"D\":{\"ipv4\":[\"0.0.0.0/0\"]}}}");
    static const char *const modes[] = {"numerical", "ordinal"};
    for (size_t i = 0; i < countof(modes); i++) {
        char text[400];
        snprintf(text, sizeof text,
                 "{\"meta\":{\"dependent-vtags\":[{\"resource-id\":\"net\",\"tag\":\"t\"}],\"cost-type\":{"
                 "\"cost-mode\":\"%s\",\"cost-metric\":\"routingcost\"}},\"cost-map\":{\"A\":{\"A\":0,\"B\":1.5,"
                 "\"D\":7},\"B\":{\"A\":2,\"C\":-1},\"D\":{\"B\":1e300}}}",
                 modes[i]);
        test_origin_put(origin, modes[i], text);
    }
    view = test_origin_view(origin);
    alto_services(view, ALTO_SERVICES, add_service, NULL);
    fuzz_check(service_count >= 5);
}

static alto_status ask(const alto_service *service, const alto_endpoint *client, alto_slice body, alto_buffer *out,
                       alto_query_error *error)
{
    const alto_endpoint_question question = {
        .view = view, .service = service, .client = client, .lpm = alto_resource_lpm};
    switch (service->kind) {
    case ALTO_SERVICE_NETWORK_FILTER:
        return alto_query_network_filter(service, body, out, error);
    case ALTO_SERVICE_COST_FILTER:
        return alto_query_cost_filter(view, service, body, out, error);
    case ALTO_SERVICE_ENDPOINT_PROPERTY:
        return alto_query_endpoint_property(&question, body, out, error);
    default:
        return alto_query_endpoint_cost(&question, body, out, error);
    }
}

static void check_json(alto_slice text)
{
    alto_buffer canonical = alto_buffer_make(LARGEST);
    fuzz_check(alto_json_canonical(text, &canonical, NULL) == ALTO_OK);
    alto_buffer_fini(&canonical);
}

/* Every row of the answer is, item by item, in the map, with the same value. */
static void check_rows(const alto_version *answer, const alto_version *map)
{
    alto_cursor row, item;
    for (alto_cursor_first(&row, alto_version_tree(answer)); alto_cursor_valid(&row); alto_cursor_next(&row)) {
        alto_slice key = alto_cursor_key(&row);
        const alto_tree *whole = NULL;
        if (key.data[0] != ALTO_ROW_PAYLOAD)
            continue;
        fuzz_check(alto_version_row(map, ALTO_ROW_PAYLOAD, alto_slice_of(key.data + 1, key.size - 1), &whole));
        alto_cursor_first(&item, alto_cursor_value(&row).row);
        for (; alto_cursor_valid(&item); alto_cursor_next(&item)) {
            alto_value told = alto_cursor_value(&item), known;
            alto_slice name = alto_cursor_key(&item);
            fuzz_check(alto_tree_find(whole, name, &known));
            fuzz_check(alto_version_kind(map) != ALTO_COST_MAP || alto_value_equal(ALTO_VALUE_COST, &told, &known));
        }
    }
}

/* Of a filter, where it answers with one map. */
static void check_filtered(const alto_service *service, alto_slice text)
{
    alto_version *answer = NULL;
    fuzz_check(alto_map_read(origin->pool, text, NULL, NULL, &answer, NULL) == ALTO_OK);
    alto_kind kind = alto_version_kind(answer);
    const alto_version *map = service->map->version;
    if (service->kind == ALTO_SERVICE_NETWORK_FILTER)
        fuzz_check(kind == ALTO_NETWORK_MAP);
    if (kind == ALTO_NETWORK_MAP)
        check_rows(answer, map);
    alto_cost_type told, known;
    if (kind == ALTO_COST_MAP && alto_version_cost_type(answer, &told) && alto_version_cost_type(map, &known) &&
        alto_cost_type_equal(&told, &known))
        check_rows(answer, map);
    alto_version_release(answer);
}

static void check_error(const alto_query_error *error)
{
    alto_buffer text = alto_buffer_make(LARGEST);
    alto_query_error_text(error, &text);
    fuzz_check(text.status == ALTO_OK && strlen(error->field) < sizeof error->field &&
               strlen(error->value) < sizeof error->value && strlen(error->why) < sizeof error->why);
    check_json(alto_buffer_slice(&text));
    alto_buffer_fini(&text);
}

static void check_answer(const alto_service *service, const alto_endpoint *client, alto_slice body)
{
    alto_buffer first = alto_buffer_make(LARGEST), second = alto_buffer_make(LARGEST);
    alto_query_error error = {.code = ALTO_E_SYNTAX};
    fuzz_memory_begin();
    alto_status status = ask(service, client, body, &first, &error);
    fuzz_check(fuzz_memory_most() <= 4096 * body.size + 262144);
    fuzz_check(status == ALTO_OK || status == ALTO_INVALID || status == ALTO_TOO_LARGE);
    fuzz_check(ask(service, client, body, &second, &error) == status);
    if (status == ALTO_OK) {
        fuzz_check(alto_slice_equal(alto_buffer_slice(&first), alto_buffer_slice(&second)));
        check_json(alto_buffer_slice(&first));
        if (service->map)
            check_filtered(service, alto_buffer_slice(&first));
    } else if (status == ALTO_INVALID) {
        check_error(&error);
    }
    alto_buffer_fini(&first);
    alto_buffer_fini(&second);
}

/* A request passed on with the client's address has it, and stays JSON; others stay as they are. */
static void check_client(alto_slice body)
{
    alto_buffer out = alto_buffer_make(LARGEST);
    bool filled = false;
    fuzz_check(alto_query_client(body, "ipv4:192.0.2.1", &out, &filled) == ALTO_OK);
    if (filled) {
        alto_query_error error;
        fuzz_check(alto_query_open(alto_buffer_slice(&out), &error) == ALTO_OK);
        fuzz_check(memmem(out.data, out.size, "ipv4:192.0.2.1", 14));
        alto_buffer again = alto_buffer_make(LARGEST);
        fuzz_check(alto_query_client(alto_buffer_slice(&out), "ipv4:192.0.2.1", &again, &filled) == ALTO_OK && !filled);
        alto_buffer_fini(&again);
    } else {
        fuzz_check(alto_slice_equal(alto_buffer_slice(&out), body));
    }
    alto_buffer_fini(&out);
}

void fuzz_one(alto_slice input)
{
    prepare();
    alto_reader in = alto_reader_make(input);
    const alto_service *service = &services[fuzz_below(&in, (unsigned)service_count)];
    alto_endpoint client = {.family = 4, .bytes = {192, 0, 2, alto_reader_u8(&in)}};
    bool known = fuzz_flag(&in);
    alto_slice body = fuzz_rest(&in);
    check_answer(service, known ? &client : NULL, body);
    check_client(body);
}
