/* SPDX-License-Identifier: Apache-2.0 */
/* A real directory and a real loop: what is written, renamed, removed and damaged there, and what is said of it. */
#include "cmocka_all.h"
#include "source_dir.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { QUIET_MS = 20, MAX_QUIET_MS = 300, PATIENCE_MS = 6000, MAX_NAMES = 256, TEXT = 64 };

typedef struct {
    char name[256], text[TEXT]; /* as reported last; "" when removed */
    size_t size;
    unsigned changed, removed, unreadable;
} seen;

typedef struct {
    char root[64], path[80]; /* the directory that is watched is root/maps */
    alto_loop *loop;
    source_dir *source;
    alto_timer *timeout;
    bool timed_out;
    seen seen[MAX_NAMES];
    size_t count;
    unsigned changed, removed, unreadable, settled;
    const char *again; /* to be reported anew when something is removed */
} fixture;

static seen *seen_of(fixture *self, const char *name)
{
    for (size_t i = 0; i < self->count; i++)
        if (strcmp(self->seen[i].name, name) == 0)
            return &self->seen[i];
    assert_true(self->count < MAX_NAMES);
    seen *added = &self->seen[self->count++];
    snprintf(added->name, sizeof added->name, "%s", name);
    return added;
}

static alto_status on_changed(void *context, const char *name, const char *media_type, alto_slice text)
{
    fixture *self = context;
    seen *at = seen_of(self, name);
    self->changed++;
    at->changed++;
    at->size = text.size;
    snprintf(at->text, sizeof at->text, "%.*s", (int)text.size, (const char *)text.data);
    assert_null(media_type);
    return ALTO_OK;
}

static void on_removed(void *context, const char *name)
{
    fixture *self = context;
    self->removed++;
    seen_of(self, name)->removed++;
    seen_of(self, name)->text[0] = 0;
    if (self->again)
        source_dir_again(self->source, self->again);
}

static void on_unreadable(void *context, const char *name, const alto_error *error)
{
    fixture *self = context;
    assert_int_equal(error->status, ALTO_IO);
    assert_true(strlen(error->why) > 0);
    self->unreadable++;
    seen_of(self, name)->unreadable++;
}

static void on_settled(void *context)
{
    ((fixture *)context)->settled++;
}

static void on_timeout(void *context)
{
    ((fixture *)context)->timed_out = true;
}

static const source_events events = {
    .changed = on_changed, .removed = on_removed, .unreadable = on_unreadable, .settled = on_settled};

static int set_up(void **state)
{
    fixture *self = calloc(1, sizeof *self);
    const char *base = getenv("TMPDIR");
    snprintf(self->root, sizeof self->root, "%.40s/alto-maps-XXXXXX", base ? base : P_tmpdir);
    assert_non_null(mkdtemp(self->root));
    snprintf(self->path, sizeof self->path, "%s/maps", self->root);
    assert_int_equal(mkdir(self->path, 0700), 0);
    self->loop = alto_loop_new();
    self->timeout = alto_timer_new(self->loop, on_timeout, self);
    *state = self;
    return 0;
}

static int tear_down(void **state)
{
    fixture *self = *state;
    char command[200];
    source_dir_destroy(&self->source);
    alto_timer_destroy(&self->timeout);
    alto_loop_destroy(&self->loop);
    snprintf(command, sizeof command, "rm -rf '%s'", self->root);
    assert_int_equal(system(command), 0);
    free(self);
    return 0;
}

/* ---- in the directory ---- */

static void path_of(const fixture *self, const char *entry, char path[400])
{
    snprintf(path, 400, "%s/%s", self->path, entry);
}

static FILE *open_entry(fixture *self, const char *entry, const char *mode)
{
    char path[400];
    path_of(self, entry, path);
    FILE *file = fopen(path, mode);
    assert_non_null(file);
    return file;
}

static void write_entry(fixture *self, const char *entry, const char *text)
{
    FILE *file = open_entry(self, entry, "w");
    fputs(text, file);
    assert_int_equal(fclose(file), 0);
}

static void rename_entry(fixture *self, const char *from, const char *to)
{
    char old[400], new[400];
    path_of(self, from, old);
    path_of(self, to, new);
    assert_int_equal(rename(old, new), 0);
}

static void remove_entry(fixture *self, const char *entry)
{
    char path[400];
    path_of(self, entry, path);
    assert_int_equal(remove(path), 0);
}

/* ---- in the loop ---- */

