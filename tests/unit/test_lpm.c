/* SPDX-License-Identifier: Apache-2.0 */
#include "core/lpm.h"

#include "cmocka_all.h"
#include "sweep.h"
#include "versions.h"

#include <stdio.h>
#include <stdlib.h>

enum { STEPS = 150, ADDRESSES = 60, PIDS = 12, PREFIXES = 500, NAME_ROOM = 65 };

static alto_lpm *lpm_of(const alto_lpm *before, const alto_version *map)
{
    alto_lpm *made = NULL;
    assert_int_equal(alto_lpm_make(before, map, &made), ALTO_OK);
    return made;
}

static alto_endpoint address_of(const char *typed)
{
    alto_endpoint address;
    assert_int_equal(alto_endpoint_parse_typed(alto_slice_text(typed), &address), ALTO_OK);
    return address;
}

/* The PID of an address as a C string; "" when there is none. */
static const char *pid_of(const alto_lpm *lpm, const char *typed, char room[NAME_ROOM])
{
    alto_endpoint address = address_of(typed);
    const alto_pid *pid = alto_lpm_pid(lpm, &address);
    alto_slice name = pid ? alto_pid_name(pid) : alto_slice_text("");
    snprintf(room, NAME_ROOM, "%.*s", (int)name.size, (const char *)name.data);
    return room;
}

/* `base`, which is released, with these prefixes in the row of a PID and no others. */
static alto_version *with_row(alto_pool *pool, alto_version *base, const char *pid, const char *const *prefixes)
{
    alto_prefix_key keys[8];
    alto_edit edits[8];
    size_t count = 0;
    for (; prefixes[count]; count++) {
        int family = strchr(prefixes[count], ':') ? 6 : 4;
        assert_int_equal(alto_prefix_parse(family, alto_slice_text(prefixes[count]), &keys[count]), ALTO_OK);
        edits[count] = (alto_edit){.key = {keys[count].bytes, keys[count].size}};
    }
    alto_tree *items = NULL;
    assert_int_equal(alto_tree_edit(pool, ALTO_VALUE_NONE, NULL, edits, count, &items), ALTO_OK);
    alto_row_key key = alto_row_key_make(ALTO_ROW_PAYLOAD, alto_slice_text(pid));
    alto_row_edit row = {.row = alto_row_key_slice(&key), .what = ALTO_ROW_REPLACE, .items = items};
    alto_version *made = NULL;
    assert_int_equal(alto_version_edit(pool, ALTO_NETWORK_MAP, base, &row, 1, &made), ALTO_OK);
    alto_tree_release(items);
    alto_version_release(base);
    return made;
}

#define ROW(...) ((const char *const[]){__VA_ARGS__, NULL})

static void addresses_belong_to_the_longest_prefix(void **state)
{
    static const struct {
        const char *address, *pid;
    } cases[] = {
        /* RFC 7285 11.2.2 and what follows from it by the same rule */
        {"ipv4:192.0.2.1", "PID3"},         {"ipv4:192.0.2.128", "PID3"},
        {"ipv4:192.0.2.255", "PID3"},       {"ipv4:198.51.100.7", "PID2"},
        {"ipv4:203.0.113.1", "PID1"},       {"ipv4:0.0.0.0", "PID1"},
        {"ipv4:192.0.3.0", "PID1"},         {"ipv4:255.255.255.255", "PID1"},
        {"ipv6:2001:db8::1", "PID0"},       {"ipv6:::", "PID0"},
        {"ipv6:::ffff:192.0.2.1", "PID0"},  {"ipv6:fc00::7", "PID4"},
        {"ipv6:FC00:0:0::0.0.0.7", "PID4"}, {"ipv6:fc00::8", "PID0"},
        {"ipv6:ffff:ffff::ffff", "PID0"},
    };
    alto_version *map = test_version(*state, ALTO_NETWORK_MAP);
    map = with_row(*state, map, "PID0", ROW("::/0"));
    map = with_row(*state, map, "PID1", ROW("0.0.0.0/0"));
    map = with_row(*state, map, "PID2", ROW("192.0.2.0/24", "198.51.100.0/24"));
    map = with_row(*state, map, "PID3", ROW("192.0.2.0/25", "192.0.2.128/25"));
    map = with_row(*state, map, "PID4", ROW("fc00::7/128"));
    alto_lpm *lpm = lpm_of(NULL, map);
    assert_int_equal(alto_lpm_prefixes(lpm), 7);
    assert_ptr_equal(alto_lpm_map(lpm), map);
    for (size_t i = 0; i < countof(cases); i++) {
        char pid[NAME_ROOM];
        print_message("  case: %s\n", cases[i].address);
        assert_string_equal(pid_of(lpm, cases[i].address, pid), cases[i].pid);
    }
    alto_lpm_release(lpm);
    alto_version_release(map);
}

