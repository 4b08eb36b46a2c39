/* SPDX-License-Identifier: Apache-2.0 */
#include "io/store.h"

#include "cmocka_all.h"
#include "core/delta.h"
#include "io/log.h"
#include "io/loop.h"
#include "io/store_disk.h"
#include "versions.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { RESOURCES_MAX = 12, STEPS_MAX = 8192 };

static char directory[64];
static char last_line[2048]; /* logged */
static _Atomic int lines;
static _Atomic bool disk_stands, disk_is_waited_for; /* by its writer */

/* LMDB calls this one. */
int fdatasync(int fd)
{
    while (atomic_load(&disk_stands)) {
        atomic_store(&disk_is_waited_for, true);
        usleep(1000);
    }
    return (int)syscall(SYS_fdatasync, fd);
}

static void keep_line(void *context, alto_log_level level, const char *line)
{
    (void)context, (void)level;
    snprintf(last_line, sizeof last_line, "%s", line);
    if (getenv("ALTO_TEST_SHOW_LOG"))
        print_message("  %s\n", line);
    lines++;
}

static int remove_one(const char *path, const struct stat *info, int type, struct FTW *place)
{
    (void)info, (void)type, (void)place;
    return remove(path);
}

static int setup(void **state)
{
    (void)state;
    alto_log_set_level(ALTO_LOG_INFO);
    alto_log_set_sink(keep_line, NULL);
    lines = 0;
    disk_stands = disk_is_waited_for = false;
    snprintf(directory, sizeof directory, "/tmp/altocast-test-store-XXXXXX");
    return mkdtemp(directory) && alto_crypto_init() == ALTO_OK ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    alto_log_set_sink(NULL, NULL);
    umount2(directory, MNT_DETACH); /* what a failed test may have left */
    return nftw(directory, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

/* ---- an origin whose every state is remembered by its root ---- */

typedef struct {
    alto_pool *pool;
    alto_store *store;
    test_random random;
    alto_version *versions[RESOURCES_MAX]; /* NULL: withdrawn */
    alto_tree *catalog;
    uint64_t seq;
    alto_hash state_roots[STEPS_MAX]; /* by seq */
} world;

static const alto_origin origin = {{1, 2, 3}}, other_origin = {{9, 8, 7}};

static alto_store *open_store(void)
{
    alto_store *store = NULL;
    alto_error error;
    alto_status status = alto_store_open(directory, &origin, &store, &error);
    if (status != ALTO_OK)
        fail_msg("%s: %s", error.where, error.why);
    return store;
}

static world *world_new(uint64_t seed)
{
    world *self = calloc(1, sizeof *self);
    assert_non_null(self);
    self->pool = alto_pool_new();
    self->random = test_random_make(seed);
    return self;
}

static void world_destroy(world **self)
{
    for (size_t i = 0; i < RESOURCES_MAX; i++)
        alto_version_release((*self)->versions[i]);
    alto_tree_release((*self)->catalog);
    alto_pool_destroy(&(*self)->pool);
    free(*self);
    *self = NULL;
}

static alto_kind kind_of(size_t index)
{
    return (alto_kind)(1 + index % 3);
}

static void name_key(size_t index, alto_buffer *key)
{
    char id[16];
    snprintf(id, sizeof id, "resource-%zu", index);
    *key = alto_buffer_make(256);
    alto_catalog_key(&(alto_resource_name){.id = alto_slice_text(id)}, key);
}

static void set_in_catalog(world *self, alto_slice key, const alto_version *version)
{
    alto_buffer value = alto_buffer_make(ALTO_MAX_CATALOG);
    if (version) {
        alto_entry entry = {.kind = alto_version_kind(version), .root = *alto_version_root(version)};
        snprintf(entry.media_type, sizeof entry.media_type, "%s", alto_kind_media_type(entry.kind));
        entry.rows = alto_version_rows(version);
        entry.items = alto_version_items(version);
        assert_int_equal(alto_entry_encode(&entry, &value), ALTO_OK);
    }
    alto_edit edit = {.key = key, .value = {.text = alto_buffer_slice(&value)}, .remove = !version};
    alto_tree *next = NULL;
    assert_int_equal(alto_tree_edit(self->pool, ALTO_VALUE_TEXT, self->catalog, &edit, 1, &next), ALTO_OK);
    alto_tree_release(self->catalog);
    self->catalog = next;
    alto_buffer_fini(&value);
}

/* The next statement of the world as a file; nobody checks its signature here. */
static void next_statement(world *self, alto_buffer *file)
{
    alto_statement head = {.type = ALTO_HEAD, .origin = origin, .manifest_epoch = 1, .manifest_version = 1};
    head.position = (alto_position){.epoch = 1, .chain = 1, .seq = ++self->seq};
    head.state_root = alto_state_root(self->catalog);
    head.issued_at_ms = head.valid_for_s = head.interval_ms = 1000;
    assert_true(self->seq < STEPS_MAX);
    self->state_roots[self->seq] = head.state_root;
    *file = alto_buffer_make(ALTO_MAX_STATEMENT);
    assert_int_equal(alto_statement_encode(&head, file), ALTO_OK);
    memset(alto_buffer_grow(file, ALTO_SIGNATURE_SIZE), 0, ALTO_SIGNATURE_SIZE);
}

typedef enum { WITH_DELTA, WITHOUT_DELTA, WITH_WRONG_BASE } how;

/* Make `next` (taken over; NULL: withdrawn) the version of a resource, and hand the step to the store. */
static void commit(world *self, size_t index, alto_version *next, how way)
{
    alto_version *before = self->versions[index];
    alto_buffer key, file, delta = alto_buffer_make(ALTO_MAX_PAYLOAD);
    name_key(index, &key);
    set_in_catalog(self, alto_buffer_slice(&key), next);
    next_statement(self, &file);
    alto_stored_change change = {.catalog_key = alto_buffer_slice(&key), .version = next};
    if (before && next && way != WITHOUT_DELTA) {
        alto_slice vtag;
        alto_implied implied = {.text_size = 0};
        if (alto_version_member(next, "meta", "vtag", &vtag))
            implied.vtag = vtag;
        assert_int_equal(alto_delta_encode(before, next, &implied, &delta, NULL), ALTO_OK);
        change.has_from = true;
        change.from_root = *alto_version_root(way == WITH_WRONG_BASE ? next : before);
        change.delta = alto_buffer_slice(&delta);
        change.implied_vtag = implied.vtag;
    }
    assert_int_equal(alto_store_commit(self->store, alto_buffer_slice(&file), self->catalog, &change, 1), ALTO_OK);
    alto_version_release(before);
    self->versions[index] = next;
    alto_buffer_fini(&key);
    alto_buffer_fini(&file);
    alto_buffer_fini(&delta);
}

static void commit_at_random(world *self)
{
    size_t index = test_random_below(&self->random, RESOURCES_MAX);
    uint64_t dice = test_random_below(&self->random, 40);
    alto_version *before = self->versions[index];
    if (before && dice == 0) {
        commit(self, index, NULL, WITH_DELTA);
        return;
    }
    alto_version *empty = before ? NULL : test_version(self->pool, kind_of(index));
    alto_version *next = test_version_step(&self->random, self->pool, before ? before : empty);
    alto_version_release(empty);
    commit(self, index, next, dice == 1 ? WITHOUT_DELTA : dice == 2 ? WITH_WRONG_BASE : WITH_DELTA);
}

static uint64_t seq_of(const alto_stored_state *state, alto_hash *state_root)
{
    alto_slice object;
    alto_signature signature;
    alto_statement statement;
    assert_true(state->has_statement);
    assert_int_equal(alto_signed_split(alto_buffer_slice(&state->statement), &object, &signature), ALTO_OK);
    assert_int_equal(alto_statement_decode(object, &statement), ALTO_OK);
    *state_root = statement.state_root;
    uint64_t seq = statement.position.seq;
    alto_statement_fini(&statement);
    return seq;
}

/* Everything in the catalog is there, and has the root that the catalog says. */
static void assert_whole(const alto_stored_state *state)
{
    assert_int_equal(state->count, alto_tree_entries(state->catalog));
    for (size_t i = 0; i < state->count; i++) {
        alto_value value;
        alto_entry entry;
        assert_true(alto_tree_find(state->catalog, state->resources[i].catalog_key, &value));
        assert_int_equal(alto_entry_decode(value.text, &entry), ALTO_OK);
        assert_memory_equal(&entry.root, alto_version_root(state->resources[i].version), sizeof entry.root);
    }
}

/* Load with a pool of its own and compare with what the world remembers; returns the sequence number loaded. */
static uint64_t check_store(const world *self, alto_store *store)
{
    alto_pool *pool = alto_pool_new();
    alto_stored_state state;
    alto_hash root;
    assert_int_equal(alto_store_load(store, pool, &state), ALTO_OK);
    uint64_t seq = seq_of(&state, &root);
    alto_hash catalog_root = alto_state_root(state.catalog);
    assert_memory_equal(&root, &catalog_root, sizeof root);
    assert_in_range(seq, 1, self->seq);
    assert_memory_equal(&root, &self->state_roots[seq], sizeof root);
    assert_whole(&state);
    alto_stored_state_fini(&state);
    alto_pool_destroy(&pool);
    return seq;
}

static void wait_until_durable(alto_store *store)
{
    uint64_t end = alto_monotonic_ms() + 20000;
    while (alto_store_counts_now(store).commits_queued && alto_monotonic_ms() < end)
        usleep(2000);
    assert_int_equal(alto_store_counts_now(store).commits_queued, 0);
}

/* ---- tests ---- */

static void an_empty_directory_gives_an_empty_state(void **state)
{
    (void)state;
    alto_store *store = open_store();
    alto_pool *pool = alto_pool_new();
    for (int i = 0; i < 2; i++) {
        alto_stored_state loaded;
        assert_int_equal(alto_store_load(store, pool, &loaded), ALTO_OK);
        assert_false(loaded.has_statement);
        assert_int_equal(loaded.count + loaded.statement.size + loaded.manifest.size, 0);
        assert_null(loaded.catalog);
        alto_stored_state_fini(&loaded);
        alto_store_close(&store);
        store = open_store();
    }
    alto_store_close(&store);
    alto_pool_destroy(&pool);
}

static void what_was_committed_is_there_after_closing_and_opening(void **state)
{
    (void)state;
    world *self = world_new(11);
    for (int life = 0; life < 8; life++) {
        self->store = open_store();
        /* A first commit must not depend on an earlier load. */
        if (life % 3 && self->seq)
            assert_int_equal(check_store(self, self->store), self->seq);
        uint64_t steps = 1 + test_random_below(&self->random, 60);
        for (uint64_t i = 0; i < steps; i++) {
            commit_at_random(self);
            if (test_random_below(&self->random, 20) == 0)
                wait_until_durable(self->store);
        }
        alto_store_close(&self->store);
        self->store = open_store();
        assert_int_equal(check_store(self, self->store), self->seq);
        assert_int_equal(check_store(self, self->store), self->seq);
        alto_store_close(&self->store);
    }
    assert_int_equal(lines, 0);
    world_destroy(&self);
}

static void texts_that_the_entry_implies_come_back_with_the_delta(void **state)
{
    (void)state;
    world *self = world_new(12);
    self->store = open_store();
    alto_version *base = test_version(self->pool, ALTO_DOCUMENT);
    alto_version *one = test_version_text(self->pool, base, "meta", "vtag", "{\"resource-id\":\"a\",\"tag\":\"1\"}");
    alto_version *two = test_version_text(self->pool, one, "meta", "vtag", "{\"resource-id\":\"a\",\"tag\":\"2\"}");
    alto_version_release(base);
    commit(self, 2, one, WITH_DELTA);
    commit(self, 2, two, WITH_DELTA);
    alto_store_close(&self->store);
    self->store = open_store();
    assert_int_equal(check_store(self, self->store), 2);
    alto_store_close(&self->store);
    world_destroy(&self);
}

static void the_newest_manifest_is_kept(void **state)
{
    (void)state;
    alto_store *store = open_store();
    assert_int_equal(alto_store_manifest(store, alto_slice_text("first"), alto_slice_text("")), ALTO_OK);
    assert_int_equal(alto_store_manifest(store, alto_slice_text("second"), alto_slice_text("sets")), ALTO_OK);
    alto_store_close(&store);
    store = open_store();
    alto_pool *pool = alto_pool_new();
    alto_stored_state loaded;
    assert_int_equal(alto_store_load(store, pool, &loaded), ALTO_OK);
    assert_true(alto_slice_equal(alto_buffer_slice(&loaded.manifest), alto_slice_text("second")));
    assert_true(alto_slice_equal(alto_buffer_slice(&loaded.roots), alto_slice_text("sets")));
    alto_stored_state_fini(&loaded);
    alto_store_close(&store);
    alto_pool_destroy(&pool);
}

static void a_chain_number_is_never_given_twice(void **state)
{
    (void)state;
    static const struct {
        uint64_t now_ms, chain;
    } cases[] = {{1000, 1000}, {1000, 1001}, {500, 1002}, {0, 1003}, {2000, 2000}, {1999, 2001}};
    for (size_t i = 0; i < countof(cases); i++) {
        alto_store *store = open_store();
        uint64_t chain = 0;
        assert_int_equal(alto_store_next_chain(store, cases[i].now_ms, &chain), ALTO_OK);
        assert_int_equal(chain, cases[i].chain);
        alto_store_close(&store);
    }
}

static void write_file(const char *name, const char *text, size_t size)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", directory, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, size, file), size);
    fclose(file);
}

static alto_status try_open(const char *path, const alto_origin *who, alto_error *error)
{
    alto_store *store = NULL;
    alto_status status = alto_store_open(path, who, &store, error);
    assert_int_equal(store != NULL, status == ALTO_OK);
    alto_store_close(&store);
    return status;
}

static void a_directory_that_cannot_be_used_is_refused_with_what_to_do(void **state)
{
    (void)state;
    alto_error error;
    char path[128];
    alto_store *holder = open_store();
    assert_int_equal(try_open(directory, &origin, &error), ALTO_BUSY);
    assert_non_null(strstr(error.why, "--state"));
    alto_store_close(&holder);
    assert_int_equal(try_open(directory, &other_origin, &error), ALTO_CONFIG);
    assert_non_null(strstr(error.why, "0102030000000000"));
    assert_non_null(strstr(error.why, "0908070000000000"));
    assert_non_null(strstr(error.why, "--state"));
    assert_int_equal(try_open(directory, &origin, &error), ALTO_OK);
    snprintf(path, sizeof path, "%s/no/such", directory);
    assert_int_equal(try_open(path, &origin, &error), ALTO_IO);
    assert_non_null(strstr(error.why, "parent directory"));
    write_file("file", "x", 1);
    snprintf(path, sizeof path, "%s/file", directory);
    assert_int_equal(try_open(path, &origin, &error), ALTO_IO);
    snprintf(path, sizeof path, "%s/made", directory);
    assert_int_equal(try_open(path, &origin, &error), ALTO_OK);
    struct stat info;
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0700);
}