static void start(fixture *self)
{
    alto_error error = {.status = ALTO_OK};
    source_events with = events;
    with.context = self;
    assert_int_equal(source_dir_new(self->loop, self->path, QUIET_MS, MAX_QUIET_MS, &with, &self->source, &error),
                     ALTO_OK);
}

/* Run until *counter has reached `wanted`; fails after PATIENCE_MS. */
static void run_until(fixture *self, const unsigned *counter, unsigned wanted)
{
    self->timed_out = false;
    alto_timer_arm(self->timeout, PATIENCE_MS);
    while (*counter < wanted && !self->timed_out)
        assert_int_equal(alto_loop_step(self->loop, -1), ALTO_OK);
    alto_timer_disarm(self->timeout);
    assert_true(*counter >= wanted);
}

static void run_for(fixture *self, uint64_t ms)
{
    self->timed_out = false;
    alto_timer_arm(self->timeout, ms);
    while (!self->timed_out)
        assert_int_equal(alto_loop_step(self->loop, -1), ALTO_OK);
}

/* Run until the next report is complete. */
static void settle(fixture *self)
{
    run_until(self, &self->settled, self->settled + 1);
}

static void start_and_settle(fixture *self)
{
    start(self);
    settle(self);
}

/* ---- tests ---- */

static void the_first_look_reads_what_is_there(void **state)
{
    fixture *self = *state;
    write_entry(self, "a.json", "A");
    write_entry(self, "b.c.json", "");
    write_entry(self, ".hidden.json", "x");
    write_entry(self, ".json", "x");
    write_entry(self, "b.txt", "x");
    write_entry(self, "b.json.tmp", "x");
    write_entry(self, "c.JSON", "x");
    start_and_settle(self);
    assert_int_equal(self->changed, 2);
    assert_string_equal(seen_of(self, "a")->text, "A");
    assert_int_equal(seen_of(self, "b.c")->changed, 1);
    assert_int_equal(seen_of(self, "b.c")->size, 0);
    assert_int_equal(self->removed + self->unreadable, 0);
}

static void an_empty_directory_is_settled_too(void **state)
{
    fixture *self = *state;
    start_and_settle(self);
    assert_int_equal(self->changed, 0);
    write_entry(self, "a.json", "A");
    settle(self);
    assert_string_equal(seen_of(self, "a")->text, "A");
}

static void a_directory_that_is_none_is_an_error_that_says_so(void **state)
{
    fixture *self = *state;
    alto_error error;
    source_dir *made = NULL;
    char path[400];
    path_of(self, "none", path);
    assert_int_equal(source_dir_new(self->loop, path, 1, 1, &events, &made, &error), ALTO_IO);
    assert_non_null(strstr(error.why, "--maps"));
    write_entry(self, "a.json", "A");
    path_of(self, "a.json", path);
    assert_int_equal(source_dir_new(self->loop, path, 1, 1, &events, &made, &error), ALTO_IO);
    assert_null(made);
}

static void a_rename_into_place_is_one_change(void **state)
{
    fixture *self = *state;
    write_entry(self, "a.json", "old");
    start_and_settle(self);
    write_entry(self, ".a.json.new", "new");
    rename_entry(self, ".a.json.new", "a.json");
    settle(self);
    assert_string_equal(seen_of(self, "a")->text, "new");
    assert_int_equal(seen_of(self, "a")->changed, 2);
    rename_entry(self, "a.json", "b.json");
    settle(self);
    assert_int_equal(seen_of(self, "a")->removed, 1);
    assert_string_equal(seen_of(self, "b")->text, "new");
}

static void a_file_being_written_is_read_when_its_writer_is_done(void **state)
{
    fixture *self = *state;
    write_entry(self, "a.json", "before");
    start_and_settle(self);
    FILE *file = open_entry(self, "a.json", "w");
    fputs("first half,", file);
    fflush(file);
    write_entry(self, "other.json", "x"); /* makes it look around meanwhile */
    settle(self);
    assert_int_equal(seen_of(self, "other")->changed, 1);
    assert_string_equal(seen_of(self, "a")->text, "before");
    fputs(" second half", file);
    fclose(file);
    settle(self);
    assert_string_equal(seen_of(self, "a")->text, "first half, second half");
    assert_int_equal(seen_of(self, "a")->changed, 2);
}

static void deletions_are_told_once(void **state)
{
    fixture *self = *state;
    write_entry(self, "a.json", "A");
    write_entry(self, "b.json", "B");
    start_and_settle(self);
    remove_entry(self, "a.json");
    settle(self);
    assert_int_equal(seen_of(self, "a")->removed, 1);
    assert_int_equal(self->removed, 1);
    write_entry(self, "a.json", "again");
    settle(self);
    assert_string_equal(seen_of(self, "a")->text, "again");
}