/* ---- against a model that looks at every prefix ---- */

static bool covers(alto_slice key, const alto_endpoint *address)
{
    if (key.size != (address->family == 4 ? 6 : 18) || key.data[0] != address->family)
        return false;
    unsigned length = key.data[key.size - 1], whole = length / 8;
    if (memcmp(key.data + 1, address->bytes, whole) != 0)
        return false;
    return length % 8 == 0 || (key.data[1 + whole] ^ address->bytes[whole]) >> (8 - length % 8) == 0;
}

/* The first row that has the longest prefix; *found is empty when there is none. */
static void match_slowly(const alto_version *map, const alto_endpoint *address, alto_slice *found)
{
    int best = -1;
    alto_cursor row, item;
    for (alto_cursor_first(&row, alto_version_tree(map)); alto_cursor_valid(&row); alto_cursor_next(&row)) {
        alto_slice name = alto_cursor_key(&row);
        if (name.data[0] != ALTO_ROW_PAYLOAD)
            continue;
        for (alto_cursor_first(&item, alto_cursor_value(&row).row); alto_cursor_valid(&item); alto_cursor_next(&item)) {
            alto_slice key = alto_cursor_key(&item);
            if (covers(key, address) && key.data[key.size - 1] > best) {
                best = key.data[key.size - 1];
                *found = alto_slice_of(name.data + 1, name.size - 1);
            }
        }
    }
    if (best < 0)
        *found = alto_slice_of(NULL, 0);
}

static void assert_same_match(const alto_lpm *lpm, const alto_endpoint *address)
{
    alto_slice expected;
    match_slowly(alto_lpm_map(lpm), address, &expected);
    const alto_pid *found = alto_lpm_pid(lpm, address);
    assert_int_equal(found != NULL, expected.data != NULL);
    if (found)
        assert_true(alto_slice_equal(alto_pid_name(found), expected));
}

/* An address in, or beside, the prefix, or anywhere. */
static alto_endpoint near(test_random *random, alto_slice key)
{
    alto_endpoint address = {.family = test_random_below(random, 2) ? 4 : 6};
    bool prefix = key.size == 6 || key.size == 18;
    if (prefix) {
        address.family = key.data[0];
        memcpy(address.bytes, key.data + 1, key.size - 2);
    }
    unsigned bits = address.family == 4 ? 32 : 128;
    unsigned from = prefix && test_random_below(random, 4) ? key.data[key.size - 1] : 0;
    for (unsigned i = from; i < bits; i++)
        if (test_random_below(random, prefix ? 6 : 2) == 0)
            address.bytes[i / 8] ^= (uint8_t)(0x80 >> i % 8);
    return address;
}

static void assert_agrees(test_random *random, const alto_lpm *lpm)
{
    alto_cursor row, item;
    for (alto_cursor_first(&row, alto_version_tree(alto_lpm_map(lpm))); alto_cursor_valid(&row);
         alto_cursor_next(&row)) {
        const alto_tree *items = alto_cursor_key(&row).data[0] == ALTO_ROW_PAYLOAD ? alto_cursor_value(&row).row : NULL;
        uint64_t count = alto_tree_entries(items);
        for (uint64_t i = count ? test_random_below(random, 3) : 0; i < count; i += 1 + count / 3) {
            alto_cursor_seek_rank(&item, items, i);
            alto_endpoint address = near(random, alto_cursor_key(&item));
            assert_same_match(lpm, &address);
        }
    }
    for (int i = 0; i < ADDRESSES; i++) {
        alto_endpoint address = near(random, alto_slice_of(NULL, 0));
        assert_same_match(lpm, &address);
    }
}