static void put_on_disk(alto_disk_table table, alto_slice key, alto_slice value)
{
    alto_disk *disk = NULL;
    alto_error error;
    assert_int_equal(alto_disk_open(directory, &disk, &error), ALTO_OK);
    assert_int_equal(alto_disk_begin(disk, true), ALTO_OK);
    alto_disk_put(disk, table, key, value);
    assert_int_equal(alto_disk_end(disk), ALTO_OK);
    alto_disk_close(&disk);
}

static void a_damaged_chain_number_is_not_believed(void **state)
{
    (void)state;
    static const uint8_t wrong[][16] = {{0xff},
                                        {0, 0, 0, 0, 0, 0, 0x30, 0x39, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xcf}};
    uint64_t chain = 0;
    for (size_t i = 0; i < countof(wrong); i++) {
        alto_store *store = open_store();
        alto_store_close(&store);
        put_on_disk(ALTO_DISK_META, alto_slice_text("chain"), alto_slice_of(wrong[i], sizeof wrong[i]));
        store = open_store();
        assert_int_equal(alto_store_next_chain(store, 1000 + i, &chain), ALTO_OK);
        assert_int_equal(chain, 1000 + i);
        assert_non_null(strstr(last_line, "chain number is damaged"));
        alto_store_close(&store);
    }
}

