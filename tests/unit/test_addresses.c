/* SPDX-License-Identifier: Apache-2.0 */
/* What the public library says of addresses, from a view that is made here and not followed. */
#include "altocast.h"

#include "cmocka_all.h"
#include "core/view.h"
#include "sweep.h"
#include "versions.h"

#include <math.h>
#include <stdio.h>

enum { RESOURCES = 4, MANY = 100 };

typedef struct {
    alto_pool *pool;
    alto_view *view;
} fixture;

static const altocast_view *outer(const fixture *self)
{
    return (const altocast_view *)(const void *)self->view;
}

static alto_edit prefix_edit(const uint8_t item[6])
{
    return (alto_edit){.key = {item, 6}};
}

static alto_version *network(alto_pool *pool)
{
    uint8_t ten[] = {4, 10, 0, 0, 0, 8}, ten_one[] = {4, 10, 1, 0, 0, 16}, eleven[] = {4, 11, 0, 0, 0, 8};
    alto_edit a = prefix_edit(ten), b = prefix_edit(ten_one), c = prefix_edit(eleven);
    alto_version *made = test_version_row(pool, test_version(pool, ALTO_NETWORK_MAP), "a", &a, 1);
    made = test_version_row(pool, made, "b", &b, 1);
    return test_version_row(pool, made, "c", &c, 1);
}

static alto_version *costs(alto_pool *pool)
{
    alto_edit a[] = {{.key = alto_slice_text("a"), .value.cost = 0}, {.key = alto_slice_text("b"), .value.cost = 2.5}};
    alto_edit b[] = {{.key = alto_slice_text("a"), .value.cost = 7}};
    alto_version *made = test_version_row(pool, test_version(pool, ALTO_COST_MAP), "a", a, 2);
    return test_version_row(pool, made, "b", b, 1);
}

static const alto_resource *resource(const char *id, const alto_entry *entry, alto_version *version)
{
    alto_buffer key = alto_buffer_make(128);
    alto_catalog_key(&(alto_resource_name){.id = alto_slice_text(id)}, &key);
    const alto_resource *made = alto_resource_new(alto_buffer_slice(&key), entry, version);
    assert_non_null(made);
    alto_version_release(version);
    alto_buffer_fini(&key);
    return made;
}

/* "cost" fits the network map "net", "old" names another tag, "unheld" is a network map known by name alone. */
static int set_up(void **state)
{
    static fixture self;
    static const alto_origin origin = {{1}};
    static const alto_position position = {1, 2, 3};
    static const alto_hash none = {{0}};
    *state = &self;
    self.pool = alto_pool_new();
    if (alto_crypto_init() != ALTO_OK || !self.pool)
        return -1;
    alto_entry of_costs = {.kind = ALTO_COST_MAP, .dependency_count = 1, .dependencies = {{"net", "t1"}}};
    alto_entry of_old = {.kind = ALTO_COST_MAP, .dependency_count = 1, .dependencies = {{"net", "t0"}}};
    alto_entry of_net = {.kind = ALTO_NETWORK_MAP, .tag = "t1"};
    const alto_resource *all[RESOURCES] = {
        resource("cost", &of_costs, costs(self.pool)), resource("net", &of_net, network(self.pool)),
        resource("old", &of_old, costs(self.pool)), resource("unheld", &of_net, NULL)};
    self.view = alto_view_new(&origin, &position, &none, &none, NULL, all, RESOURCES);
    for (size_t i = 0; i < RESOURCES; i++)
        alto_resource_release(all[i]);
    return self.view ? 0 : -1;
}

static int tear_down(void **state)
{
    fixture *self = *state;
    alto_view_release(self->view);
    alto_pool_destroy(&self->pool);
    return 0;
}

static altocast_address address(const char *text)
{
    altocast_address read;
    assert_int_equal(altocast_parse_address(text, &read), ALTOCAST_OK);
    return read;
}

static void addresses_are_read_with_and_without_type(void **state)
{
    (void)state;
    static const char *const bad[] = {"",         "ipv4:", "10.0.0",     "10.0.0.256", "ipv6:10.0.0.1",
                                      "ipv4:::1", "a",     "10.0.0.1/32"};
    altocast_address plain = address("10.0.0.1"), typed = address("ipv4:10.0.0.1");
    assert_memory_equal(&plain, &typed, sizeof plain);
    plain = address("2001:DB8::7");
    typed = address("ipv6:2001:db8:0:0::7");
    assert_memory_equal(&plain, &typed, sizeof plain);
    assert_int_equal(plain.family, 6);
    for (size_t i = 0; i < countof(bad); i++)
        assert_int_equal(altocast_parse_address(bad[i], &plain), ALTOCAST_INVALID);
}

static void an_address_has_the_pid_of_its_longest_prefix(void **state)
{
    static const struct {
        const char *map, *address;
        altocast_result result;
        const char *pid;
    } cases[] = {{"net", "10.0.0.1", ALTOCAST_OK, "a"},           {"net", "10.1.0.1", ALTOCAST_OK, "b"},
                 {"net", "11.0.0.1", ALTOCAST_OK, "c"},           {"net", "12.0.0.1", ALTOCAST_NOT_FOUND, NULL},
                 {"net", "::1", ALTOCAST_NOT_FOUND, NULL},        {"none", "10.0.0.1", ALTOCAST_NOT_FOUND, NULL},
                 {"cost", "10.0.0.1", ALTOCAST_WRONG_KIND, NULL}, {"unheld", "10.0.0.1", ALTOCAST_NOT_HELD, NULL}};
    for (size_t i = 0; i < countof(cases); i++) {
        const char *pid = NULL;
        altocast_address of = address(cases[i].address);
        print_message("  case: %s in %s\n", cases[i].address, cases[i].map);
        assert_int_equal(altocast_pid(outer(*state), cases[i].map, &of, &pid), cases[i].result);
        if (cases[i].pid)
            assert_string_equal(pid, cases[i].pid);
    }
}

