/* SPDX-License-Identifier: Apache-2.0 */
/* A state directory whose file was damaged, byte by byte or record by record: what is read from it is whole and of the roots that its
 * catalog and its statement name, or it is not there; and the directory can be used from then on.
 *
 * Longest input: 256. */
#include "io/store_book.h"

#include "core/delta.h"
#include "core/mapjson.h"
#include "io/log.h"
#include "io/store_disk.h"
#include "versions_made.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PAGE = 4096, LARGEST = 1 << 20, RECORDS = 64, STEPS = 4 };

static const alto_origin origin = {{1, 2, 3}};
static char directory[64], path[96], damaged_path[96];
static uint8_t good[LARGEST]; /* the file as it was written */
static size_t good_size;

/* ---- a directory with some steps ---- */

static void be_quiet(void *context, alto_log_level level, const char *line)
{
    (void)context, (void)level, (void)line;
}

static void remove_directory(void)
{
    char lock[96];
    snprintf(lock, sizeof lock, "%s/lock", directory);
    unlink(path);
    unlink(damaged_path);
    unlink(lock);
    rmdir(directory);
}

static void make_directory(void)
{
    struct stat info;
    snprintf(directory, sizeof directory, "%s/altocast-fuzz-store-XXXXXX",
             stat("/dev/shm", &info) == 0 ? "/dev/shm" : "/tmp");
    fuzz_check(mkdtemp(directory));
    snprintf(path, sizeof path, "%s/data.mdb", directory);
    snprintf(damaged_path, sizeof damaged_path, "%s/data.mdb.damaged", directory);
    atexit(remove_directory);
}

static alto_book *open_book(void)
{
    alto_book *book = NULL;
    alto_error error = {.status = ALTO_OK};
    alto_status status = alto_book_open(directory, &origin, &book, &error);
    fuzz_check(status == ALTO_OK || (!book && error.status == status && error.why[0]));
    fuzz_check(status == ALTO_OK || status == ALTO_CONFIG || status == ALTO_IO);
    return book;
}

static alto_tree *catalog_of(alto_pool *pool, alto_slice key, const alto_version *version)
{
    alto_entry entry = {.kind = alto_version_kind(version),
                        .root = *alto_version_root(version),
                        .rows = alto_version_rows(version),
                        .items = alto_version_items(version)};
    alto_buffer value = alto_buffer_make(ALTO_MAX_CATALOG);
    alto_tree *catalog = NULL;
    snprintf(entry.media_type, sizeof entry.media_type, "%s", alto_kind_media_type(entry.kind));
    fuzz_check(alto_entry_encode(&entry, &value) == ALTO_OK);
    alto_edit edit = {.key = key, .value = {.text = alto_buffer_slice(&value)}};
    fuzz_check(alto_tree_edit(pool, ALTO_VALUE_TEXT, NULL, &edit, 1, &catalog) == ALTO_OK);
    alto_buffer_fini(&value);
    return catalog;
}