static void a_newer_format_is_refused(void **state)
{
    (void)state;
    static const uint8_t two[16] = {0, 0, 0, 0, 0, 0, 0, 2, 255, 255, 255, 255, 255, 255, 255, 253};
    alto_error error;
    assert_int_equal(try_open(directory, &origin, &error), ALTO_OK);
    put_on_disk(ALTO_DISK_META, alto_slice_text("format"), alto_slice_of(two, sizeof two));
    assert_int_equal(try_open(directory, &origin, &error), ALTO_CONFIG);
    assert_non_null(strstr(error.why, "newer"));
}

static void damage_is_not_taken_for_another_owner(void **state)
{
    (void)state;
    static const char *const keys[] = {"format", "origin"};
    static const uint8_t junk[2 * ALTO_HASH_SIZE] = {1, 2, 3};
    static const size_t sizes[] = {8, 16, ALTO_HASH_SIZE, 2 * ALTO_HASH_SIZE};
    for (size_t i = 0; i < countof(keys); i++)
        for (size_t k = 0; k < countof(sizes); k++) {
            alto_store *store = open_store();
            alto_store_close(&store);
            put_on_disk(ALTO_DISK_META, alto_slice_text(keys[i]), alto_slice_of(junk, sizes[k]));
            lines = 0;
            store = open_store();
            assert_int_equal(lines, 1);
            assert_non_null(strstr(last_line, "data.mdb is damaged"));
            alto_store_close(&store);
        }
}

