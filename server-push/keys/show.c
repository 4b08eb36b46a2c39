/* SPDX-License-Identifier: Apache-2.0 */
/* alto-keys show. */
#include "commands.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { FILE_ROOM = 65536 };

/* Root keys that came after those of the anchor. */
static void print_root_sets(const alto_roots *roots)
{
    if (roots->count == 0)
        return;
    printf("root keys  changed %zu times, last by manifest %u.%u; since then %u of %zu:\n", roots->count, roots->epoch,
           roots->version, roots->reached.threshold, roots->reached.root_count);
    for (size_t i = 0; i < roots->reached.root_count; i++)
        print_key("root key   ", &roots->reached.roots[i], "\n");
}

static int show_directory(const char *directory)
{
    alto_anchor anchor;
    alto_roots roots = {.count = 0};
    alto_manifest manifest;
    alto_error error;
    uint64_t now = alto_clock_ms();
    alto_status status = alto_keyring_read_roots(directory, now, &anchor, &roots, &error);
    if (status == ALTO_OK) {
        print_anchor(&anchor);
        status = alto_keyring_read_manifest(directory, &roots.reached, now, &manifest, &error);
        print_root_sets(&roots);
        if (status == ALTO_OK || status == ALTO_EXPIRED || status == ALTO_FUTURE)
            print_manifest(&manifest, now);
    }
    alto_roots_fini(&roots);
    int printed = finish();
    return status == ALTO_OK ? printed : complain(&error);
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
    alto_manifest manifest;
    alto_error error;
    alto_status status = alto_manifest_decode(file, &manifest);
    bool is_draft = status == ALTO_OK;
    if (!is_draft)
        status = alto_manifest_read(file, &manifest);
    if (status != ALTO_OK) {
        alto_fail(&error, status, path, "is neither a key in PEM nor a manifest");
        return complain(&error);
    }
    print_whole_manifest(&manifest);
    printf(is_draft ? "a draft, not signed by anybody\n"
                    : "signatures not checked: show the directory that has root.pub.pem too\n");
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

int run_show(int argc, char **argv)
{
    int operands;
    const alto_option none[] = {{0}};
    alto_options_parse(argc, argv, none, "DIR|FILE",
                       "Show what is in a key directory, a PEM file or a manifest: origin, key IDs, validity.",
                       &operands);
    if (operands != 1)
        return misused(argv[0], "needs one directory or file");
    struct stat about;
    bool is_directory = stat(argv[1], &about) == 0 && S_ISDIR(about.st_mode);
    return is_directory ? show_directory(argv[1]) : show_file(argv[1]);
}
