/* SPDX-License-Identifier: Apache-2.0 */
/* What operators write: files with a secret, CURVE certificates and lists of peers, command lines. A secret is the first line of its
 * file; keys survive being written; a list is in order and each of it is found; a command line is refused or understood in bounds.
 *
 * Longest input: 1024. Dictionary: config. */
#include "fuzz.h"
#include "io/curve_files.h"
#include "io/keyring.h"
#include "io/options.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- files ---- */

typedef struct {
    int fd;
    char path[40];
} file;

static file make_file(alto_slice content)
{
    file self = {.fd = memfd_create("config", MFD_CLOEXEC)};
    fuzz_check(self.fd >= 0 && write(self.fd, content.data, content.size) == (ssize_t)content.size);
    fuzz_check(fchmod(self.fd, S_IRUSR | S_IWUSR) == 0);
    snprintf(self.path, sizeof self.path, "/proc/self/fd/%d", self.fd);
    return self;
}

static void check_refusal(alto_status status, const alto_error *error)
{
    if (status != ALTO_OK)
        fuzz_check(error->status == status && error->why[0]);
}

static void check_secret(alto_slice content)
{
    file from = make_file(content);
    alto_buffer secret = alto_buffer_make(ALTO_SECRET_MAX);
    alto_error error = {.status = ALTO_OK};
    alto_status status = alto_keyring_read_secret(from.path, &secret, &error);
    check_refusal(status, &error);
    fuzz_check(status == ALTO_OK || status == ALTO_CONFIG || status == ALTO_TOO_LARGE);
    if (status == ALTO_OK) {
        const char *text = fuzz_text(content), *read = (const char *)secret.data;
        size_t size = strcspn(text, "\r\n");
        fuzz_check(size > 0 && strlen(read) == size && memcmp(read, text, size) == 0);
    }
    alto_buffer_fini(&secret);
    close(from.fd);
}

static void check_certificate(alto_slice content)
{
    file from = make_file(content);
    alto_curve_key key = {{0}}, again;
    alto_curve_pair *pair = NULL;
    alto_error error = {.status = ALTO_OK};
    char text[ALTO_CURVE_KEY_TEXT];
    alto_status status = alto_curve_files_public(from.path, &key, &error);
    check_refusal(status, &error);
    if (status == ALTO_OK) {
        alto_z85_write(key.bytes, text);
        fuzz_check(alto_z85_read(alto_slice_text(text), again.bytes));
        fuzz_check(memcmp(&key, &again, sizeof key) == 0);
        fuzz_check(memmem(content.data, content.size, text, strlen(text)));
    }
    alto_status pair_status = alto_curve_files_pair(from.path, &pair, &error);
    check_refusal(pair_status, &error);
    if (pair_status == ALTO_OK)
        fuzz_check(status == ALTO_OK && memcmp(alto_curve_pair_public(pair), &key, sizeof key) == 0);
    alto_curve_pair_destroy(&pair);
    close(from.fd);
}

static void check_peers(alto_slice content)
{
    file from = make_file(content);
    alto_curve_peers peers;
    alto_error error = {.status = ALTO_OK};
    alto_status status = alto_curve_files_peers(from.path, &peers, &error);
    check_refusal(status, &error);
    fuzz_check(status == ALTO_OK || (peers.count == 0 && !peers.items));
    for (size_t i = 0; i < peers.count; i++) {
        const alto_curve_peer *peer = &peers.items[i], *found = alto_curve_peers_find(&peers, &peer->key);
        fuzz_check(memchr(peer->name, 0, sizeof peer->name) && peer->name[0]);
        fuzz_check(i == 0 || memcmp(&peer[-1].key, &peer->key, sizeof peer->key) <= 0);
        fuzz_check(found && memcmp(&found->key, &peer->key, sizeof peer->key) == 0);
    }
    alto_curve_peers_fini(&peers);
    close(from.fd);
}

/* ---- command lines ---- */

static jmp_buf left; /* where a program that ends goes on */
static bool may_leave;