static void a_damaged_file_is_put_aside_and_begun_anew(void **state)
{
    (void)state;
    char junk[20000], path[128];
    struct stat info;
    memset(junk, 'x', sizeof junk);
    write_file("data.mdb", junk, sizeof junk);
    alto_store *store = open_store();
    assert_int_equal(lines, 1);
    assert_non_null(strstr(last_line, "event=state-dropped"));
    snprintf(path, sizeof path, "%s/data.mdb.damaged", directory);
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(info.st_size, sizeof junk);
    alto_store_close(&store);
    assert_int_equal(lines, 1);
}

static void a_read_only_directory_is_refused(void **state)
{
    (void)state;
    if (geteuid() == 0) {
        print_message("  skipped: root may write everywhere\n");
        skip();
    }
    alto_error error;
    chmod(directory, 0500);
    assert_int_equal(try_open(directory, &origin, &error), ALTO_IO);
    assert_non_null(strstr(error.why, "not permitted"));
    chmod(directory, 0700);
}

/* ---- what lies on the disk ---- */

typedef struct {
    size_t count;
    uint8_t key[64], value[40000];
    size_t key_size, value_size;
} last_seen;

static bool see(void *context, alto_slice key, alto_slice value)
{
    last_seen *self = context;
    self->count++;
    assert_true(key.size <= sizeof self->key && value.size <= sizeof self->value);
    memcpy(self->key, key.data, self->key_size = key.size);
    memcpy(self->value, value.data, self->value_size = value.size);
    return true;
}

