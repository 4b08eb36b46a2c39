/* SPDX-License-Identifier: Apache-2.0 */
#include "cmocka_all.h"

#include "sim/life.h"
#include "sim/maps.h"

#include "core/crypto.h"
#include "core/mapjson.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static int setup(void **state)
{
    (void)state;
    return alto_crypto_init() == ALTO_OK ? 0 : -1;
}

static isp *make(size_t pops, size_t pids_per_pop, uint64_t seed)
{
    isp *network = isp_new(pops, pids_per_pop, seed);
    assert_non_null(network);
    return network;
}

/* Every PID has prefixes, every living pair that the ISP connects has a cost, no other has. */
static void check_isp(const isp *network)
{
    assert_true(topology_survives(network->core, network->core->link_count));
    for (size_t i = 0; i < network->prefix_count; i++)
        assert_true(network->pids[network->prefixes[i].pid].alive);
    for (size_t from = 0; from < network->slots; from++) {
        const sim_pid *a = &network->pids[from];
        if (a->alive)
            assert_true(isp_prefixes_of(network, from) > 0);
        for (size_t to = 0; to < network->slots; to++) {
            const sim_pid *b = &network->pids[to];
            bool connected = a->alive && b->alive && (a->place == SIM_INSIDE || b->place == SIM_INSIDE);
            int32_t cost = network->cost[from * network->slots + to];
            if (connected)
                assert_in_range(cost, 1, 1000000);
            else
                assert_int_equal(cost, SIM_NO_COST);
        }
    }
}

static void isps_of_every_size_keep_their_rules_through_a_life(void **state)
{
    static const struct {
        const char *label;
        size_t pops, pids_per_pop, events;
    } cases[] = {
        {"smallest", 2, 1, 200},
        {"small", 5, 2, 400},
        {"as in the demo", 12, 5, 300},
        {"more kinds than there are", 9, 16, 100},
        {"more cities than there are", 60, 1, 60},
    };
    (void)state;
    for (size_t i = 0; i < countof(cases); i++) {
        char words[LIFE_WORDS];
        isp *network = make(cases[i].pops, cases[i].pids_per_pop, 7 + i);
        size_t prefixes = network->prefix_count;
        print_message("  case: %s\n", cases[i].label);
        check_isp(network);
        for (size_t event = 0; event < cases[i].events; event++) {
            life_step(network, words);
            assert_true(strlen(words) > 0);
            check_isp(network);
        }
        assert_int_equal(network->prefix_count, prefixes);
        isp_destroy(&network);
    }
}

static void one_seed_gives_one_life_and_another_seed_another(void **state)
{
    char words[2][LIFE_WORDS];
    isp *first = make(12, 5, 3), *second = make(12, 5, 3), *other = make(12, 5, 4);
    size_t differences = 0;
    (void)state;
    for (int event = 0; event < 100; event++) {
        life_step(first, words[0]);
        life_step(second, words[1]);
        assert_string_equal(words[0], words[1]);
        life_step(other, words[1]);
        differences += strcmp(words[0], words[1]) != 0;
    }
    assert_true(differences > 50);
    isp_destroy(&first);
    isp_destroy(&second);
    isp_destroy(&other);
}

static void a_failed_link_makes_no_path_shorter_and_its_recovery_restores_all(void **state)
{
    isp *network = make(12, 5, 1);
    size_t cells = network->slots * network->slots, failed = 0;
    int32_t *healthy = malloc(cells * sizeof *healthy);
    assert_non_null(healthy);
    (void)state;
    memcpy(healthy, network->cost, cells * sizeof *healthy);
    for (size_t i = 0; i < network->core->link_count; i++) {
        if (!topology_survives(network->core, i))
            continue;
        failed++;
        network->core->links[i].up = false;
        isp_settle(network);
        for (size_t cell = 0; cell < cells; cell++)
            assert_true(network->cost[cell] >= healthy[cell]);
        network->core->links[i].up = true;
        isp_settle(network);
        assert_memory_equal(network->cost, healthy, cells * sizeof *healthy);
    }
    assert_true(failed > network->core->link_count / 2);
    free(healthy);
    isp_destroy(&network);
}

static alto_version *read_map(alto_pool *pool, const alto_buffer *text)
{
    alto_version *version = NULL;
    alto_error error = {ALTO_OK, "", ""};
    assert_int_equal(text->status, ALTO_OK);
    if (alto_map_read(pool, alto_buffer_slice(text), NULL, NULL, &version, &error) != ALTO_OK)
        fail_msg("%s: %s", error.where, error.why);
    return version;
}