/* NOLINTBEGIN(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp): the linker's names */
_Noreturn void __real_exit(int code);
_Noreturn void __wrap_exit(int code);
_Noreturn void __wrap_exit(int code)
{
    if (may_leave)
        longjmp(left, 1 + code); /* NOLINT(cert-err52-cpp) */
    __real_exit(code);
}
/* NOLINTEND(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp) */

enum { WORDS = 12, GROUPS = 2, NUMBER_MIN = 5, NUMBER_MAX = 500 };

typedef struct {
    const char *name, *text;
    uint64_t number;
} group;

typedef struct {
    bool flag;
    const char *text;
    alto_list list;
    uint64_t number;
    group items[GROUPS + 1];
    alto_groups groups;
} settings;

static void count_path(void *context, const char *path)
{
    fuzz_check(path);
    (*(size_t *)context)++;
}

static void check_settings(const settings *found, const alto_option *table)
{
    size_t paths = 0;
    fuzz_check(found->number >= NUMBER_MIN && found->number <= NUMBER_MAX);
    fuzz_check(found->list.count <= ALTO_LIST_MAX && found->groups.count <= GROUPS);
    for (size_t i = 0; i < found->list.count; i++)
        fuzz_check(found->list.items[i]);
    for (size_t i = 1; i <= found->groups.count; i++)
        fuzz_check(found->items[i].name && found->items[i].number <= NUMBER_MAX);
    alto_options_each_path(table, count_path, &paths);
    fuzz_check(paths <= 2 * WORDS);
}

/* Parse, and say whether that came back. */
static bool comes_back(int argc, char **argv, const alto_option *table, int *operands)
{
    FILE *out = stdout, *err = stderr, *nowhere = fopen("/dev/null", "we");
    fuzz_check(nowhere);
    stdout = stderr = nowhere; /* help and refusals */
    may_leave = true;
    bool back = setjmp(left) == 0; /* NOLINT(cert-err52-cpp) */
    if (back)
        alto_options_parse(argc, argv, table, "[options]", "about", operands);
    may_leave = false;
    stdout = out;
    stderr = err;
    fclose(nowhere);
    return back;
}

static void check_command_line(alto_reader *in)
{
    static settings found; /* not in registers: it is looked at after a longjmp */
    found = (settings){.number = NUMBER_MIN,
                       .groups = {.items = found.items, .size = sizeof found.items[0], .most = GROUPS}};
    const alto_option table[] = {
        {"flag", ALTO_OPTION_FLAG, &found.flag, NULL, "flag", false, 0, 0},
        {"text", ALTO_OPTION_TEXT, &found.text, "FILE", "text", false, 0, 0},
        {"list", ALTO_OPTION_LIST, &found.list, "URL", "list", false, 0, 0},
        {"number", ALTO_OPTION_NUMBER, &found.number, "MS", "number", false, NUMBER_MIN, NUMBER_MAX},
        {"origin", ALTO_OPTION_GROUP, &found.groups, "NAME", "group", false, 0, 0},
        {"group-text", ALTO_OPTION_TEXT, &found.items[0].text, "DIR", "text", false, 0, 0},
        {"group-number", ALTO_OPTION_NUMBER, &found.items[0].number, "N", "number", false, 0, NUMBER_MAX},
        {0}};
    char *argv[WORDS + 2] = {(char *)(uintptr_t) "program"};
    int argc = 1, operands = 0;
    while (argc <= WORDS && alto_reader_left(in) > 0)
        argv[argc++] = (char *)(uintptr_t)fuzz_text(fuzz_part(in));
    if (comes_back(argc, argv, table, &operands)) {
        fuzz_check(operands >= 0 && operands < argc);
        check_settings(&found, table);
    }
}

void fuzz_one(alto_slice input)
{
    alto_reader in = alto_reader_make(input);
    switch (fuzz_below(&in, 4)) {
    case 0:
        check_secret(fuzz_rest(&in));
        break;
    case 1:
        check_certificate(fuzz_rest(&in));
        break;
    case 2:
        check_peers(fuzz_rest(&in));
        break;
    default:
        check_command_line(&in);
    }
}