static size_t count_in(alto_disk_table table, last_seen *seen)
{
    alto_disk *disk = NULL;
    alto_error error;
    *seen = (last_seen){0};
    assert_int_equal(alto_disk_open(directory, &disk, &error), ALTO_OK);
    assert_int_equal(alto_disk_begin(disk, false), ALTO_OK);
    alto_disk_walk(disk, table, alto_slice_text(""), see, seen);
    assert_int_equal(alto_disk_end(disk), ALTO_OK);
    alto_disk_close(&disk);
    return seen->count;
}

static void a_long_log_is_replaced_by_a_snapshot(void **state)
{
    (void)state;
    static last_seen seen;
    world *self = world_new(13);
    self->store = open_store();
    alto_version *at = test_version(self->pool, ALTO_COST_MAP);
    commit(self, 1, alto_version_retain(at), WITH_DELTA);
    for (int i = 0; i < 5000; i++) {
        alto_edit edit = {.key = alto_slice_text("b"), .value = {.cost = i}};
        at = test_version_row(self->pool, at, "a", &edit, 1);
        commit(self, 1, alto_version_retain(at), WITH_DELTA);
        if (i == 4500)
            wait_until_durable(self->store);
    }
    alto_version_release(at);
    wait_until_durable(self->store);
    alto_store_close(&self->store);
    /* Where the first snapshot stands depends on how many commits the writer found at once. */
    assert_in_range(count_in(ALTO_DISK_LOG, &seen), 0, 4096);
    assert_int_equal(count_in(ALTO_DISK_PIECES, &seen), 1);
    self->store = open_store();
    assert_int_equal(check_store(self, self->store), self->seq);
    commit(self, 1, NULL, WITH_DELTA);
    alto_store_close(&self->store);
    for (alto_disk_table table = ALTO_DISK_ENTRIES; table < ALTO_DISK_TABLES; table++)
        assert_int_equal(count_in(table, &seen), 0);
    world_destroy(&self);
}

static alto_version *cost_map(world *self, size_t size)
{
    alto_version *made = test_version(self->pool, ALTO_COST_MAP);
    alto_edit *edits = calloc(size, sizeof *edits);
    char(*names)[32] = calloc(size, sizeof *names);
    for (size_t i = 0; i < size; i++)
        snprintf(names[i], sizeof names[i], "pid%06zu", i);
    for (size_t row = 0; row < size; row++) {
        for (size_t i = 0; i < size; i++) {
            edits[i].key = alto_slice_text(names[i]);
            edits[i].value.cost = (double)test_random_below(&self->random, UINT64_C(1) << 50);
        }
        made = test_version_row(self->pool, made, names[row], edits, size);
    }
    free(edits);
    free(names);
    return made;
}

