/* SPDX-License-Identifier: Apache-2.0 */
#include "core/manifest.h"

#include "core/pack.h"

#include <assert.h>
#include <stdlib.h>

static const char manifest_type[] = "altocast-manifest-1";

enum {
    MANIFEST_FIELDS = 11,
    ONLINE_KEY_FIELDS = 3,
    LIMIT_FIELDS = 1,
    SIGNER_SIZE = ALTO_KEY_ID_SIZE + ALTO_SIGNATURE_SIZE
};

/* Works for keys and for online keys alike, which begin with their key. */
static int compare_keys(const void *a, const void *b)
{
    return memcmp(a, b, ALTO_KEY_SIZE);
}

/* `size`: of one element, which begins with a key. */
static bool keys_ascend(const void *keys, size_t count, size_t size)
{
    const unsigned char *at = keys;
    for (size_t i = 1; i < count; i++)
        if (compare_keys(at + (i - 1) * size, at + i * size) >= 0)
            return false;
    return true;
}

alto_origin alto_origin_of(unsigned threshold, const alto_public_key *roots, size_t count)
{
    assert(count <= ALTO_MAX_KEYS);
    alto_public_key sorted[ALTO_MAX_KEYS];
    memcpy(sorted, roots, count * sizeof *roots);
    qsort(sorted, count, sizeof *sorted, compare_keys);
    alto_hasher hasher;
    alto_hasher_init(&hasher, "altocast-origin-1");
    alto_hasher_add_u32(&hasher, threshold);
    alto_hasher_add_u32(&hasher, (uint32_t)count);
    alto_hasher_add(&hasher, sorted, count * sizeof *sorted);
    return alto_hasher_end(&hasher);
}

/* Does it obey the rules that a decoder enforces? Keys must be in order already. */
static bool manifest_valid(const alto_manifest *manifest)
{
    for (size_t i = 0; i < manifest->online_count; i++)
        if (manifest->online[i].not_before_ms >= manifest->online[i].not_after_ms)
            return false;
    return manifest->threshold >= 1 && manifest->threshold <= manifest->root_count &&
           manifest->issued_at_ms < manifest->not_after_ms &&
           keys_ascend(manifest->roots, manifest->root_count, sizeof *manifest->roots) &&
           keys_ascend(manifest->online, manifest->online_count, sizeof *manifest->online);
}

static alto_slice key_bytes(const alto_public_key *key)
{
    return alto_slice_of(key->bytes, sizeof key->bytes);
}

static void write_manifest(const alto_manifest *manifest, alto_buffer *out)
{
    alto_pack_array(out, MANIFEST_FIELDS);
    alto_pack_text(out, alto_slice_text(manifest_type));
    alto_pack_bytes(out, alto_slice_of(manifest->origin.bytes, ALTO_HASH_SIZE));
    alto_pack_uint(out, manifest->epoch);
    alto_pack_uint(out, manifest->version);
    alto_pack_uint(out, manifest->issued_at_ms);
    alto_pack_uint(out, manifest->not_after_ms);
    alto_pack_uint(out, manifest->threshold);
    alto_pack_array(out, manifest->root_count);
    for (size_t i = 0; i < manifest->root_count; i++)
        alto_pack_bytes(out, key_bytes(&manifest->roots[i]));
    alto_pack_array(out, manifest->online_count);
    for (size_t i = 0; i < manifest->online_count; i++) {
        alto_pack_array(out, ONLINE_KEY_FIELDS);
        alto_pack_bytes(out, key_bytes(&manifest->online[i].key));
        alto_pack_uint(out, manifest->online[i].not_before_ms);
        alto_pack_uint(out, manifest->online[i].not_after_ms);
    }
    alto_pack_array(out, LIMIT_FIELDS);
    alto_pack_uint(out, manifest->max_pushed_payload);
    alto_pack_map(out, 0);
}

alto_status alto_manifest_encode(const alto_manifest *manifest, alto_buffer *out)
{
    if (manifest->root_count > ALTO_MAX_KEYS || manifest->online_count > ALTO_MAX_KEYS ||
        manifest->max_pushed_payload > ALTO_MAX_FRAME || manifest->not_after_ms > ALTO_PACK_MAX_NUMBER)
        return ALTO_TOO_LARGE;
    alto_manifest sorted = *manifest;
    qsort(sorted.roots, sorted.root_count, sizeof *sorted.roots, compare_keys);
    qsort(sorted.online, sorted.online_count, sizeof *sorted.online, compare_keys);
    if (!manifest_valid(&sorted))
        return ALTO_INVALID;
    write_manifest(&sorted, out);
    return out->status;
}