static void write_step(alto_book *book, alto_pool *pool, uint64_t seq, const alto_version *before,
                       const alto_version *after)
{
    static const alto_resource_name name = {.id = {(const uint8_t *)"net", 3}, .input = {NULL, 0}};
    alto_buffer key = alto_buffer_make(64), file = alto_buffer_make(ALTO_MAX_STATEMENT),
                delta = alto_buffer_make(ALTO_MAX_PAYLOAD);
    alto_catalog_key(&name, &key);
    alto_tree *catalog = catalog_of(pool, alto_buffer_slice(&key), after);
    alto_statement head = {.type = ALTO_HEAD,
                           .origin = origin,
                           .manifest_epoch = 1,
                           .manifest_version = 1,
                           .position = {.epoch = 1, .chain = 1, .seq = seq},
                           .state_root = alto_state_root(catalog),
                           .issued_at_ms = 1000,
                           .valid_for_s = 1000,
                           .interval_ms = 1000};
    fuzz_check(alto_statement_encode(&head, &file) == ALTO_OK);
    memset(alto_buffer_grow(&file, ALTO_SIGNATURE_SIZE), 0, ALTO_SIGNATURE_SIZE);
    alto_stored_change change = {.catalog_key = alto_buffer_slice(&key), .version = after};
    if (before) {
        fuzz_check(alto_delta_encode(before, after, NULL, &delta, NULL) == ALTO_OK);
        change.has_from = true;
        change.from_root = *alto_version_root(before);
        change.delta = alto_buffer_slice(&delta);
    }
    alto_step step = {.has_statement = true,
                      .statement = alto_buffer_slice(&file),
                      .catalog = catalog,
                      .count = 1,
                      .changes = &change};
    fuzz_check(alto_book_write(book, &step) == ALTO_OK);
    alto_tree_release(catalog);
    alto_buffer_fini(&key);
    alto_buffer_fini(&file);
    alto_buffer_fini(&delta);
}

static alto_version *step_version(alto_pool *pool, unsigned octet)
{
    char text[200];
    alto_version *made = NULL;
    snprintf(text, sizeof text, "{\"network-map\":{\"A\":{\"ipv4\":[\"192.0.%u.0/24\"]},\"B\":{\"ipv6\":[\"::/0\"]}}}",
             octet);
    fuzz_check(alto_map_read(pool, alto_slice_text(text), NULL, NULL, &made, NULL) == ALTO_OK);
    return made;
}

static void read_good_file(void)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t size = read(fd, good, sizeof good);
    fuzz_check(fd >= 0 && size > 0 && size < LARGEST);
    good_size = (size_t)size;
    close(fd);
}

static void prepare(void)
{
    if (good_size > 0)
        return;
    alto_log_set_sink(be_quiet, NULL);
    make_directory();
    alto_pool *pool = alto_pool_new();
    alto_book *book = open_book();
    alto_version *before = NULL;
    uint64_t chain;
    fuzz_check(pool && book && alto_book_next_chain(book, 1000, &chain) == ALTO_OK);
    for (unsigned i = 1; i <= STEPS; i++) {
        alto_version *after = step_version(pool, i);
        write_step(book, pool, i, before, after);
        alto_version_release(before);
        before = after;
    }
    alto_version_release(before);
    alto_book_close(&book);
    alto_pool_destroy(&pool);
    read_good_file();
}

/* ---- damage ---- */

static void write_file(const uint8_t *bytes, size_t size)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, S_IRUSR | S_IWUSR);
    fuzz_check(fd >= 0 && write(fd, bytes, size) == (ssize_t)size);
    close(fd);
    unlink(damaged_path);
}

static void damage_bytes(alto_reader *in)
{
    static uint8_t bytes[LARGEST];
    size_t size = good_size;
    memcpy(bytes, good, size);
    for (unsigned count = fuzz_below(in, 12); count > 0; count--) {
        size_t page = fuzz_below(in, (unsigned)(good_size / PAGE));
        size_t at = fuzz_flag(in) ? fuzz_below(in, PAGE) : fuzz_below(in, 64);
        bytes[page * PAGE + at] = alto_reader_u8(in);
    }
    if (fuzz_below(in, 16) == 15)
        size = fuzz_below(in, 65536) * 16u % (good_size + 1);
    write_file(bytes, size);
}

typedef struct {
    alto_slice keys[RECORDS], values[RECORDS];
    size_t count;
} records;

static bool keep_record(void *context, alto_slice key, alto_slice value)
{
    records *self = context;
    alto_reader key_copy = alto_reader_make(key), value_copy = alto_reader_make(value);
    self->keys[self->count] = fuzz_rest(&key_copy);
    self->values[self->count] = fuzz_rest(&value_copy);
    return ++self->count < RECORDS;
}