static void the_versions_that_the_log_leads_through_come_back(void **state)
{
    (void)state;
    static const int counts[] = {0, 1, ALTO_STORED_OLDER, ALTO_STORED_OLDER + 7};
    for (size_t i = 0; i < countof(counts); i++) {
        world *self = world_new(20 + i);
        alto_hash roots[ALTO_STORED_OLDER + 8];
        self->store = open_store();
        commit(self, 1, cost_map(self, 3), WITHOUT_DELTA);
        roots[0] = *alto_version_root(self->versions[1]);
        wait_until_durable(self->store); /* else the first snapshot is of a later one */
        for (int j = 1; j <= counts[i]; j++) {
            alto_edit edit = {.key = alto_slice_text("pid000001"), .value = {.cost = j}};
            commit(self, 1, test_version_row(self->pool, alto_version_retain(self->versions[1]), "pid000002", &edit, 1),
                   WITH_DELTA);
            roots[j] = *alto_version_root(self->versions[1]);
        }
        alto_store_close(&self->store);
        self->store = open_store();
        alto_stored_state loaded;
        assert_int_equal(alto_store_load(self->store, self->pool, &loaded), ALTO_OK);
        size_t wanted = (size_t)(counts[i] < ALTO_STORED_OLDER ? counts[i] : ALTO_STORED_OLDER);
        assert_int_equal(loaded.resources[0].older_count, wanted);
        for (size_t j = 0; j < wanted; j++) {
            const alto_stored_older *older = &loaded.resources[0].older[j];
            assert_memory_equal(alto_version_root(older->version), &roots[(size_t)counts[i] - wanted + j],
                                sizeof(alto_hash));
            assert_in_range(older->delta_bytes, 1, 100);
        }
        alto_stored_state_fini(&loaded);
        commit(self, 1, NULL, WITH_DELTA); /* the next world begins with nothing */
        alto_store_close(&self->store);
        world_destroy(&self);
    }
}

static void a_damaged_resource_is_dropped_alone_and_written_whole_with_its_next_change(void **state)
{
    (void)state;
    static last_seen seen;
    world *self = world_new(14);
    self->store = open_store();
    for (size_t i = 0; i < 6; i++) {
        alto_version *empty = test_version(self->pool, kind_of(i));
        commit(self, i, test_version_step(&self->random, self->pool, empty), WITH_DELTA);
        alto_version_release(empty);
    }
    alto_store_close(&self->store);
    assert_int_equal(count_in(ALTO_DISK_PIECES, &seen), 6);
    seen.value[seen.value_size / 2] ^= 0x40;
    put_on_disk(ALTO_DISK_PIECES, alto_slice_of(seen.key, seen.key_size), alto_slice_of(seen.value, seen.value_size));
    self->store = open_store();
    alto_stored_state loaded;
    assert_int_equal(alto_store_load(self->store, self->pool, &loaded), ALTO_OK);
    assert_int_equal(loaded.count, 5);
    assert_int_equal(alto_tree_entries(loaded.catalog), 6);
    assert_int_equal(lines, 1);
    assert_non_null(strstr(last_line, "event=state-dropped"));
    alto_stored_state_fini(&loaded);
    for (size_t i = 0; i < 6; i++)
        commit(self, i, test_version_step(&self->random, self->pool, self->versions[i]), WITH_DELTA);
    alto_store_close(&self->store);
    self->store = open_store();
    assert_int_equal(check_store(self, self->store), self->seq);
    alto_store_close(&self->store);
    world_destroy(&self);
}

static void a_statement_that_does_not_fit_the_catalog_is_not_believed(void **state)
{
    (void)state;
    world *self = world_new(15);
    self->store = open_store();
    commit(self, 0, test_version(self->pool, ALTO_NETWORK_MAP), WITH_DELTA);
    alto_store_close(&self->store);
    static const char *const statements[] = {"", "short", /* this one is long enough to hold a signature: */
                                             "nothing that could be read as a statement, however often one tries to"};
    for (size_t i = 0; i < countof(statements); i++) {
        put_on_disk(ALTO_DISK_META, alto_slice_text("statement"), alto_slice_text(statements[i]));
        self->store = open_store();
        alto_stored_state loaded;
        assert_int_equal(alto_store_load(self->store, self->pool, &loaded), ALTO_OK);
        assert_false(loaded.has_statement);
        assert_int_equal(loaded.count, 0);
        alto_stored_state_fini(&loaded);
        alto_store_close(&self->store);
    }
    self->store = open_store();
    commit(self, 3, test_version(self->pool, ALTO_NETWORK_MAP), WITH_DELTA);
    alto_store_close(&self->store);
    self->store = open_store();
    assert_int_equal(check_store(self, self->store), self->seq);
    alto_store_close(&self->store);
    world_destroy(&self);
}

