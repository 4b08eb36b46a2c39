/* SPDX-License-Identifier: Apache-2.0 */
#include "io/curve_files.h"

#include "io/key_file.h"
#include "io/keyring.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

enum { CERTIFICATE_MAX = 16384, LIST_MAX = ALTO_CURVE_PEERS_MAX * 128, FOR_OTHERS = 077 };

static const char ending[] = ".key";

static bool is_blank(uint8_t byte)
{
    return byte == ' ' || byte == '\t' || byte == '\r';
}

static alto_slice trimmed(alto_slice text)
{
    while (text.size && is_blank(text.data[0]))
        text = alto_slice_of(text.data + 1, text.size - 1);
    while (text.size && is_blank(text.data[text.size - 1]))
        text.size--;
    return text;
}

/* Take the first line off *text; false: nothing is left. */
static bool next_line(alto_slice *text, alto_slice *line)
{
    if (text->size == 0)
        return false;
    const uint8_t *end = memchr(text->data, '\n', text->size);
    size_t size = end ? (size_t)(end - text->data) : text->size, taken = size + (end != NULL);
    *line = trimmed(alto_slice_of(text->data, size));
    *text = alto_slice_of(text->data + taken, text->size - taken);
    return true;
}

/* ---- certificates ---- */

/* The value of a line `name = "value"`, with or without quotes. */
static bool value_of(alto_slice line, const char *name, alto_slice *value)
{
    size_t size = strlen(name);
    if (line.size < size || memcmp(line.data, name, size) != 0)
        return false;
    alto_slice rest = trimmed(alto_slice_of(line.data + size, line.size - size));
    if (rest.size == 0 || rest.data[0] != '=')
        return false;
    rest = trimmed(alto_slice_of(rest.data + 1, rest.size - 1));
    if (rest.size >= 2 && rest.data[0] == '"' && rest.data[rest.size - 1] == '"')
        rest = alto_slice_of(rest.data + 1, rest.size - 2);
    *value = rest;
    return true;
}

/* The key of that name, once. */
static bool find_key(alto_slice text, const char *name, uint8_t key[ALTO_CURVE_KEY_SIZE])
{
    alto_slice line, value;
    while (next_line(&text, &line))
        if (value_of(line, name, &value))
            return alto_z85_read(value, key);
    return false;
}

alto_status alto_curve_files_public(const char *file, alto_curve_key *out, alto_error *error)
{
    alto_buffer text = alto_buffer_make(CERTIFICATE_MAX);
    alto_status status = alto_keyring_read(NULL, file, &text, error);
    if (status == ALTO_OK && !find_key(alto_buffer_slice(&text), "public-key", out->bytes))
        status = alto_fail(error, ALTO_CONFIG, file, "has no public-key of CURVE; make one with alto-keys curve");
    if (text.data)
        alto_wipe(text.data, text.capacity); /* it may be the secret one */
    alto_buffer_fini(&text);
    return status;
}

static alto_status pair_of(const char *file, alto_slice text, alto_curve_pair **out, alto_error *error)
{
    uint8_t secret[ALTO_CURVE_KEY_SIZE], told[ALTO_CURVE_KEY_SIZE];
    if (!find_key(text, "secret-key", secret) || !find_key(text, "public-key", told))
        return alto_fail(error, ALTO_CONFIG, file, "has no pair of CURVE keys; it is NAME.key_secret that is needed");
    alto_curve_pair *pair = alto_curve_pair_from_secret(secret);
    alto_wipe(secret, sizeof secret);
    if (!pair)
        return alto_fail(error, ALTO_NO_MEMORY, file, "memory cannot be locked");
    if (memcmp(alto_curve_pair_public(pair)->bytes, told, sizeof told) != 0) {
        alto_curve_pair_destroy(&pair);
        return alto_fail(error, ALTO_CONFIG, file, "its public-key is not that of its secret-key");
    }
    *out = pair;
    return ALTO_OK;
}