/* The number of keys that follow; 0 with an error when there are too many. */
static size_t read_key_count(alto_reader *in)
{
    size_t count = alto_unpack_array(in);
    if (count <= ALTO_MAX_KEYS)
        return count;
    alto_reader_fail(in, ALTO_TOO_LARGE);
    return 0;
}

static void read_online_key(alto_reader *in, alto_online_key *key)
{
    alto_unpack_tuple(in, ONLINE_KEY_FIELDS);
    alto_unpack_fixed(in, key->key.bytes, sizeof key->key.bytes);
    key->not_before_ms = alto_unpack_uint(in, ALTO_PACK_MAX_NUMBER);
    key->not_after_ms = alto_unpack_uint(in, ALTO_PACK_MAX_NUMBER);
}

static void read_manifest(alto_reader *in, alto_manifest *out)
{
    alto_unpack_fixed(in, out->origin.bytes, ALTO_HASH_SIZE);
    out->epoch = (uint32_t)alto_unpack_uint(in, UINT32_MAX);
    out->version = (uint32_t)alto_unpack_uint(in, UINT32_MAX);
    out->issued_at_ms = alto_unpack_uint(in, ALTO_PACK_MAX_NUMBER);
    out->not_after_ms = alto_unpack_uint(in, ALTO_PACK_MAX_NUMBER);
    out->threshold = (unsigned)alto_unpack_uint(in, ALTO_MAX_KEYS);
    out->root_count = read_key_count(in);
    for (size_t i = 0; i < out->root_count; i++)
        alto_unpack_fixed(in, out->roots[i].bytes, ALTO_KEY_SIZE);
    out->online_count = read_key_count(in);
    for (size_t i = 0; i < out->online_count; i++)
        read_online_key(in, &out->online[i]);
    alto_unpack_tuple(in, LIMIT_FIELDS);
    out->max_pushed_payload = alto_unpack_uint(in, ALTO_MAX_FRAME);
}

alto_status alto_manifest_decode(alto_slice bytes, alto_manifest *out)
{
    if (bytes.size > ALTO_MAX_MANIFEST)
        return ALTO_TOO_LARGE;
    memset(out, 0, sizeof *out);
    alto_reader in = alto_reader_make(bytes);
    size_t fields;
    alto_slice type = alto_unpack_begin(&in, &fields);
    if (in.status == ALTO_OK && !alto_slice_equal(type, alto_slice_text(manifest_type)))
        return ALTO_WRONG_TYPE;
    if (fields != MANIFEST_FIELDS)
        alto_reader_fail(&in, ALTO_MALFORMED);
    read_manifest(&in, out);
    alto_status status = alto_unpack_end(&in);
    if (status == ALTO_OK && !manifest_valid(out))
        status = ALTO_MALFORMED;
    return status;
}

alto_status alto_manifest_sign(const alto_manifest *manifest, const alto_signing_key *const *roots, size_t count,
                               alto_buffer *out)
{
    assert(count >= 1 && count <= ALTO_MAX_KEYS);
    size_t start = out->size;
    alto_status status = alto_manifest_encode(manifest, out);
    if (status != ALTO_OK)
        return status;
    size_t size = out->size - start;
    for (size_t i = 0; i < count; i++) {
        alto_public_key key = alto_signing_key_public(roots[i]);
        alto_key_id id = alto_key_id_of(&key);
        /* out->data may have moved since the last round. */
        alto_signature signature = alto_sign(roots[i], alto_slice_of(out->data + start, size));
        alto_buffer_add(out, id.bytes, sizeof id.bytes);
        alto_buffer_add(out, signature.bytes, sizeof signature.bytes);
        if (out->status != ALTO_OK)
            return out->status;
    }
    alto_buffer_add_u8(out, (uint8_t)count);
    return out->status;
}

static bool has_signer(alto_slice signers, const uint8_t *id)
{
    for (size_t at = 0; at < signers.size; at += SIGNER_SIZE)
        if (memcmp(signers.data + at, id, ALTO_KEY_ID_SIZE) == 0)
            return true;
    return false;
}

/* Add the signers that are not there yet; out holds the object and nothing but signers after it. */
static void add_signers(alto_slice signers, size_t object_size, alto_buffer *out)
{
    for (size_t at = 0; at < signers.size; at += SIGNER_SIZE) {
        alto_slice there = alto_slice_of(out->data + object_size, out->size - object_size);
        if (!has_signer(there, signers.data + at))
            alto_buffer_add(out, signers.data + at, SIGNER_SIZE);
    }
}