/* ---- trouble ---- */

/* The life of a process that is going to be killed: report what is durable, again and again. */
static _Noreturn void commit_until_killed(world *self, int report_fd)
{
    self->store = open_store();
    for (uint64_t done = 0;; done++) {
        if (self->seq + 2 < STEPS_MAX)
            commit_at_random(self);
        uint64_t durable = alto_store_counts_now(self->store).commits_durable;
        if (write(report_fd, &durable, sizeof durable) < 0)
            _exit(1);
        if (done % 16 == 0)
            usleep(500);
    }
}

static void a_killed_process_leaves_a_state_that_was_committed(void **state)
{
    (void)state;
    enum { ROUNDS = 6 };
    uint64_t furthest = 0;
    for (unsigned round = 0; round < ROUNDS; round++) {
        world *self = world_new(100 + round);
        int fds[2];
        assert_int_equal(pipe(fds), 0);
        fflush(stdout);
        pid_t child = fork();
        if (child == 0)
            commit_until_killed(self, fds[1]);
        close(fds[1]);
        uint64_t durable = 0, got, end = alto_monotonic_ms() + 60 + 50 * round + test_random_below(&self->random, 40);
        bool too_early = round == ROUNDS - 1 && furthest == 0; /* for what is durable to be lost */
        while ((alto_monotonic_ms() < end || (too_early && durable == 0)) &&
               read(fds[0], &got, sizeof got) == (ssize_t)sizeof got)
            durable = got;
        kill(child, SIGKILL);
        waitpid(child, NULL, 0);
        while (read(fds[0], &got, sizeof got) == (ssize_t)sizeof got)
            durable = got;
        close(fds[0]);
        alto_store *store = open_store();
        alto_pool *pool = alto_pool_new();
        alto_stored_state loaded;
        alto_hash root;
        assert_int_equal(alto_store_load(store, pool, &loaded), ALTO_OK);
        uint64_t seq = loaded.has_statement ? seq_of(&loaded, &root) : 0;
        print_message("  killed with %llu durable, found %llu\n", (unsigned long long)durable, (unsigned long long)seq);
        assert_true(seq >= durable);
        furthest = durable > furthest ? durable : furthest;
        if (seq) {
            alto_hash catalog_root = alto_state_root(loaded.catalog);
            assert_memory_equal(&root, &catalog_root, sizeof root);
            assert_whole(&loaded);
        }
        alto_stored_state_fini(&loaded);
        alto_pool_destroy(&pool);
        alto_store_close(&store);
        world_destroy(&self);
        assert_int_equal(nftw(directory, remove_one, 8, FTW_DEPTH | FTW_PHYS), 0);
        assert_int_equal(mkdir(directory, 0700), 0);
    }
    assert_true(furthest > 0);
    assert_int_equal(lines, 0);
}

static void a_commit_does_not_wait_while_a_big_snapshot_is_written(void **state)
{
    (void)state;
    world *self = world_new(16);
    self->store = open_store();
    atomic_store(&disk_stands, true);
    commit(self, 1, cost_map(self, 400), WITH_DELTA);
    while (!atomic_load(&disk_is_waited_for))
        usleep(1000);
    for (int i = 0; i < 200; i++) {
        alto_edit edit = {.key = alto_slice_text("pid000001"), .value = {.cost = i}};
        alto_version *next =
            test_version_row(self->pool, alto_version_retain(self->versions[1]), "pid000002", &edit, 1);
        commit(self, 1, next, WITH_DELTA);
        assert_int_equal(alto_store_counts_now(self->store).commits_durable, 0);
    }
    atomic_store(&disk_stands, false);
    wait_until_durable(self->store);
    assert_int_equal(alto_store_counts_now(self->store).commits_durable, 201);
    assert_true(alto_store_counts_now(self->store).bytes_written > 400 * 400 * 4);
    alto_store_close(&self->store);
    self->store = open_store();
    assert_int_equal(check_store(self, self->store), self->seq);
    alto_store_close(&self->store);
    world_destroy(&self);
}