alto_status alto_curve_files_pair(const char *file, alto_curve_pair **out, alto_error *error)
{
    struct stat about;
    if (stat(file, &about) == 0 && (about.st_mode & FOR_OTHERS))
        return alto_fail(error, ALTO_CONFIG, file, "others may read this secret key; chmod 600 it");
    alto_buffer text = alto_buffer_make(CERTIFICATE_MAX);
    alto_status status = alto_keyring_read(NULL, file, &text, error);
    if (status == ALTO_OK)
        status = pair_of(file, alto_buffer_slice(&text), out, error);
    if (text.data)
        alto_wipe(text.data, text.capacity);
    alto_buffer_fini(&text);
    return status;
}

alto_status alto_curve_files_another_pair(const char *file, const alto_curve_pair *held, alto_curve_pair **out,
                                          alto_error *error)
{
    *out = NULL;
    alto_status status = alto_curve_files_pair(file, out, error);
    if (status == ALTO_OK &&
        memcmp(alto_curve_pair_public(*out), alto_curve_pair_public(held), sizeof(alto_curve_key)) == 0)
        alto_curve_pair_destroy(out);
    return status;
}

static void write_key(alto_buffer *out, const char *name, const uint8_t key[ALTO_CURVE_KEY_SIZE])
{
    char text[ALTO_CURVE_KEY_TEXT];
    alto_z85_write(key, text);
    alto_buffer_print(out, "    %s = \"%s\"\n", name, text);
    alto_wipe(text, sizeof text);
}

static alto_status make_file(const char *name, const char *suffix, const alto_curve_pair *pair, bool secret,
                             alto_error *error)
{
    char path[PATH_MAX];
    alto_buffer text = alto_buffer_make(CERTIFICATE_MAX);
    snprintf(path, sizeof path, "%s%s", name, suffix);
    alto_buffer_print(&text, "# ZeroMQ CURVE %s certificate, made by alto-keys\n%s\nmetadata\ncurve\n",
                      secret ? "secret" : "public",
                      secret ? "# For its owner alone." : "# For whoever is to let its owner in, or to connect to it.");
    write_key(&text, "public-key", alto_curve_pair_public(pair)->bytes);
    if (secret)
        write_key(&text, "secret-key", alto_curve_pair_secret(pair));
    alto_status status =
        text.status == ALTO_OK
            ? alto_key_file_new(path, secret ? ALTO_KEY_PRIVATE : ALTO_KEY_PUBLIC, alto_buffer_slice(&text), error)
            : alto_fail(error, text.status, path, "%s", alto_status_text(text.status));
    if (text.data)
        alto_wipe(text.data, text.capacity);
    alto_buffer_fini(&text);
    return status;
}

alto_status alto_curve_files_make(const char *name, alto_curve_key *public_half, alto_error *error)
{
    alto_curve_pair *pair = alto_curve_pair_new();
    if (!pair)
        return alto_fail(error, ALTO_NO_MEMORY, name, "memory cannot be locked");
    *public_half = *alto_curve_pair_public(pair);
    alto_status status = make_file(name, ".key_secret", pair, true, error);
    if (status == ALTO_OK)
        status = make_file(name, ending, pair, false, error);
    alto_curve_pair_destroy(&pair);
    return status;
}

/* ---- peers ---- */

static bool is_name(alto_slice name)
{
    static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.@";
    if (name.size == 0 || name.size >= ALTO_CURVE_NAME_SIZE || name.data[0] == '.')
        return false;
    for (size_t i = 0; i < name.size; i++)
        if (!memchr(allowed, name.data[i], sizeof allowed - 1))
            return false;
    return true;
}

static alto_status add_peer(alto_curve_peers *self, alto_slice name, const alto_curve_key *key, const char *where,
                            alto_error *error)
{
    if (self->count == ALTO_CURVE_PEERS_MAX)
        return alto_fail(error, ALTO_TOO_LARGE, where, "more than %d peers", ALTO_CURVE_PEERS_MAX);
    if ((self->count & (self->count - 1)) == 0) { /* room for the next power of two */
        size_t room = self->count ? 2 * self->count : 1;
        alto_curve_peer *items = realloc(self->items, room * sizeof *items);
        if (!items)
            return alto_fail(error, ALTO_NO_MEMORY, where, "out of memory");
        self->items = items;
    }
    alto_curve_peer *added = &self->items[self->count++];
    *added = (alto_curve_peer){.key = *key};
    memcpy(added->name, name.data, name.size);
    return ALTO_OK;
}

