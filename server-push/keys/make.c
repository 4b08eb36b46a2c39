/* SPDX-License-Identifier: Apache-2.0 */
/* alto-keys init, new-key: what makes private keys. */
#include "commands.h"

#include <stdio.h>
#include <string.h>

static int tell_made(const char *directory, const alto_manifest *manifest, uint64_t days)
{
    print_hex("origin ", manifest->origin.bytes, sizeof manifest->origin.bytes, "\n\n");
    printf("%s/root.pem      the root key: needed only to renew. Keep it, and a copy of it, offline\n"
           "%s/root.pub.pem  for everybody who follows this origin (--root-key)\n"
           "%s/signing.pem   the online key, good until %s: for alto-server-push\n"
           "%s/manifest      says that the online key signs for this origin; for alto-server-push\n\n"
           "next:       alto-server-push --keys %s --maps DIR --state DIR ...\n"
           "in %llu days: alto-keys renew --keys %s\n",
           directory, directory, directory, date_of(manifest->not_after_ms), directory, directory,
           (unsigned long long)(days > 7 ? days - 7 : days), directory);
    return finish();
}

static int tell_shared(const char *directory, const alto_manifest *manifest)
{
    alto_draft_name draft = alto_keyring_draft_name(manifest);
    print_hex("origin ", manifest->origin.bytes, sizeof manifest->origin.bytes, "\n\n");
    printf("%s/root.pub.pem  for everybody who follows this origin (--root-key)\n"
           "%s/signing.pem   the online key, good until %s: for alto-server-push\n"
           "%s/%s: to be signed by %u of %zu root keys, each where it is:\n\n"
           "    alto-keys sign --root ROOT.pem %s\n\n"
           "and then:  alto-keys combine --keys %s %s.*\n",
           directory, directory, date_of(manifest->not_after_ms), directory, draft.text, manifest->threshold,
           manifest->root_count, draft.text, directory, draft.text);
    return finish();
}

static int make_shared(const char *directory, const alto_list *roots, uint64_t threshold, uint64_t days)
{
    alto_public_key keys[ALTO_MAX_KEYS];
    alto_manifest manifest;
    alto_error error;
    size_t count;
    if (read_public_keys(roots->items, roots->count, keys, &count, &error) != ALTO_OK ||
        alto_keyring_make_shared(directory, (unsigned)threshold, keys, count, alto_clock_ms(), days, &manifest,
                                 &error) != ALTO_OK)
        return complain(&error);
    return tell_shared(directory, &manifest);
}

int run_init(int argc, char **argv)
{
    const char *directory = NULL;
    uint64_t days = DEFAULT_DAYS, threshold = 0;
    alto_list roots = {0};
    const alto_option options[] = {
        {"out", ALTO_OPTION_TEXT, &directory, "DIR", .help = "directory for the files; made when absent",
         .required = true},
        {"days", ALTO_OPTION_NUMBER, &days, "N", .help = "how long the online key is good (90)", .min = 1,
         .max = MAX_DAYS},
        {"root", ALTO_OPTION_LIST, &roots, "FILE",
         .help = "public half of a root key that somebody holds (alto-keys new-key); may be repeated. Then no root key "
                 "is made here"},
        {"threshold", ALTO_OPTION_NUMBER, &threshold, "K",
         .help = "how many of these root keys have to sign; needed with --root", .min = 1, .max = ALTO_MAX_KEYS},
        {0},
    };
    if (!parse_alone(argc, argv, options, "--out DIR [--days N] [--root FILE... --threshold K]",
                     "Make the keys of a new origin: root.pem, root.pub.pem, signing.pem, manifest.\n"
                     "Existing files are never overwritten."))
        return EXIT_USAGE;
    if ((roots.count > 0) != (threshold > 0))
        return misused(argv[0], "--root and --threshold go together");
    if (roots.count)
        return make_shared(directory, &roots, threshold, days);
    alto_manifest manifest;
    alto_error error;
    if (alto_keyring_make(directory, alto_clock_ms(), days, &manifest, &error) != ALTO_OK)
        return complain(&error);
    return tell_made(directory, &manifest, days);
}

int run_new_key(int argc, char **argv)
{
    const char *file = NULL;
    const alto_option options[] = {
        {"out", ALTO_OPTION_TEXT, &file, "NAME.pem",
         .help = "file for the private half; the public half becomes NAME.pub.pem", .required = true},
        {0},
    };
    if (!parse_alone(argc, argv, options, "--out NAME.pem",
                     "Make one key, root or online, where it is to be held: only its public half has to leave."))
        return EXIT_USAGE;
    size_t length = strlen(file);
    if (length < 5 || length > 4000 || strcmp(file + length - 4, ".pem") != 0)
        return misused(argv[0], "--out needs a name that ends in .pem");
    char public_file[4096];
    snprintf(public_file, sizeof public_file, "%.*s.pub.pem", (int)(length - 4), file);
    alto_public_key key;
    alto_error error;
    if (alto_keyring_new_key(file, public_file, &key, &error) != ALTO_OK)
        return complain(&error);
    print_key("key ", &key, "\n");
    printf("%s: the private half, which stays here\n%s: the public half, for others\n", file, public_file);
    return finish();
}
