/* SPDX-License-Identifier: Apache-2.0 */
/* alto-keys: makes, shows and renews the keys of an origin. */
#include "curve.h"
#include "io/keyring.h"
#include "io/options.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

enum { EXIT_USAGE = 2, DEFAULT_DAYS = 90, MAX_DAYS = 3650, FILE_ROOM = 65536 };

#define DAY_MS (UINT64_C(24) * 60 * 60 * 1000)

static uint64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

typedef struct {
    char text[32];
} date;

static date date_of(uint64_t time_ms)
{
    date made = {"a time beyond the calendar"};
    time_t seconds = (time_t)(time_ms / 1000);
    struct tm parts;
    if (gmtime_r(&seconds, &parts))
        strftime(made.text, sizeof made.text, "%Y-%m-%d %H:%M UTC", &parts);
    return made;
}

static int complain(const alto_error *error)
{
    fprintf(stderr, "alto-keys: %s: %s\n", error->where, error->why);
    return EXIT_FAILURE;
}

/* What was printed must have arrived: a full disk behind a redirection is an error. */
static int finish(void)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return EXIT_SUCCESS;
    perror("alto-keys: standard output");
    return EXIT_FAILURE;
}

static void print_hex(const char *before, const void *data, size_t size, const char *after)
{
    char hex[2 * ALTO_HASH_SIZE + 1];
    alto_hex(hex, data, size);
    printf("%s%s%s", before, hex, after);
}

static void print_key(const char *what, const alto_public_key *key, const char *after)
{
    alto_key_id id = alto_key_id_of(key);
    print_hex(what, id.bytes, sizeof id.bytes, after);
}

static void print_anchor(const alto_anchor *anchor)
{
    print_hex("origin     ", anchor->origin.bytes, sizeof anchor->origin.bytes, "\n");
    printf("threshold  %u of %zu\n", anchor->threshold, anchor->root_count);
    for (size_t i = 0; i < anchor->root_count; i++)
        print_key("root key   ", &anchor->roots[i], "\n");
}

/* How long something is still good, in words. */
static void print_left(uint64_t until_ms, uint64_t now)
{
    if (until_ms <= now)
        printf(", EXPIRED\n");
    else
        printf(", %llu days left\n", (unsigned long long)((until_ms - now) / DAY_MS));
}

static void print_manifest(const alto_manifest *manifest, uint64_t now)
{
    printf("manifest   %u.%u, issued %s, good until %s", manifest->epoch, manifest->version,
           date_of(manifest->issued_at_ms).text, date_of(manifest->not_after_ms).text);
    print_left(manifest->not_after_ms, now);
    for (size_t i = 0; i < manifest->online_count; i++) {
        const alto_online_key *online = &manifest->online[i];
        print_key("online key ", &online->key, "");
        printf(", from %s until %s", date_of(online->not_before_ms).text, date_of(online->not_after_ms).text);
        print_left(online->not_after_ms, now);
    }
}

/* ---- init ---- */