static alto_status read_lines(alto_curve_peers *self, alto_slice text, const char *path, alto_error *error)
{
    alto_slice line;
    alto_status status = ALTO_OK;
    for (unsigned number = 1; status == ALTO_OK && next_line(&text, &line); number++) {
        size_t size = 0;
        alto_curve_key key;
        if (line.size == 0 || line.data[0] == '#')
            continue;
        while (size < line.size && !is_blank(line.data[size]))
            size++;
        alto_slice name = alto_slice_of(line.data, size),
                   rest = trimmed(alto_slice_of(line.data + size, line.size - size));
        status = is_name(name) && alto_z85_read(rest, key.bytes)
                     ? add_peer(self, name, &key, path, error)
                     : alto_fail(error, ALTO_CONFIG, path, "line %u is not NAME KEY (40 characters of Z85)", number);
    }
    return status;
}

static alto_status read_list(alto_curve_peers *self, const char *path, alto_error *error)
{
    alto_buffer text = alto_buffer_make(LIST_MAX);
    alto_status status = alto_keyring_read(NULL, path, &text, error);
    if (status == ALTO_OK)
        status = read_lines(self, alto_buffer_slice(&text), path, error);
    alto_buffer_fini(&text);
    return status;
}

/* The NAME of NAME.key; false: another kind of file, or a hidden one. */
static bool name_of(const char *file, alto_slice *name)
{
    size_t length = strlen(file), tail = strlen(ending);
    if (file[0] == '.' || length <= tail || strcmp(file + length - tail, ending) != 0)
        return false;
    *name = alto_slice_of(file, length - tail);
    return true;
}

static alto_status read_certificate(alto_curve_peers *self, const char *directory, const char *file, alto_slice name,
                                    alto_error *error)
{
    char path[PATH_MAX];
    alto_curve_key key;
    snprintf(path, sizeof path, "%s/%s", directory, file);
    if (!is_name(name))
        return alto_fail(error, ALTO_CONFIG, path, "cannot be a peer's name: 1 to 63 of A-Z a-z 0-9 - _ . @");
    alto_status status = alto_curve_files_public(path, &key, error);
    return status == ALTO_OK ? add_peer(self, name, &key, path, error) : status;
}

static alto_status read_directory(alto_curve_peers *self, const char *path, DIR *directory, alto_error *error)
{
    alto_status status = ALTO_OK;
    struct dirent *entry;
    alto_slice name;
    while (status == ALTO_OK && (entry = readdir(directory)))
        if (name_of(entry->d_name, &name))
            status = read_certificate(self, path, entry->d_name, name, error);
    return status;
}

static int by_key(const void *a, const void *b)
{
    const alto_curve_peer *left = a, *right = b;
    return memcmp(left->key.bytes, right->key.bytes, sizeof left->key.bytes);
}

alto_status alto_curve_files_peers(const char *path, alto_curve_peers *out, alto_error *error)
{
    *out = (alto_curve_peers){0};
    DIR *directory = opendir(path);
    alto_status status;
    if (directory) {
        status = read_directory(out, path, directory, error);
        closedir(directory);
    } else {
        status = errno == ENOTDIR ? read_list(out, path, error)
                                  : alto_fail(error, errno == ENOENT ? ALTO_NOT_FOUND : ALTO_IO, path,
                                              "cannot be read: %s", strerror(errno));
    }
    if (status != ALTO_OK)
        alto_curve_peers_fini(out);
    else if (out->count)
        qsort(out->items, out->count, sizeof *out->items, by_key);
    return status;
}

void alto_curve_peers_fini(alto_curve_peers *self)
{
    free(self->items);
    *self = (alto_curve_peers){0};
}

const alto_curve_peer *alto_curve_peers_find(const alto_curve_peers *self, const alto_curve_key *key)
{
    const alto_curve_peer wanted = {.key = *key};
    return self->count ? bsearch(&wanted, self->items, self->count, sizeof wanted, by_key) : NULL;
}