static alto_slice damaged(alto_reader *in, alto_slice value)
{
    for (unsigned count = 1 + fuzz_below(in, 3); count > 0 && value.size > 0; count--)
        ((uint8_t *)(uintptr_t)value.data)[fuzz_below(in, 512) % value.size] = alto_reader_u8(in);
    return value;
}

static void damage_record(alto_reader *in, alto_disk *disk)
{
    alto_disk_table table = (alto_disk_table)fuzz_below(in, ALTO_DISK_TABLES);
    records all = {.count = 0};
    alto_disk_walk(disk, table, (alto_slice){NULL, 0}, keep_record, &all);
    if (all.count == 0)
        return;
    size_t which = fuzz_below(in, RECORDS) % all.count;
    alto_slice part;
    switch (fuzz_below(in, 5)) {
    case 0:
        alto_disk_delete(disk, table, all.keys[which]);
        break;
    case 1:
        alto_disk_put(disk, table, all.keys[which], fuzz_part(in));
        break;
    case 2:
        part = all.values[which];
        part.size = part.size * fuzz_below(in, 8) / 8;
        alto_disk_put(disk, table, all.keys[which], part);
        break;
    case 3:
        part = damaged(in, all.keys[which]);
        alto_disk_put(disk, table, part, all.values[which]);
        break;
    default:
        alto_disk_put(disk, table, all.keys[which], damaged(in, all.values[which]));
    }
}

static void damage_records(alto_reader *in)
{
    alto_disk *disk = NULL;
    alto_error error;
    write_file(good, good_size);
    fuzz_check(alto_disk_open(directory, &disk, &error) == ALTO_OK && alto_disk_begin(disk, true) == ALTO_OK);
    for (unsigned count = 1 + fuzz_below(in, 4); count > 0; count--)
        damage_record(in, disk);
    fuzz_check(alto_disk_end(disk) == ALTO_OK);
    alto_disk_close(&disk);
}

/* ---- what is read ---- */

static void check_state(const alto_stored_state *state)
{
    alto_slice object;
    alto_signature signature;
    alto_statement statement;
    if (!state->has_statement)
        return;
    fuzz_check(alto_signed_split(alto_buffer_slice(&state->statement), &object, &signature) == ALTO_OK);
    fuzz_check(alto_statement_decode(object, &statement) == ALTO_OK);
    alto_hash root = alto_state_root(state->catalog);
    fuzz_check(alto_hash_equal(&root, &statement.state_root));
    fuzz_check(alto_position_compare(&statement.position, &state->position) == 0);
    alto_statement_fini(&statement);
    for (size_t i = 0; i < state->count; i++) {
        alto_value listed;
        alto_entry entry;
        fuzz_check(alto_tree_find(state->catalog, state->resources[i].catalog_key, &listed));
        fuzz_check(alto_entry_decode(listed.text, &entry) == ALTO_OK);
        fuzz_check(alto_hash_equal(alto_version_root(state->resources[i].version), &entry.root));
    }
}

/* It was opened: it is read, and then used. */
static void check_book(alto_book *book)
{
    alto_pool *pool = alto_pool_new();
    alto_stored_state state;
    uint64_t chain = 0, next = 0;
    fuzz_check(pool);
    if (alto_book_load(book, pool, &state) == ALTO_OK) {
        check_state(&state);
        alto_stored_state_fini(&state);
    }
    if (alto_book_next_chain(book, 1000, &chain) == ALTO_OK && alto_book_next_chain(book, 1000, &next) == ALTO_OK)
        fuzz_check(chain >= 1000 && next > chain);
    alto_pool_destroy(&pool);
}

void fuzz_one(alto_slice input)
{
    prepare();
    alto_reader in = alto_reader_make(input);
    if (fuzz_flag(&in))
        damage_records(&in);
    else
        damage_bytes(&in);
    for (unsigned times = 0; times < 2; times++) {
        alto_book *book = open_book();
        if (book)
            check_book(book);
        alto_book_close(&book);
    }
}