/* *lpm and *map make way for those of the next version; the lpm of before must go on as it was. */
static void step_to(test_random *random, alto_lpm **lpm, alto_version **map, alto_version *next)
{
    alto_lpm *made = lpm_of(*lpm, next), *anew = lpm_of(NULL, next);
    assert_int_equal(alto_lpm_prefixes(made), alto_lpm_prefixes(anew));
    assert_agrees(random, made);
    assert_agrees(random, *lpm);
    alto_lpm_release(anew);
    alto_lpm_release(*lpm);
    alto_version_release(*map);
    *lpm = made;
    *map = next;
}

static void a_random_walk_of_any_maps_matches_as_the_model_does(void **state)
{
    test_random random = test_random_make(21);
    alto_version *map = test_version(*state, ALTO_NETWORK_MAP);
    alto_lpm *lpm = lpm_of(NULL, map);
    for (int i = 0; i < STEPS; i++)
        step_to(&random, &lpm, &map, test_version_step(&random, *state, map));
    alto_lpm_release(lpm);
    alto_version_release(map);
}

/* Where each of a number of prefixes is: a PID, or nowhere (PIDS). */
typedef struct {
    char texts[PREFIXES][ALTO_PREFIX_TEXT];
    unsigned pid[PREFIXES];
} legal_map;

static void make_prefixes(test_random *random, legal_map *self)
{
    for (unsigned i = 0; i < PREFIXES; i++) {
        unsigned high = i / 25, length = 12 + i % 20; /* each once: the place and the length tell i */
        if (i % 3)
            snprintf(self->texts[i], ALTO_PREFIX_TEXT, "%u.%u.%u.%u/%u", high + 1, i % 25, 0xff & i * 37, i % 256,
                     length);
        else
            snprintf(self->texts[i], ALTO_PREFIX_TEXT, "2001:%x:%x::/%u", high, i % 25, 48 + i % 80);
        self->pid[i] = (unsigned)test_random_below(random, PIDS + 1);
    }
}

static int compare_edits(const void *a, const void *b)
{
    return alto_slice_compare(((const alto_edit *)a)->key, ((const alto_edit *)b)->key);
}

/* `base`, which is released, with the row of a PID as the map has it: empty ones are there only with odd numbers. */
static alto_version *with_legal_row(alto_pool *pool, alto_version *base, const legal_map *map, unsigned pid)
{
    static alto_prefix_key keys[PREFIXES];
    static alto_edit edits[PREFIXES];
    size_t count = 0;
    for (size_t i = 0; i < PREFIXES; i++) {
        int family = strchr(map->texts[i], ':') ? 6 : 4;
        if (map->pid[i] != pid)
            continue;
        assert_int_equal(alto_prefix_parse(family, alto_slice_text(map->texts[i]), &keys[count]), ALTO_OK);
        edits[count] = (alto_edit){.key = {keys[count].bytes, keys[count].size}};
        count++;
    }
    qsort(edits, count, sizeof *edits, compare_edits);
    char name[NAME_ROOM];
    snprintf(name, sizeof name, "pid%u", pid);
    alto_row_key key = alto_row_key_make(ALTO_ROW_PAYLOAD, alto_slice_text(name));
    alto_row_edit row = {.row = alto_row_key_slice(&key),
                         .what = count || pid % 2 ? ALTO_ROW_REPLACE : ALTO_ROW_REMOVE};
    alto_tree *items = NULL;
    alto_version *made = NULL;
    assert_int_equal(alto_tree_edit(pool, ALTO_VALUE_NONE, NULL, edits, count, &items), ALTO_OK);
    row.items = items;
    assert_int_equal(alto_version_edit(pool, ALTO_NETWORK_MAP, base, &row, 1, &made), ALTO_OK);
    alto_tree_release(items);
    alto_version_release(base);
    return made;
}

/* Some prefixes come, go and move; sometimes all of a PID do. */
static void move_some(test_random *random, legal_map *map)
{
    unsigned all_of = (unsigned)test_random_below(random, 4 * PIDS), to = (unsigned)test_random_below(random, PIDS + 1);
    for (unsigned i = 0; i < PREFIXES; i++)
        if (map->pid[i] == all_of)
            map->pid[i] = to;
    for (uint64_t count = test_random_below(random, 12); count > 0; count--)
        map->pid[test_random_below(random, PREFIXES)] = (unsigned)test_random_below(random, PIDS + 1);
}