static void a_full_disk_is_survived_and_the_newest_state_written_later(void **state)
{
    (void)state;
    if (mount("none", directory, "tmpfs", 0, "size=6m,mode=0700") != 0) {
        print_message("  skipped: cannot mount a small file system here\n");
        skip();
    }
    world *self = world_new(17);
    self->store = open_store();
    for (int i = 0; i < 20; i++)
        commit_at_random(self);
    wait_until_durable(self->store);
    static char filler[64 << 10];
    char path[128];
    snprintf(path, sizeof path, "%s/filler", directory);
    int fd = open(path, O_WRONLY | O_CREAT, 0600);
    while (write(fd, filler, sizeof filler) > 0)
        ;
    commit(self, 1, cost_map(self, 200), WITH_DELTA);
    uint64_t end = alto_monotonic_ms() + 20000;
    while (alto_store_counts_now(self->store).failures == 0 && alto_monotonic_ms() < end)
        usleep(1000);
    assert_true(alto_store_counts_now(self->store).failures > 0);
    assert_non_null(strstr(last_line, "disk is full"));
    for (int i = 0; i < 300; i++)
        commit_at_random(self);
    assert_in_range(alto_store_counts_now(self->store).commits_queued, 1, 100);
    assert_int_equal(lines, 1);
    assert_int_equal(ftruncate(fd, 0), 0);
    close(fd);
    wait_until_durable(self->store);
    for (end = alto_monotonic_ms() + 20000;
         lines < 2 && alto_monotonic_ms() < end;) /* what is durable is told of later */
        usleep(1000);
    assert_int_equal(lines, 2);
    assert_non_null(strstr(last_line, "event=store-recovered"));
    for (int i = 0; i < 20; i++)
        commit_at_random(self);
    alto_store_close(&self->store);
    self->store = open_store();
    assert_int_equal(check_store(self, self->store), self->seq);
    alto_store_close(&self->store);
    world_destroy(&self);
    assert_int_equal(umount(directory), 0);
}

static void a_disk_that_is_full_from_the_start_is_told_at_once(void **state)
{
    (void)state;
    if (mount("none", directory, "tmpfs", 0, "size=8k,mode=0700") != 0) {
        print_message("  skipped: cannot mount a small file system here\n");
        skip();
    }
    alto_error error;
    assert_int_equal(try_open(directory, &origin, &error), ALTO_IO);
    print_message("  %s\n", error.why);
    assert_non_null(strstr(error.why, "disk is full"));
    assert_int_equal(umount(directory), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(an_empty_directory_gives_an_empty_state, setup, teardown),
        cmocka_unit_test_setup_teardown(what_was_committed_is_there_after_closing_and_opening, setup, teardown),
        cmocka_unit_test_setup_teardown(texts_that_the_entry_implies_come_back_with_the_delta, setup, teardown),
        cmocka_unit_test_setup_teardown(the_newest_manifest_is_kept, setup, teardown),
        cmocka_unit_test_setup_teardown(a_chain_number_is_never_given_twice, setup, teardown),
        cmocka_unit_test_setup_teardown(a_directory_that_cannot_be_used_is_refused_with_what_to_do, setup, teardown),
        cmocka_unit_test_setup_teardown(a_damaged_chain_number_is_not_believed, setup, teardown),
        cmocka_unit_test_setup_teardown(a_newer_format_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(damage_is_not_taken_for_another_owner, setup, teardown),
        cmocka_unit_test_setup_teardown(a_damaged_file_is_put_aside_and_begun_anew, setup, teardown),
        cmocka_unit_test_setup_teardown(a_read_only_directory_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(a_long_log_is_replaced_by_a_snapshot, setup, teardown),
        cmocka_unit_test_setup_teardown(the_versions_that_the_log_leads_through_come_back, setup, teardown),
        cmocka_unit_test_setup_teardown(a_damaged_resource_is_dropped_alone_and_written_whole_with_its_next_change,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(a_statement_that_does_not_fit_the_catalog_is_not_believed, setup, teardown),
        cmocka_unit_test_setup_teardown(a_killed_process_leaves_a_state_that_was_committed, setup, teardown),
        cmocka_unit_test_setup_teardown(a_commit_does_not_wait_while_a_big_snapshot_is_written, setup, teardown),
        cmocka_unit_test_setup_teardown(a_full_disk_is_survived_and_the_newest_state_written_later, setup, teardown),
        cmocka_unit_test_setup_teardown(a_disk_that_is_full_from_the_start_is_told_at_once, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