static void a_cost_between_addresses_is_that_between_their_pids(void **state)
{
    static const struct {
        const char *map, *from, *to;
        altocast_result result;
        double cost;
    } cases[] = {{"cost", "10.0.0.1", "10.1.0.1", ALTOCAST_OK, 2.5},
                 {"cost", "10.1.0.1", "10.0.0.1", ALTOCAST_OK, 7},
                 {"cost", "10.0.0.1", "10.0.0.2", ALTOCAST_OK, 0},
                 {"cost", "10.1.0.1", "10.1.0.1", ALTOCAST_NOT_FOUND, 0},
                 {"cost", "11.0.0.1", "10.0.0.1", ALTOCAST_NOT_FOUND, 0},
                 {"cost", "10.0.0.1", "12.0.0.1", ALTOCAST_NOT_FOUND, 0},
                 {"cost", "12.0.0.1", "10.0.0.1", ALTOCAST_NOT_FOUND, 0},
                 {"none", "10.0.0.1", "10.1.0.1", ALTOCAST_NOT_FOUND, 0},
                 {"old", "10.0.0.1", "10.1.0.1", ALTOCAST_NOT_HELD, 0},
                 {"net", "10.0.0.1", "10.1.0.1", ALTOCAST_WRONG_KIND, 0}};
    for (size_t i = 0; i < countof(cases); i++) {
        double cost = 0;
        altocast_address from = address(cases[i].from), to = address(cases[i].to);
        print_message("  case: %s to %s by %s\n", cases[i].from, cases[i].to, cases[i].map);
        assert_int_equal(altocast_address_cost(outer(*state), cases[i].map, &from, &to, &cost), cases[i].result);
        assert_true(cost == cases[i].cost);
    }
}

static void costs_to_many_addresses_are_those_to_each(void **state)
{
    altocast_address many[MANY], from = address("10.0.0.1"), nowhere = address("12.0.0.1");
    double found[MANY];
    for (unsigned i = 0; i < MANY; i++)
        many[i] = (altocast_address){.family = 4, .bytes = {(uint8_t)(10 + i % 3), (uint8_t)(i % 2), 0, (uint8_t)i}};
    for (size_t count = 0; count <= MANY; count += 20) {
        assert_int_equal(altocast_address_costs(outer(*state), "cost", &from, many, count, found), ALTOCAST_OK);
        for (size_t i = 0; i < count; i++) {
            double cost = NAN;
            altocast_address_cost(outer(*state), "cost", &from, &many[i], &cost);
            assert_true(found[i] == cost || (isnan(found[i]) && isnan(cost)));
        }
    }
    assert_int_equal(altocast_address_costs(outer(*state), "cost", &nowhere, many, 1, found), ALTOCAST_NOT_FOUND);
    assert_int_equal(altocast_address_costs(outer(*state), "net", &from, many, 1, found), ALTOCAST_WRONG_KIND);
}

static void costs_of_many_pairs_are_those_of_each(void **state)
{
    altocast_address from[MANY], to[MANY];
    double found[MANY];
    size_t defined = 0;
    for (unsigned i = 0; i < MANY; i++) {
        from[i] =
            (altocast_address){.family = 4, .bytes = {(uint8_t)(10 + i % 3), (uint8_t)(i / 3 % 2), 0, (uint8_t)i}};
        to[i] =
            (altocast_address){.family = 4, .bytes = {(uint8_t)(10 + i / 6 % 2), (uint8_t)(i / 5 % 2), 1, (uint8_t)i}};
    }
    for (size_t count = 0; count <= MANY; count++) {
        assert_int_equal(altocast_pair_costs(outer(*state), "cost", from, to, count, found), ALTOCAST_OK);
        for (size_t i = 0; i < count; i++) {
            double cost = NAN;
            bool is = altocast_address_cost(outer(*state), "cost", &from[i], &to[i], &cost) == ALTOCAST_OK;
            assert_true(is ? found[i] == cost : isnan(found[i]));
            defined += is;
        }
    }
    assert_true(defined > 0);
    assert_int_equal(altocast_pair_costs(outer(*state), "net", from, to, 1, found), ALTOCAST_WRONG_KIND);
}

static alto_status look(void *context)
{
    const char *pid;
    altocast_address of = {.family = 4, .bytes = {10}};
    altocast_result result = altocast_pid(outer(context), "net", &of, &pid);
    assert_true(result == ALTOCAST_OK || result == ALTOCAST_NO_MEMORY);
    return result == ALTOCAST_OK ? ALTO_OK : ALTO_NO_MEMORY;
}

static void settle(void *context, alto_status status)
{
    (void)status;
    assert_int_equal(look(context), ALTO_OK);
    tear_down(&context);
    assert_int_equal(set_up(&context), 0); /* in which nobody has asked yet */
}

static void where_memory_ends_the_next_lookup_succeeds(void **state)
{
    test_sweep_run(&(test_sweep){"the first lookup", look, settle, 1}, *state);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        T(addresses_are_read_with_and_without_type),
        T(an_address_has_the_pid_of_its_longest_prefix),
        T(a_cost_between_addresses_is_that_between_their_pids),
        T(costs_to_many_addresses_are_those_to_each),
        T(costs_of_many_pairs_are_those_of_each),
        T(where_memory_ends_the_next_lookup_succeeds),
    };
#undef T
    return cmocka_run_group_tests(tests, NULL, NULL);
}