static void a_random_walk_of_moving_prefixes_matches_as_the_model_does(void **state)
{
    test_random random = test_random_make(22);
    legal_map *model = calloc(1, sizeof *model);
    make_prefixes(&random, model);
    alto_version *map = test_version(*state, ALTO_NETWORK_MAP);
    alto_lpm *lpm = lpm_of(NULL, map);
    for (int i = 0; i < STEPS; i++) {
        alto_version *next = alto_version_retain(map);
        for (unsigned pid = 0; pid < PIDS; pid++)
            next = with_legal_row(*state, next, model, pid);
        uint64_t somewhere = 0;
        for (unsigned p = 0; p < PREFIXES; p++)
            somewhere += model->pid[p] < PIDS;
        step_to(&random, &lpm, &map, next);
        assert_int_equal(alto_lpm_prefixes(lpm), somewhere);
        move_some(&random, model);
    }
    free(model);
    alto_lpm_release(lpm);
    alto_version_release(map);
}

static void a_prefix_in_two_pids_belongs_to_the_first_whatever_came_before(void **state)
{
    alto_version *plain = with_row(*state, test_version(*state, ALTO_NETWORK_MAP), "b", ROW("10.0.0.0/8"));
    alto_version *twice = with_row(*state, alto_version_retain(plain), "c", ROW("10.0.0.0/8", "11.0.0.0/8"));
    alto_version *thrice = with_row(*state, alto_version_retain(twice), "a", ROW("10.0.0.0/8"));
    const struct {
        const alto_version *map;
        const char *pid;
        uint64_t prefixes;
    } way[] = {{plain, "b", 1}, {twice, "b", 2}, {thrice, "a", 2}, {twice, "b", 2}, {plain, "b", 1}, {thrice, "a", 2}};
    alto_lpm *lpm = NULL;
    for (size_t i = 0; i < countof(way); i++) {
        char pid[NAME_ROOM];
        alto_lpm *next = lpm_of(lpm, way[i].map);
        assert_string_equal(pid_of(next, "ipv4:10.1.2.3", pid), way[i].pid);
        assert_int_equal(alto_lpm_prefixes(next), way[i].prefixes);
        alto_lpm_release(lpm);
        lpm = next;
    }
    alto_lpm_release(lpm);
    alto_version_release(plain);
    alto_version_release(twice);
    alto_version_release(thrice);
}

static void items_that_are_no_prefixes_are_passed_over(void **state)
{
    static const uint8_t ipv4_too_long[] = {4, 10, 0, 0, 0, 33}, short_ipv4[] = {4, 10, 0, 8},
                         host_bits[] = {4, 11, 1, 2, 3, 8}, mac[] = "\x80mac\0[]";
    uint8_t ipv6_too_long[18] = {6, 0x20, 1, [17] = 129};
    alto_edit edits[] = {{.key = {short_ipv4, sizeof short_ipv4}},
                         {.key = {ipv4_too_long, sizeof ipv4_too_long}},
                         {.key = {host_bits, sizeof host_bits}},
                         {.key = {ipv6_too_long, sizeof ipv6_too_long}},
                         {.key = {mac, sizeof mac - 1}}};
    alto_version *map = test_version_row(*state, test_version(*state, ALTO_NETWORK_MAP), "a", edits, countof(edits));
    alto_lpm *lpm = lpm_of(NULL, map);
    char pid[NAME_ROOM];
    assert_int_equal(alto_lpm_prefixes(lpm), 1);
    assert_string_equal(pid_of(lpm, "ipv4:11.200.0.1", pid), "a");
    assert_string_equal(pid_of(lpm, "ipv4:10.0.0.0", pid), "");
    assert_string_equal(pid_of(lpm, "ipv6:2001::", pid), "");
    alto_lpm_release(lpm);
    alto_version_release(map);
}

/* ---- costs ---- */

