/* SPDX-License-Identifier: Apache-2.0 */
#include "io/store_check.h"

#include "cmocka_all.h"
#include "io/log.h"
#include "io/store_disk.h"
#include "random.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LARGEST = 40000, SMALL = 3000, KEYS = 400, PAGE = 4096, MOST_LISTS = 16 };

static char directory[64], path[96];
static uint8_t noise[LARGEST];

static void be_quiet(void *context, alto_log_level level, const char *line)
{
    (void)context, (void)level, (void)line;
}

static int remove_one(const char *name, const struct stat *info, int type, struct FTW *place)
{
    (void)info, (void)type, (void)place;
    return remove(name);
}

static int setup(void **state)
{
    (void)state;
    alto_log_set_sink(be_quiet, NULL);
    snprintf(directory, sizeof directory, "/tmp/altocast-test-check-XXXXXX");
    if (!mkdtemp(directory))
        return -1;
    snprintf(path, sizeof path, "%s/data.mdb", directory);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    alto_log_set_sink(NULL, NULL);
    return nftw(directory, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static alto_disk *open_disk(void)
{
    alto_disk *disk = NULL;
    alto_error error;
    if (alto_disk_open(directory, &disk, &error) != ALTO_OK)
        fail_msg("%s: %s", error.where, error.why);
    return disk;
}

static alto_check_verdict verdict_now(void)
{
    alto_check_verdict verdict;
    assert_int_equal(alto_store_check(path, &verdict), 0);
    return verdict;
}

/* Keys are numbers below `keys`, so that many transactions meet the same ones. */
static void change_at_random(alto_disk *disk, test_random *random, uint64_t keys, size_t largest)
{
    const size_t sizes[] = {0, 8, 90, 600, largest};
    alto_disk_table table = (alto_disk_table)test_random_below(random, ALTO_DISK_TABLES);
    char name[16], last[16];
    uint64_t at = test_random_below(random, keys);
    snprintf(name, sizeof name, "key-%06u", (unsigned)at);
    uint64_t dice = test_random_below(random, 10);
    size_t most = sizes[test_random_below(random, countof(sizes))];
    if (dice == 0) {
        snprintf(last, sizeof last, "key-%06u", (unsigned)(at + test_random_below(random, keys / 4)));
        alto_disk_delete_range(disk, table, alto_slice_text(name), alto_slice_text(last));
    } else if (dice < 3) {
        alto_disk_delete(disk, table, alto_slice_text(name));
    } else {
        alto_disk_put(disk, table, alto_slice_text(name), alto_slice_of(noise, test_random_below(random, most + 1)));
    }
}

static void fill(alto_disk *disk, test_random *random, uint64_t keys, size_t largest, size_t changes)
{
    assert_int_equal(alto_disk_begin(disk, true), ALTO_OK);
    for (size_t i = 0; i < changes; i++)
        change_at_random(disk, random, keys, largest);
    assert_int_equal(alto_disk_end(disk), ALTO_OK);
}

/* The one thing that would be worse than no check: to drop what is good. */
static void every_file_that_was_written_is_sound(void **state)
{
    (void)state;
    static const struct {
        uint64_t keys;
        size_t transactions, changes;
    } cases[] = {{8, 300, 3}, {400, 300, 40}, {6000, 40, 2000}};
    for (size_t i = 0; i < countof(cases); i++) {
        test_random random = test_random_make(31 + i);
        alto_disk *disk = open_disk();
        assert_int_equal(verdict_now(), ALTO_CHECK_SOUND);
        for (size_t round = 0; round < cases[i].transactions; round++) {
            fill(disk, &random, cases[i].keys, LARGEST, 1 + test_random_below(&random, cases[i].changes));
            assert_int_equal(verdict_now(), ALTO_CHECK_SOUND);
        }
        alto_disk_close(&disk);
        assert_int_equal(verdict_now(), ALTO_CHECK_SOUND);
    }
}

static void an_absent_or_empty_file_is_sound(void **state)
{
    (void)state;
    assert_int_equal(verdict_now(), ALTO_CHECK_SOUND);
    close(open(path, O_WRONLY | O_CREAT, 0600));
    assert_int_equal(verdict_now(), ALTO_CHECK_SOUND);
}

/* ---- damage ---- */

static uint8_t *read_file(size_t *size)
{
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    assert_int_equal(fseek(file, 0, SEEK_END), 0);
    *size = (size_t)ftell(file);
    rewind(file);
    uint8_t *bytes = malloc(*size);
    assert_int_equal(fread(bytes, 1, *size, file), *size);
    fclose(file);
    return bytes;
}

static void write_file(const uint8_t *bytes, size_t size)
{
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    fclose(file);
}

typedef struct {
    uint64_t count, bytes;
} sum;

static bool add_up(void *context, alto_slice key, alto_slice value)
{
    sum *self = context;
    self->count++;
    for (size_t i = 0; i < key.size; i++)
        self->bytes += key.data[i];
    for (size_t i = 0; i < value.size; i++)
        self->bytes += value.data[i];
    return true;
}

/* Touch every byte that can be read. */
static sum read_all(alto_disk *disk)
{
    sum all = {0, 0};
    assert_int_equal(alto_disk_begin(disk, false), ALTO_OK);
    for (alto_disk_table table = ALTO_DISK_META; table < ALTO_DISK_TABLES; table++)
        alto_disk_walk(disk, table, alto_slice_text(""), add_up, &all);
    alto_disk_end(disk); /* keys and values may be wrong in themselves */
    return all;
}

/* Open, read everything, write over it: whatever the file holds, the process lives. */
static void live_with_it(test_random *random)
{
    alto_disk *disk = open_disk();
    read_all(disk);
    if (alto_disk_begin(disk, true) == ALTO_OK) {
        for (size_t i = 0; i < 30; i++)
            change_at_random(disk, random, KEYS, LARGEST);
        alto_disk_end(disk);
    }
    alto_disk_close(&disk);
}

/* Two transactions, the second one small. */
static uint8_t *a_file(test_random *random, size_t largest, size_t *size)
{
    for (size_t i = 0; i < sizeof noise; i++)
        noise[i] = (uint8_t)test_random_below(random, 256);
    alto_disk *disk = open_disk();
    fill(disk, random, KEYS, largest, 300);
    fill(disk, random, KEYS, largest, 30);
    alto_disk_close(&disk);
    return read_file(size);
}

static void a_file_cut_anywhere_is_lived_with(void **state)
{
    (void)state;
    size_t size, found[3] = {0};
    test_random random = test_random_make(77);
    uint8_t *bytes = a_file(&random, LARGEST, &size);
    for (size_t left = 0; left < size; left += left < 16384 ? 1021 : 20479) {
        write_file(bytes, left);
        found[verdict_now()]++;
        live_with_it(&random);
    }
    print_message("  %zu sound, %zu cut back, %zu damaged\n", found[0], found[1], found[2]);
    assert_true(found[ALTO_CHECK_DAMAGED] > 10);
    free(bytes);
}

/* A byte of some page that leads to others, mostly near its beginning. */
static size_t place_to_flip(test_random *random, const uint8_t *bytes, size_t size)
{
    size_t page;
    do
        page = test_random_below(random, size / PAGE) * PAGE;
    while (bytes[page + 10] == 4 || bytes[page + 11] != 0); /* a large value */
    return page + test_random_below(random, test_random_below(random, 2) ? 160 : PAGE);
}

static void a_flipped_bit_anywhere_is_lived_with(void **state)
{
    (void)state;
    size_t size, found[3] = {0};
    test_random random = test_random_make(78);
    uint8_t *bytes = a_file(&random, 200, &size);
    for (int i = 0; i < 800; i++) {
        size_t at = place_to_flip(&random, bytes, size);
        uint8_t bit = (uint8_t)(1u << test_random_below(&random, 8));
        bytes[at] ^= bit;
        write_file(bytes, size);
        found[verdict_now()]++;
        live_with_it(&random);
        bytes[at] ^= bit;
    }
    print_message("  %zu sound, %zu cut back, %zu damaged\n", found[0], found[1], found[2]);
    assert_true(found[ALTO_CHECK_CUT_BACK] > 10);
    free(bytes);
}

/* What the first transaction wrote is there again when the second one is torn, wherever that is. */
static void a_torn_transaction_leaves_the_one_before(void **state)
{
    (void)state;
    test_random random = test_random_make(79);
    size_t before_size, size;
    alto_disk *disk = open_disk();
    fill(disk, &random, KEYS, SMALL, 300);
    sum wanted = read_all(disk);
    uint8_t *before = read_file(&before_size);
    fill(disk, &random, KEYS, SMALL, 30);
    sum newer = read_all(disk);
    alto_disk_close(&disk);
    assert_int_not_equal(wanted.bytes, newer.bytes);
    uint8_t *bytes = read_file(&size);
    size_t torn = 0;
    for (size_t page = 0; page < size / PAGE; page++) {
        uint8_t *at = bytes + page * PAGE, kept[PAGE];
        bool old = page < before_size / PAGE;
        if (old && memcmp(at, before + page * PAGE, PAGE) == 0)
            continue;
        memcpy(kept, at, sizeof kept);
        memset(at, 0, sizeof kept);
        write_file(bytes, size);
        disk = open_disk();
        sum got = read_all(disk);
        alto_disk_close(&disk);
        assert_true(memcmp(&got, &wanted, sizeof got) == 0 || memcmp(&got, &newer, sizeof got) == 0);
        torn += memcmp(&got, &wanted, sizeof got) == 0;
        memcpy(at, kept, sizeof kept);
    }
    print_message("  %zu torn pages undone\n", torn);
    assert_true(torn >= 3);
    free(before);
    free(bytes);
}

/* Where in the file the keys of the newest lists of free pages are, all in one page; how many. */
static size_t find_free_lists(const uint8_t *bytes, size_t keys[MOST_LISTS])
{
    enum { TRANSACTION = 144, DEPTH = 46, ROOT = 80, HEADER = 16, LOWER = 12, NODE = 8 };
    uint64_t transactions[2], root;
    for (size_t i = 0; i < 2; i++)
        memcpy(&transactions[i], bytes + i * PAGE + TRANSACTION, sizeof transactions[i]);
    const uint8_t *meta = bytes + (transactions[1] > transactions[0]) * PAGE;
    assert_int_equal(meta[DEPTH], 1);
    memcpy(&root, meta + ROOT, sizeof root);
    uint16_t lower, at;
    memcpy(&lower, bytes + root * PAGE + LOWER, sizeof lower);
    size_t count = (lower - HEADER) / sizeof at;
    assert_in_range(count, 2, MOST_LISTS);
    for (size_t i = 0; i < count; i++) {
        memcpy(&at, bytes + root * PAGE + HEADER + i * sizeof at, sizeof at);
        keys[i] = root * PAGE + at + NODE;
    }
    return count;
}

/* A list that LMDB reads twice gives it the same pages twice, and it aborts. */
static void lists_of_free_pages_are_in_order(void **state)
{
    (void)state;
    size_t size, keys[MOST_LISTS];
    test_random random = test_random_make(80);
    uint8_t *bytes = a_file(&random, 200, &size);
    size_t count = find_free_lists(bytes, keys);
    assert_int_equal(verdict_now(), ALTO_CHECK_SOUND);
    for (size_t i = 0; i < count; i++) {
        uint64_t kept, wrong = 0;
        memcpy(&kept, bytes + keys[i], sizeof kept);
        if (i > 0)
            memcpy(&wrong, bytes + keys[i - 1], sizeof wrong);
        memcpy(bytes + keys[i], &wrong, sizeof wrong); /* no transaction, or one that was before */
        write_file(bytes, size);
        assert_int_not_equal(verdict_now(), ALTO_CHECK_SOUND);
        live_with_it(&random);
        memcpy(bytes + keys[i], &kept, sizeof kept);
    }
    free(bytes);
}

static void a_file_that_cannot_be_read_is_not_called_damaged(void **state)
{
    (void)state;
    alto_check_verdict verdict;
    assert_int_equal(mkdir(path, 0700), 0);
    assert_int_equal(alto_store_check(path, &verdict), EISDIR);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_file_that_was_written_is_sound, setup, teardown),
        cmocka_unit_test_setup_teardown(an_absent_or_empty_file_is_sound, setup, teardown),
        cmocka_unit_test_setup_teardown(a_file_cut_anywhere_is_lived_with, setup, teardown),
        cmocka_unit_test_setup_teardown(a_flipped_bit_anywhere_is_lived_with, setup, teardown),
        cmocka_unit_test_setup_teardown(a_torn_transaction_leaves_the_one_before, setup, teardown),
        cmocka_unit_test_setup_teardown(lists_of_free_pages_are_in_order, setup, teardown),
        cmocka_unit_test_setup_teardown(a_file_that_cannot_be_read_is_not_called_damaged, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