static int run_init(int argc, char **argv)
{
    const char *directory = NULL;
    uint64_t days = DEFAULT_DAYS;
    int operands;
    const alto_option options[] = {
        {.name = "out",
         .type = ALTO_OPTION_TEXT,
         .target = &directory,
         .value = "DIR",
         .required = true,
         .help = "directory for the four files; made when absent"},
        {.name = "days",
         .type = ALTO_OPTION_NUMBER,
         .target = &days,
         .value = "N",
         .min = 1,
         .max = MAX_DAYS,
         .help = "how long the online key is good (90)"},
        {0},
    };
    alto_options_parse(argc, argv, options, "--out DIR [--days N]",
                       "Make the keys of a new origin: root.pem, root.pub.pem, signing.pem, manifest.\n"
                       "Existing files are never overwritten.",
                       &operands);
    if (operands > 0) {
        fprintf(stderr, "alto-keys init: '%s' is not expected; see alto-keys init --help\n", argv[1]);
        return EXIT_USAGE;
    }
    alto_manifest manifest;
    alto_error error;
    if (alto_keyring_make(directory, now_ms(), days, &manifest, &error) != ALTO_OK)
        return complain(&error);
    print_hex("origin ", manifest.origin.bytes, sizeof manifest.origin.bytes, "\n\n");
    printf("%s/root.pem      the root key: needed only to renew. Keep it, and a copy of it, offline\n"
           "%s/root.pub.pem  for everybody who follows this origin (--root-key)\n"
           "%s/signing.pem   the online key, good until %s: for alto-server-push\n"
           "%s/manifest      says that the online key signs for this origin; for alto-server-push\n\n"
           "next:       alto-server-push --keys %s --maps DIR --state DIR ...\n"
           "in %llu days: alto-keys renew --keys %s\n",
           directory, directory, directory, date_of(manifest.not_after_ms).text, directory, directory,
           (unsigned long long)(days > 7 ? days - 7 : days), directory);
    return finish();
}

/* ---- show ---- */

static int show_directory(const char *directory)
{
    alto_anchor anchor;
    alto_manifest manifest;
    alto_error error;
    uint64_t now = now_ms();
    if (alto_keyring_read_anchor(directory, ALTO_KEYRING_ANCHOR, &anchor, &error) != ALTO_OK)
        return complain(&error);
    alto_status status = alto_keyring_read_manifest(directory, &anchor, now, &manifest, &error);
    print_anchor(&anchor);
    if (status == ALTO_OK || status == ALTO_EXPIRED || status == ALTO_FUTURE)
        print_manifest(&manifest, now);
    if (status != ALTO_OK) {
        finish();
        return complain(&error);
    }
    return finish();
}

static int show_private_key(const char *file)
{
    alto_signing_key *key = NULL;
    alto_error error;
    if (alto_keyring_read_key(NULL, file, &key, &error) != ALTO_OK)
        return complain(&error);
    alto_public_key public_half = alto_signing_key_public(key);
    alto_signing_key_destroy(&key);
    print_key("private key ", &public_half, "\n");
    print_hex("public half ", public_half.bytes, sizeof public_half.bytes, "\n");
    return finish();
}

static int show_anchor(const char *file)
{
    alto_anchor anchor;
    alto_error error;
    if (alto_keyring_read_anchor(NULL, file, &anchor, &error) != ALTO_OK)
        return complain(&error);
    print_anchor(&anchor);
    return finish();
}

static int show_manifest(const char *path, alto_slice file)
{
    alto_slice object, signers;
    alto_manifest manifest;
    alto_error error;
    alto_status status = alto_manifest_split(file, &object, &signers);
    if (status == ALTO_OK)
        status = alto_manifest_decode(object, &manifest);
    if (status != ALTO_OK) {
        alto_fail(&error, status, path, "is neither a key in PEM nor a manifest");
        return complain(&error);
    }
    print_hex("origin     ", manifest.origin.bytes, sizeof manifest.origin.bytes, "\n");
    print_manifest(&manifest, now_ms());
    printf("signatures not checked: show the directory that has root.pub.pem too\n");
    return finish();
}

static bool contains(alto_slice text, const char *part)
{
    return text.size > 0 && memmem(text.data, text.size, part, strlen(part));
}

static int show_file(const char *path)
{
    alto_buffer content = alto_buffer_make(FILE_ROOM);
    alto_error error;
    int result;
    alto_status status = alto_keyring_read(NULL, path, &content, &error);
    alto_slice text = alto_buffer_slice(&content);
    if (status != ALTO_OK)
        result = complain(&error);
    else if (contains(text, "PRIVATE KEY-----"))
        result = show_private_key(path);
    else if (contains(text, "-----BEGIN "))
        result = show_anchor(path);
    else
        result = show_manifest(path, text);
    if (content.data)
        alto_wipe(content.data, content.capacity);
    alto_buffer_fini(&content);
    return result;
}