/* Cells of both maps in turn, by names and by PIDs: what a PID remembers of one map must not lead astray in the other. */
static void assert_same_costs(test_random *random, const alto_lpm *lpm, const alto_version *const costs[2])
{
    for (int i = 0; i < 4 * ADDRESSES; i++) {
        alto_endpoint addresses[2] = {near(random, alto_slice_of(NULL, 0)), near(random, alto_slice_of(NULL, 0))};
        const alto_pid *pids[2];
        alto_lpm_pids(lpm, addresses, 2, pids);
        if (!pids[0] || !pids[1])
            continue;
        const alto_tree *row;
        double cost = 0, expected = 0;
        bool found = alto_pid_row(pids[0], costs[i % 2], &row) && alto_pid_cell(pids[1], row, &cost);
        alto_slice from = alto_pid_name(pids[0]), to = alto_pid_name(pids[1]);
        assert_int_equal(found, alto_version_cost(costs[i % 2], from, to, &expected));
        assert_true(cost == expected);
    }
}

static void costs_between_pids_are_those_of_their_names_in_any_map(void **state)
{
    test_random random = test_random_make(24);
    legal_map *model = calloc(1, sizeof *model);
    make_prefixes(&random, model);
    alto_version *map = test_version(*state, ALTO_NETWORK_MAP);
    for (unsigned pid = 0; pid < PIDS; pid++)
        map = with_legal_row(*state, map, model, pid);
    map = with_row(*state, map, "pid59", ROW("0.0.0.0/0", "::/0"));
    alto_lpm *lpm = lpm_of(NULL, map);
    alto_version *costs[2] = {test_version(*state, ALTO_COST_MAP), test_version(*state, ALTO_COST_MAP)};
    for (int i = 0; i < STEPS; i++) {
        alto_version *next = test_version_step(&random, *state, costs[i % 2]);
        alto_version_release(costs[i % 2]);
        costs[i % 2] = next;
        assert_same_costs(&random, lpm, (const alto_version *const *)costs);
    }
    const alto_tree *row;
    const alto_endpoint any = address_of("ipv4:0.0.0.1");
    assert_false(alto_pid_row(alto_lpm_pid(lpm, &any), map, &row)); /* no cost map */
    alto_version_release(costs[0]);
    alto_version_release(costs[1]);
    alto_lpm_release(lpm);
    alto_version_release(map);
    free(model);
}

/* ---- memory ---- */

typedef struct {
    test_random random;
    alto_version *before, *after;
    alto_lpm *lpm, *made;
} scarce;

static alto_status make_next(void *context)
{
    scarce *self = context;
    return alto_lpm_make(self->lpm, self->after, &self->made);
}

static void settle_next(void *context, alto_status status)
{
    scarce *self = context;
    if (self->lpm)
        assert_agrees(&self->random, self->lpm);
    if (status == ALTO_OK)
        assert_agrees(&self->random, self->made);
    else
        assert_null(self->made);
    alto_lpm_release(self->made);
    self->made = NULL;
}

static void where_memory_ends_nothing_has_changed(void **state)
{
    scarce self = {.random = test_random_make(23)};
    legal_map *model = calloc(1, sizeof *model);
    make_prefixes(&self.random, model);
    self.before = test_version(*state, ALTO_NETWORK_MAP);
    for (unsigned pid = 0; pid < PIDS; pid++)
        self.before = with_legal_row(*state, self.before, model, pid);
    for (int i = 0; i < 5; i++)
        move_some(&self.random, model);
    self.after = alto_version_retain(self.before);
    for (unsigned pid = 0; pid < PIDS; pid++)
        self.after = with_legal_row(*state, self.after, model, pid);
    test_sweep_run(&(test_sweep){"from nothing", make_next, settle_next, 7}, &self);
    self.lpm = lpm_of(NULL, self.before);
    test_sweep_run(&(test_sweep){"from the one before", make_next, settle_next, 1}, &self);
    alto_lpm_release(self.lpm);
    alto_version_release(self.before);
    alto_version_release(self.after);
    free(model);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, test_pool_set_up, test_pool_tear_down)
    const struct CMUnitTest tests[] = {
        T(addresses_belong_to_the_longest_prefix),
        T(a_random_walk_of_any_maps_matches_as_the_model_does),
        T(a_random_walk_of_moving_prefixes_matches_as_the_model_does),
        T(a_prefix_in_two_pids_belongs_to_the_first_whatever_came_before),
        T(items_that_are_no_prefixes_are_passed_over),
        T(costs_between_pids_are_those_of_their_names_in_any_map),
        T(where_memory_ends_nothing_has_changed),
    };
#undef T
    return cmocka_run_group_tests(tests, NULL, NULL);
}