alto_status alto_manifest_join(const alto_slice *files, size_t count, alto_buffer *out)
{
    alto_buffer joined = alto_buffer_make(ALTO_MAX_MANIFEST);
    alto_slice first = {NULL, 0}, object, signers;
    alto_status status = count ? ALTO_OK : ALTO_INVALID;
    for (size_t i = 0; status == ALTO_OK && i < count; i++) {
        status = alto_manifest_split(files[i], &object, &signers);
        if (status == ALTO_OK && i == 0)
            alto_buffer_add_slice(&joined, first = object);
        if (status == ALTO_OK)
            status = alto_slice_equal(object, first) ? joined.status : ALTO_INVALID;
        if (status == ALTO_OK)
            add_signers(signers, first.size, &joined);
    }
    if (status == ALTO_OK)
        status = joined.status;
    size_t signer_count = status == ALTO_OK ? (joined.size - first.size) / SIGNER_SIZE : 0;
    if (status == ALTO_OK && signer_count > ALTO_MAX_KEYS)
        status = ALTO_TOO_LARGE;
    if (status == ALTO_OK) {
        alto_buffer_add_u8(&joined, (uint8_t)signer_count);
        alto_buffer_add_slice(out, alto_buffer_slice(&joined));
        status = joined.status != ALTO_OK ? joined.status : out->status;
    }
    alto_buffer_fini(&joined);
    return status;
}

alto_status alto_manifest_split(alto_slice file, alto_slice *object, alto_slice *signers)
{
    if (file.size > ALTO_MAX_MANIFEST)
        return ALTO_TOO_LARGE;
    if (file.size == 0)
        return ALTO_MALFORMED;
    size_t count = file.data[file.size - 1], size = count * SIGNER_SIZE;
    if (count < 1 || count > ALTO_MAX_KEYS || size >= file.size - 1)
        return ALTO_MALFORMED;
    *object = alto_slice_of(file.data, file.size - 1 - size);
    *signers = alto_slice_of(file.data + object->size, size);
    return ALTO_OK;
}

alto_status alto_manifest_read(alto_slice file, alto_manifest *out)
{
    alto_slice object, signers;
    alto_status status = alto_manifest_split(file, &object, &signers);
    return status == ALTO_OK ? alto_manifest_decode(object, out) : status;
}

int alto_manifest_compare(const alto_manifest *manifest, uint32_t epoch, uint32_t version)
{
    if (manifest->epoch != epoch)
        return manifest->epoch < epoch ? -1 : 1;
    return (manifest->version > version) - (manifest->version < version);
}

/* The next line of a text, without its end. */
static alto_slice next_line(alto_slice *text)
{
    const uint8_t *end = memchr(text->data, '\n', text->size);
    size_t size = end ? (size_t)(end - text->data) : text->size;
    size_t taken = end ? size + 1 : size;
    alto_slice line = alto_slice_of(text->data, size);
    *text = alto_slice_of(text->data + taken, text->size - taken);
    if (line.size && line.data[line.size - 1] == '\r')
        line.size--;
    return line;
}

/* What follows `name` in the first line that begins with it; false when there is no such line. */
static bool find_setting(alto_slice text, const char *name, alto_slice *value)
{
    size_t length = strlen(name);
    while (text.size) {
        alto_slice line = next_line(&text);
        if (line.size < length || memcmp(line.data, name, length) != 0)
            continue;
        *value = alto_slice_of(line.data + length, line.size - length);
        while (value->size && value->data[value->size - 1] == ' ')
            value->size--;
        return true;
    }
    return false;
}

/* 1..ALTO_MAX_KEYS in decimal digits; 0 for anything else. */
static unsigned threshold_of(alto_slice text)
{
    unsigned value = 0;
    if (text.size == 0 || text.size > 2)
        return 0;
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] < '0' || text.data[i] > '9')
            return 0;
        value = value * 10 + (text.data[i] - (unsigned)'0');
    }
    return value <= ALTO_MAX_KEYS ? value : 0;
}

alto_status alto_anchor_from_pem(alto_slice pem, alto_anchor *out)
{
    alto_anchor anchor = {.threshold = 1};
    alto_status status = alto_public_keys_from_pem(pem, anchor.roots, ALTO_MAX_KEYS, &anchor.root_count);
    if (status != ALTO_OK)
        return status;
    alto_slice setting;
    if (find_setting(pem, "altocast-threshold: ", &setting))
        anchor.threshold = threshold_of(setting);
    else if (anchor.root_count > 1)
        return ALTO_MALFORMED;
    qsort(anchor.roots, anchor.root_count, sizeof *anchor.roots, compare_keys);
    if (anchor.threshold < 1 || anchor.threshold > anchor.root_count ||
        !keys_ascend(anchor.roots, anchor.root_count, sizeof *anchor.roots))
        return ALTO_MALFORMED;
    anchor.origin = alto_origin_of(anchor.threshold, anchor.roots, anchor.root_count);
    if (find_setting(pem, "altocast-origin: ", &setting)) {
        alto_origin named;
        if (!alto_unhex(named.bytes, sizeof named.bytes, setting))
            return ALTO_MALFORMED;
        if (!alto_hash_equal(&named, &anchor.origin))
            return ALTO_WRONG_ORIGIN;
    }
    *out = anchor;
    return ALTO_OK;
}