static int run_show(int argc, char **argv)
{
    int operands;
    const alto_option none[] = {{0}};
    alto_options_parse(argc, argv, none, "DIR|FILE",
                       "Show what is in a key directory, a PEM file or a manifest: origin, key IDs, validity.",
                       &operands);
    if (operands != 1) {
        fprintf(stderr, "alto-keys show: needs one directory or file; see alto-keys show --help\n");
        return EXIT_USAGE;
    }
    struct stat about;
    bool is_directory = stat(argv[1], &about) == 0 && S_ISDIR(about.st_mode);
    return is_directory ? show_directory(argv[1]) : show_file(argv[1]);
}

/* ---- renew ---- */

static int run_renew(int argc, char **argv)
{
    const char *directory = NULL;
    uint64_t days = DEFAULT_DAYS;
    bool raise_epoch = false;
    int operands;
    const alto_option options[] = {
        {.name = "keys",
         .type = ALTO_OPTION_TEXT,
         .target = &directory,
         .value = "DIR",
         .required = true,
         .help = "directory with root.pem, root.pub.pem and manifest"},
        {.name = "days",
         .type = ALTO_OPTION_NUMBER,
         .target = &days,
         .value = "N",
         .min = 1,
         .max = MAX_DAYS,
         .help = "how long the online key is good from now (90)"},
        {.name = "raise-epoch",
         .type = ALTO_OPTION_FLAG,
         .target = &raise_epoch,
         .help = "begin an epoch above all that was ever signed, after the online key was stolen or signed far ahead; "
                 "where signing.pem is absent, a new one is made"},
        {0},
    };
    alto_options_parse(argc, argv, options, "--keys DIR [--days N] [--raise-epoch]",
                       "Sign a new version of the manifest, in which the online key is good for longer.", &operands);
    if (operands > 0) {
        fprintf(stderr, "alto-keys renew: '%s' is not expected; see alto-keys renew --help\n", argv[1]);
        return EXIT_USAGE;
    }
    alto_manifest manifest;
    alto_error error;
    alto_status status = raise_epoch ? alto_keyring_raise_epoch(directory, now_ms(), days, &manifest, &error)
                                     : alto_keyring_renew(directory, now_ms(), days, &manifest, &error);
    if (status != ALTO_OK)
        return complain(&error);
    print_manifest(&manifest, now_ms());
    printf("\n%s/manifest is new: put it%s into the --keys directory of alto-server-push%s\n", directory,
           raise_epoch ? " and signing.pem" : "", raise_epoch ? ", and start that again" : "");
    return finish();
}

/* ---- commands ---- */

static const struct {
    char *name;
    int (*run)(int argc, char **argv);
} commands[] = {{"alto-keys init", run_init},
                {"alto-keys show", run_show},
                {"alto-keys renew", run_renew},
                {"alto-keys curve", run_curve}};

int main(int argc, char **argv)
{
    const alto_option none[] = {{0}};
    const char *word = argc > 1 ? argv[1] : "";
    if (alto_crypto_init() != ALTO_OK) {
        fprintf(stderr, "alto-keys: the system gives no random numbers\n");
        return EXIT_FAILURE;
    }
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
        if (strcmp(word, strrchr(commands[i].name, ' ') + 1) == 0) {
            argv[1] = commands[i].name; /* the name that help and errors begin with */
            return commands[i].run(argc - 1, argv + 1);
        }
    int operands;
    alto_options_parse(argc, argv, none, "init|show|renew|curve ...",
                       "Make (init), show or renew the keys of an origin, or make one for encrypted push (curve);\n"
                       "alto-keys COMMAND --help tells more.",
                       &operands);
    fprintf(stderr, "alto-keys: %s%s%s; see alto-keys --help\n", operands ? "unknown command '" : "needs a command",
            operands ? argv[1] : "", operands ? "'" : "");
    return EXIT_USAGE;
}