static void what_was_never_read_is_not_removed(void **state)
{
    fixture *self = *state;
    start_and_settle(self);
    FILE *file = open_entry(self, "a.json", "w");
    write_entry(self, "b.json", "B");
    settle(self);
    remove_entry(self, "a.json");
    settle(self);
    fclose(file);
    assert_int_equal(self->removed, 0);
}

static void a_burst_of_two_hundred_files_is_one_report(void **state)
{
    fixture *self = *state;
    char entry[40], text[40];
    start_and_settle(self);
    unsigned settled = self->settled;
    for (unsigned i = 0; i < 200; i++) {
        snprintf(entry, sizeof entry, "map-%03u.json", i);
        snprintf(text, sizeof text, "text %u", i);
        write_entry(self, entry, text);
    }
    run_until(self, &self->changed, 200);
    run_until(self, &self->settled, settled + 1);
    assert_true(self->settled <= settled + 2);
    for (unsigned i = 0; i < 200; i++) {
        snprintf(entry, sizeof entry, "map-%03u", i);
        snprintf(text, sizeof text, "text %u", i);
        assert_string_equal(seen_of(self, entry)->text, text);
    }
    for (unsigned i = 0; i < 200; i += 2) {
        snprintf(entry, sizeof entry, "map-%03u.json", i);
        remove_entry(self, entry);
    }
    run_until(self, &self->removed, 100);
    assert_int_equal(self->changed, 200);
}

static void one_who_never_stops_writing_is_read_all_the_same(void **state)
{
    fixture *self = *state;
    start_and_settle(self);
    uint64_t begin = alto_monotonic_ms(), written = begin, pause = 0;
    char text[40];
    for (unsigned i = 0; self->changed == 0; i++) {
        snprintf(text, sizeof text, "%u", i);
        write_entry(self, "a.json", text);
        uint64_t now = alto_monotonic_ms();
        pause = now - written > pause ? now - written : pause;
        written = now;
        alto_loop_step(self->loop, QUIET_MS / 4);
        assert_true(alto_monotonic_ms() - begin < PATIENCE_MS);
    }
    if (pause < QUIET_MS) /* else it did stop, on a machine that is busy with something else */
        assert_true(alto_monotonic_ms() - begin >= MAX_QUIET_MS - QUIET_MS);
}

static void a_directory_that_was_replaced_is_found_again(void **state)
{
    fixture *self = *state;
    char command[400];
    write_entry(self, "a.json", "A");
    write_entry(self, "b.json", "B");
    start_and_settle(self);
    snprintf(command, sizeof command, "mv '%s' '%s/old'", self->path, self->root);
    assert_int_equal(system(command), 0);
    run_for(self, 3 * QUIET_MS);
    assert_int_equal(self->removed, 0); /* a directory that is not there says nothing */
    assert_int_equal(mkdir(self->path, 0700), 0);
    write_entry(self, "a.json", "other");
    run_until(self, &self->removed, 1);
    run_until(self, &seen_of(self, "a")->changed, 2);
    assert_int_equal(seen_of(self, "b")->removed, 1);
    assert_string_equal(seen_of(self, "a")->text, "other");
    unsigned settled = self->settled;
    run_for(self, 5 * QUIET_MS);
    assert_int_equal(self->settled, settled); /* quiet again */
    write_entry(self, "c.json", "C");
    uint64_t begin = alto_monotonic_ms();
    run_until(self, &seen_of(self, "c")->changed, 1);
    assert_true(alto_monotonic_ms() - begin < 1000); /* told, not found by looking */
}

static void a_directory_that_was_deleted_and_made_anew_is_watched_again(void **state)
{
    fixture *self = *state;
    char command[200];
    write_entry(self, "a.json", "A");
    start_and_settle(self);
    snprintf(command, sizeof command, "rm -r '%s' && mkdir '%s'", self->path, self->path);
    assert_int_equal(system(command), 0);
    write_entry(self, "b.json", "B");
    run_until(self, &seen_of(self, "b")->changed, 1);
    run_until(self, &self->removed, 1);
    write_entry(self, "b.json", "B2");
    uint64_t begin = alto_monotonic_ms();
    run_until(self, &seen_of(self, "b")->changed, 2);
    assert_true(alto_monotonic_ms() - begin < 1000);
}

