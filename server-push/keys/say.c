/* SPDX-License-Identifier: Apache-2.0 */
#include "commands.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

const char *date_of(uint64_t time_ms)
{
    static char text[32];
    time_t seconds = (time_t)(time_ms / 1000);
    struct tm parts;
    if (!gmtime_r(&seconds, &parts) || !strftime(text, sizeof text, "%Y-%m-%d %H:%M UTC", &parts))
        snprintf(text, sizeof text, "beyond the calendar");
    return text;
}

int complain(const alto_error *error)
{
    fprintf(stderr, "alto-keys: %s: %s\n", error->where, error->why);
    return EXIT_FAILURE;
}

int misused(const char *command, const char *why)
{
    fprintf(stderr, "%s: %s; see %s --help\n", command, why, command);
    return EXIT_USAGE;
}

bool parse_alone(int argc, char **argv, const alto_option *options, const char *usage, const char *about)
{
    int operands;
    alto_options_parse(argc, argv, options, usage, about, &operands);
    if (operands > 0)
        misused(argv[0], "no other words are expected");
    return operands == 0;
}

int finish(void)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return EXIT_SUCCESS;
    perror("alto-keys: standard output");
    return EXIT_FAILURE;
}

void print_hex(const char *before, const void *data, size_t size, const char *after)
{
    char hex[2 * ALTO_HASH_SIZE + 1];
    alto_hex(hex, data, size);
    printf("%s%s%s", before, hex, after);
}

void print_key(const char *what, const alto_public_key *key, const char *after)
{
    alto_key_id id = alto_key_id_of(key);
    print_hex(what, id.bytes, sizeof id.bytes, after);
}

/* of: what there are so many of, in words. */
static void print_roots(unsigned threshold, const alto_public_key *roots, size_t count, const char *of)
{
    printf("threshold  %u of %zu%s\n", threshold, count, of);
    for (size_t i = 0; i < count; i++)
        print_key("root key   ", &roots[i], "\n");
}

void print_anchor(const alto_anchor *anchor)
{
    print_hex("origin     ", anchor->origin.bytes, sizeof anchor->origin.bytes, "\n");
    print_roots(anchor->threshold, anchor->roots, anchor->root_count, "");
}

/* How long something is still good, in words. */
static void print_left(uint64_t until_ms, uint64_t now)
{
    static const char *const words[] = {"", " - RENEW SOON", " - RENEW NOW", ""};
    if (until_ms <= now)
        printf(", EXPIRED\n");
    else
        printf(", %llu days left%s\n", (unsigned long long)((until_ms - now) / ALTO_DAY_MS),
               words[alto_key_urgency(until_ms, now)]);
}

/* A key that gives way to another one need not be renewed. */
static bool is_last(const alto_manifest *manifest, const alto_online_key *key)
{
    for (size_t i = 0; i < manifest->online_count; i++)
        if (manifest->online[i].not_after_ms > key->not_after_ms)
            return false;
    return true;
}

static void print_online_key(const alto_manifest *manifest, const alto_online_key *online, uint64_t now)
{
    print_key("online key ", &online->key, "");
    printf(", from %s", date_of(online->not_before_ms));
    printf(" until %s", date_of(online->not_after_ms));
    if (online->not_before_ms > now)
        printf(", not yet in use\n");
    else if (is_last(manifest, online))
        print_left(online->not_after_ms, now);
    else
        printf(online->not_after_ms <= now ? ", retired\n" : ", to be retired\n");
}

void print_manifest(const alto_manifest *manifest, uint64_t now)
{
    printf("manifest   %u.%u, issued %s", manifest->epoch, manifest->version, date_of(manifest->issued_at_ms));
    printf(", good until %s", date_of(manifest->not_after_ms));
    print_left(manifest->not_after_ms, now);
    for (size_t i = 0; i < manifest->online_count; i++)
        print_online_key(manifest, &manifest->online[i], now);
}

alto_status read_public_keys(const char *const *files, size_t count, alto_public_key keys[ALTO_MAX_KEYS], size_t *found,
                             alto_error *error)
{
    alto_status status = ALTO_OK;
    *found = 0;
    for (size_t i = 0; i < count && status == ALTO_OK; i++) {
        alto_buffer pem = alto_buffer_make(65536);
        size_t added = 0;
        status = alto_keyring_read(NULL, files[i], &pem, error);
        if (status == ALTO_OK) {
            status = alto_public_keys_from_pem(alto_buffer_slice(&pem), keys + *found, ALTO_MAX_KEYS - *found, &added);
            if (status != ALTO_OK)
                alto_fail(error, status, files[i], "is no public key in PEM, or one too many");
        }
        *found += added;
        alto_buffer_fini(&pem);
    }
    return status;
}

void print_whole_manifest(const alto_manifest *manifest)
{
    print_hex("origin     ", manifest->origin.bytes, sizeof manifest->origin.bytes, "\n");
    print_roots(manifest->threshold, manifest->roots, manifest->root_count, " root keys");
    print_manifest(manifest, alto_clock_ms());
}