void alto_anchor_pem(const alto_anchor *anchor, alto_buffer *out)
{
    char origin[2 * ALTO_HASH_SIZE + 1];
    alto_hex(origin, anchor->origin.bytes, ALTO_HASH_SIZE);
    alto_buffer_print(out, "altocast-origin: %s\naltocast-threshold: %u\n", origin, anchor->threshold);
    for (size_t i = 0; i < anchor->root_count; i++)
        alto_public_key_pem(&anchor->roots[i], out);
}

static const uint8_t *find_signer(alto_slice signers, const alto_public_key *key)
{
    alto_key_id id = alto_key_id_of(key);
    for (size_t at = 0; at < signers.size; at += SIGNER_SIZE)
        if (memcmp(signers.data + at, id.bytes, sizeof id.bytes) == 0)
            return signers.data + at + sizeof id.bytes;
    return NULL;
}

/* Did at least `threshold` of the keys sign? A signature by one of them that does not fit is never passed over. */
static alto_status check_signers(alto_slice object, alto_slice signers, const alto_public_key *keys, size_t count,
                                 unsigned threshold)
{
    unsigned good = 0;
    for (size_t i = 0; i < count; i++) {
        const uint8_t *bytes = find_signer(signers, &keys[i]);
        if (!bytes)
            continue;
        alto_signature signature;
        memcpy(signature.bytes, bytes, sizeof signature.bytes);
        if (!alto_verify(&keys[i], object, &signature))
            return ALTO_BAD_SIGNATURE;
        good++;
    }
    return good >= threshold ? ALTO_OK : ALTO_UNKNOWN_KEY;
}

alto_status alto_manifest_check(alto_slice file, const alto_manifest *manifest, const alto_anchor *anchor,
                                uint64_t now_ms)
{
    alto_slice object, signers;
    alto_status status = alto_manifest_split(file, &object, &signers);
    if (status == ALTO_OK && !alto_hash_equal(&manifest->origin, &anchor->origin))
        return ALTO_WRONG_ORIGIN;
    if (status == ALTO_OK)
        status = check_signers(object, signers, anchor->roots, anchor->root_count, anchor->threshold);
    if (status == ALTO_OK)
        status = check_signers(object, signers, manifest->roots, manifest->root_count, manifest->threshold);
    if (status != ALTO_OK)
        return status;
    if (manifest->not_after_ms <= now_ms)
        return ALTO_EXPIRED;
    return manifest->issued_at_ms > now_ms + ALTO_MAX_CLOCK_MS ? ALTO_FUTURE : ALTO_OK;
}

alto_status alto_manifest_open(alto_slice file, const alto_anchor *anchor, uint64_t now_ms, alto_manifest *out)
{
    alto_manifest manifest;
    alto_status status = alto_manifest_read(file, &manifest);
    if (status == ALTO_OK)
        status = alto_manifest_check(file, &manifest, anchor, now_ms);
    if (status == ALTO_OK || status == ALTO_EXPIRED || status == ALTO_FUTURE)
        *out = manifest;
    return status;
}

unsigned alto_key_urgency(uint64_t good_until_ms, uint64_t now_ms)
{
    if (good_until_ms <= now_ms)
        return 3;
    uint64_t left_ms = good_until_ms - now_ms;
    return left_ms <= 7 * ALTO_DAY_MS ? 2 : left_ms <= 30 * ALTO_DAY_MS ? 1 : 0;
}

const alto_online_key *alto_manifest_named(const alto_manifest *manifest, const alto_public_key *key)
{
    for (size_t i = 0; i < manifest->online_count; i++)
        if (memcmp(manifest->online[i].key.bytes, key->bytes, sizeof key->bytes) == 0)
            return &manifest->online[i];
    return NULL;
}

const alto_public_key *alto_manifest_key(const alto_manifest *manifest, const alto_key_id *id, uint64_t issued_at_ms)
{
    for (size_t i = 0; i < manifest->online_count; i++) {
        const alto_online_key *online = &manifest->online[i];
        alto_key_id own = alto_key_id_of(&online->key);
        if (memcmp(own.bytes, id->bytes, sizeof own.bytes) == 0)
            return online->not_before_ms <= issued_at_ms && issued_at_ms < online->not_after_ms ? &online->key : NULL;
    }
    return NULL;
}