static void the_documents_are_maps_that_name_one_tag(void **state)
{
    isp *network = make(12, 5, 1);
    alto_pool *pool = alto_pool_new();
    alto_buffer text = alto_buffer_make(ALTO_MAX_DOCUMENT);
    char tag[MAPS_TAG_TEXT];
    alto_vtag vtag, dependencies[ALTO_MAX_DEPENDENCIES];
    size_t count = 0;
    (void)state;
    assert_int_equal(maps_tag(network, tag), ALTO_OK);
    assert_int_equal(strlen(tag), 32);
    maps_network(network, tag, &text);
    alto_version *map = read_map(pool, &text);
    assert_int_equal(alto_version_kind(map), ALTO_NETWORK_MAP);
    assert_int_equal(alto_version_vtag(map, &vtag), ALTO_OK);
    assert_string_equal(vtag.resource_id, "isp-network-map");
    assert_string_equal(vtag.tag, tag);
    alto_version_release(map);
    for (maps_metric metric = MAPS_ROUTINGCOST; metric <= MAPS_HOPCOUNT; metric++) {
        double cost = 0;
        alto_buffer_clear(&text);
        maps_cost(network, metric, tag, &text);
        map = read_map(pool, &text);
        assert_int_equal(alto_version_kind(map), ALTO_COST_MAP);
        assert_int_equal(alto_version_dependencies(map, dependencies, &count), ALTO_OK);
        assert_int_equal(count, 1);
        assert_string_equal(dependencies[0].tag, tag);
        assert_true(alto_version_cost(map, alto_slice_text("zurich-access"), alto_slice_text("milan-cdn"), &cost));
        assert_true(cost > 0);
        assert_false(
            alto_version_cost(map, alto_slice_text("transit-zurich"), alto_slice_text("exchange-zurich"), &cost));
        alto_version_release(map);
    }
    alto_buffer_fini(&text);
    alto_pool_destroy(&pool);
    isp_destroy(&network);
}

static void remove_maps(const char *dir)
{
    static const char *const files[] = {"isp-network-map.json", "routingcost.json", "hopcount.json"};
    char path[256];
    for (size_t i = 0; i < countof(files); i++) {
        (void)snprintf(path, sizeof path, "%s/%s", dir, files[i]);
        assert_int_equal(unlink(path), 0);
    }
    assert_int_equal(rmdir(dir), 0); /* nothing else was left in it */
}

static void only_files_whose_content_changed_are_written(void **state)
{
    char dir[] = "/tmp/test_sim_XXXXXX";
    isp *network = make(4, 2, 1);
    maps_made made;
    alto_error error;
    (void)state;
    assert_non_null(mkdtemp(dir));
    assert_int_equal(maps_make(network, maps_write, dir, &made, &error), ALTO_OK);
    assert_int_equal(made.changed, 3);
    assert_int_equal(maps_make(network, maps_write, dir, &made, &error), ALTO_OK);
    assert_int_equal(made.changed, 0);
    network->pids[0].out++; /* a cost, but no hop and no prefix */
    isp_settle(network);
    assert_true(isp_cells_changed(network) > 0);
    assert_int_equal(maps_make(network, maps_write, dir, &made, &error), ALTO_OK);
    assert_int_equal(made.changed, 1);
    network->prefixes[0].pid = 1; /* a new tag is in all three */
    assert_int_equal(maps_make(network, maps_write, dir, &made, &error), ALTO_OK);
    assert_int_equal(made.changed, 3);
    remove_maps(dir);
    assert_int_equal(maps_make(network, maps_write, dir, &made, &error), ALTO_IO);
    assert_non_null(strstr(error.why, "No such file"));
    isp_destroy(&network);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(isps_of_every_size_keep_their_rules_through_a_life),
        cmocka_unit_test(one_seed_gives_one_life_and_another_seed_another),
        cmocka_unit_test(a_failed_link_makes_no_path_shorter_and_its_recovery_restores_all),
        cmocka_unit_test(the_documents_are_maps_that_name_one_tag),
        cmocka_unit_test(only_files_whose_content_changed_are_written),
    };
    return cmocka_run_group_tests(tests, setup, NULL);
}