static void a_symbolic_link_that_is_turned_to_another_directory_is_followed(void **state)
{
    fixture *self = *state;
    char first[100], second[100];
    snprintf(first, sizeof first, "%s/first", self->root);
    snprintf(second, sizeof second, "%s/second", self->root);
    assert_int_equal(rename(self->path, first) | mkdir(second, 0700) | symlink(first, self->path), 0);
    write_entry(self, "a.json", "1");
    start_and_settle(self);
    assert_int_equal(unlink(self->path) | symlink(second, self->path), 0);
    write_entry(self, "a.json", "2");
    run_until(self, &seen_of(self, "a")->changed, 2);
    run_until(self, &self->settled, 2);
    run_for(self, 5 * QUIET_MS);
    assert_int_equal(self->settled, 2); /* what the old one says last stirs nothing up */
    write_entry(self, "a.json", "3");
    uint64_t begin = alto_monotonic_ms();
    run_until(self, &seen_of(self, "a")->changed, 3);
    assert_true(alto_monotonic_ms() - begin < 1000);
}

static void what_cannot_be_read_is_told_once_and_read_when_it_can(void **state)
{
    fixture *self = *state;
    char path[400];
    path_of(self, "dir.json", path);
    assert_int_equal(mkdir(path, 0700), 0);
    path_of(self, "pipe.json", path);
    assert_int_equal(mkfifo(path, 0600), 0);
    write_entry(self, "secret.json", "S");
    path_of(self, "secret.json", path);
    assert_int_equal(chmod(path, 0), 0);
    bool root = geteuid() == 0; /* root reads everything */
    start_and_settle(self);
    assert_int_equal(self->unreadable, root ? 2 : 3);
    for (int i = 0; i < 3; i++) {
        write_entry(self, "a.json", i & 1 ? "A" : "B");
        settle(self);
    }
    assert_int_equal(self->unreadable, root ? 2 : 3);
    assert_int_equal(self->removed, 0);
    if (!root) {
        assert_int_equal(chmod(path, 0600), 0);
        run_until(self, &seen_of(self, "secret")->changed, 1);
    }
    path_of(self, "dangling.json", path);
    assert_int_equal(symlink("nowhere", path), 0);
    write_entry(self, "a.json", "C");
    settle(self);
    assert_int_equal(seen_of(self, "dangling")->unreadable, 0);
}

static void a_document_can_be_asked_for_again(void **state)
{
    fixture *self = *state;
    write_entry(self, "a.json", "A");
    write_entry(self, "b.json", "B");
    start_and_settle(self);
    source_dir_again(self->source, "b");
    source_dir_again(self->source, "no such document");
    settle(self);
    assert_int_equal(seen_of(self, "b")->changed, 2);
    assert_int_equal(seen_of(self, "a")->changed, 1);
    self->again = "b"; /* from inside of `removed`: in the same report */
    remove_entry(self, "a.json");
    unsigned settled = self->settled;
    run_until(self, &seen_of(self, "b")->changed, 3);
    assert_true(self->settled <= settled + 1);
}

static void changes_that_inotify_does_not_tell_are_found_by_looking(void **state)
{
    fixture *self = *state;
    char path[400], outside[100];
    snprintf(outside, sizeof outside, "%s/outside.json", self->root);
    FILE *file = fopen(outside, "w");
    assert_non_null(file);
    fputs("one", file);
    fclose(file);
    path_of(self, "a.json", path);
    assert_int_equal(symlink(outside, path), 0);
    start_and_settle(self);
    assert_string_equal(seen_of(self, "a")->text, "one");
    file = fopen(outside, "w");
    assert_non_null(file);
    fputs("two", file);
    fclose(file);
    run_until(self, &seen_of(self, "a")->changed, 2);
    assert_string_equal(seen_of(self, "a")->text, "two");
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        T(the_first_look_reads_what_is_there),
        T(an_empty_directory_is_settled_too),
        T(a_directory_that_is_none_is_an_error_that_says_so),
        T(a_rename_into_place_is_one_change),
        T(a_file_being_written_is_read_when_its_writer_is_done),
        T(deletions_are_told_once),
        T(what_was_never_read_is_not_removed),
        T(a_burst_of_two_hundred_files_is_one_report),
        T(one_who_never_stops_writing_is_read_all_the_same),
        T(a_directory_that_was_replaced_is_found_again),
        T(a_directory_that_was_deleted_and_made_anew_is_watched_again),
        T(a_symbolic_link_that_is_turned_to_another_directory_is_followed),
        T(what_cannot_be_read_is_told_once_and_read_when_it_can),
        T(a_document_can_be_asked_for_again),
        T(changes_that_inotify_does_not_tell_are_found_by_looking),
    };
#undef T
    return cmocka_run_group_tests(tests, NULL, NULL);
}
