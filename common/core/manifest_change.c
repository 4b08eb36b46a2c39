/* SPDX-License-Identifier: Apache-2.0 */
#include "core/manifest_change.h"

#include <assert.h>

enum { KEEP_ENDED_DAYS = 90 }; /* what they signed may still lie on disks */

/* The next version, dated; false: there is none. */
static bool begin_next(const alto_manifest *manifest, uint64_t now_ms, alto_manifest *next)
{
    *next = *manifest;
    next->issued_at_ms = now_ms > manifest->issued_at_ms ? now_ms : manifest->issued_at_ms + 1;
    return next->version++ < UINT32_MAX;
}

/* A little before: the publisher's clock may be behind that of this machine. */
static uint64_t at_once(uint64_t now_ms)
{
    return now_ms > ALTO_MAX_CLOCK_MS ? now_ms - ALTO_MAX_CLOCK_MS : 0;
}

alto_status alto_manifest_first(alto_manifest *manifest, unsigned threshold, const alto_public_key *roots,
                                size_t root_count, const alto_public_key *online, uint64_t now_ms, uint64_t days)
{
    if (root_count > ALTO_MAX_KEYS)
        return ALTO_TOO_LARGE;
    if (threshold < 1 || threshold > root_count)
        return ALTO_INVALID;
    *manifest = (alto_manifest){.origin = alto_origin_of(threshold, roots, root_count),
                                .epoch = 1,
                                .version = 1,
                                .issued_at_ms = now_ms,
                                .not_after_ms = now_ms + days * ALTO_DAY_MS,
                                .threshold = threshold,
                                .root_count = root_count,
                                .online_count = 1,
                                .online = {{.key = *online, .not_before_ms = at_once(now_ms)}},
                                .max_pushed_payload = ALTO_MAX_PUSHED_PAYLOAD};
    memcpy(manifest->roots, roots, root_count * sizeof *roots);
    manifest->online[0].not_after_ms = manifest->not_after_ms;
    return ALTO_OK;
}

static alto_online_key *newest_of(alto_manifest *manifest)
{
    alto_online_key *newest = manifest->online_count ? &manifest->online[0] : NULL;
    for (size_t i = 1; i < manifest->online_count; i++)
        if (manifest->online[i].not_before_ms > newest->not_before_ms)
            newest = &manifest->online[i];
    return newest;
}

alto_status alto_manifest_extend(alto_manifest *manifest, uint64_t now_ms, uint64_t days)
{
    alto_manifest next;
    if (!begin_next(manifest, now_ms, &next))
        return ALTO_TOO_LARGE;
    alto_online_key *newest = newest_of(&next);
    if (!newest)
        return ALTO_NOT_FOUND;
    next.not_after_ms = next.issued_at_ms + days * ALTO_DAY_MS;
    if (next.not_after_ms <= newest->not_before_ms)
        return ALTO_INVALID;
    newest->not_after_ms = next.not_after_ms;
    *manifest = next;
    return ALTO_OK;
}

static void drop_key(alto_manifest *manifest, size_t index)
{
    manifest->online[index] = manifest->online[--manifest->online_count];
}

/* What signs after end_ms does not any more; what would begin only then is dropped. */
static void end_keys(alto_manifest *manifest, uint64_t end_ms, uint64_t now_ms)
{
    for (size_t i = manifest->online_count; i-- > 0;) {
        alto_online_key *each = &manifest->online[i];
        if (each->not_after_ms > end_ms)
            each->not_after_ms = end_ms;
        if (each->not_before_ms >= each->not_after_ms || each->not_after_ms + KEEP_ENDED_DAYS * ALTO_DAY_MS < now_ms)
            drop_key(manifest, i);
    }
}

static size_t find_key(const alto_manifest *manifest, const alto_key_id *id)
{
    size_t at = 0;
    for (; at < manifest->online_count; at++) {
        alto_key_id each = alto_key_id_of(&manifest->online[at].key);
        if (memcmp(each.bytes, id->bytes, sizeof each.bytes) == 0)
            break;
    }
    return at;
}

alto_status alto_manifest_announce(alto_manifest *manifest, const alto_public_key *key, uint64_t from_ms,
                                   uint64_t overlap_ms, uint64_t now_ms, uint64_t days)
{
    alto_manifest next;
    alto_key_id id = alto_key_id_of(key);
    if (!begin_next(manifest, now_ms, &next))
        return ALTO_TOO_LARGE;
    if (find_key(manifest, &id) < manifest->online_count)
        return ALTO_DUPLICATE;
    end_keys(&next, from_ms + overlap_ms, now_ms);
    next.not_after_ms = next.issued_at_ms + days * ALTO_DAY_MS;
    if (next.online_count == ALTO_MAX_KEYS)
        return ALTO_TOO_LARGE;
    if (from_ms >= next.not_after_ms)
        return ALTO_INVALID;
    next.online[next.online_count++] = (alto_online_key){*key, from_ms, next.not_after_ms};
    *manifest = next;
    return ALTO_OK;
}

static bool any_signs(const alto_manifest *manifest, uint64_t now_ms)
{
    for (size_t i = 0; i < manifest->online_count; i++)
        if (manifest->online[i].not_before_ms <= now_ms && now_ms < manifest->online[i].not_after_ms)
            return true;
    return false;
}

alto_status alto_manifest_revoke(alto_manifest *manifest, const alto_key_id *id, uint64_t now_ms)
{
    alto_manifest next;
    size_t at = find_key(manifest, id);
    if (at == manifest->online_count)
        return ALTO_NOT_FOUND;
    if (!begin_next(manifest, now_ms, &next))
        return ALTO_TOO_LARGE;
    drop_key(&next, at);
    if (!any_signs(&next, now_ms))
        return ALTO_CONFIG;
    *manifest = next;
    return ALTO_OK;
}

alto_status alto_manifest_raise(alto_manifest *manifest, const alto_public_key *online, size_t count, uint64_t now_ms,
                                uint64_t days)
{
    assert(count >= 1);
    alto_manifest next;
    begin_next(manifest, now_ms, &next);
    if (next.epoch == UINT32_MAX || count > ALTO_MAX_KEYS)
        return ALTO_TOO_LARGE;
    next.epoch++;
    next.version = 1;
    next.not_after_ms = next.issued_at_ms + days * ALTO_DAY_MS;
    next.online_count = count;
    for (size_t i = 0; i < count; i++)
        next.online[i] = (alto_online_key){online[i], at_once(now_ms), next.not_after_ms};
    *manifest = next;
    return ALTO_OK;
}

alto_status alto_manifest_change_roots(alto_manifest *manifest, unsigned threshold, const alto_public_key *roots,
                                       size_t root_count, uint64_t now_ms)
{
    alto_manifest next;
    if (!begin_next(manifest, now_ms, &next) || root_count > ALTO_MAX_KEYS)
        return ALTO_TOO_LARGE;
    if (threshold < 1 || threshold > root_count)
        return ALTO_INVALID;
    next.threshold = threshold;
    next.root_count = root_count;
    memcpy(next.roots, roots, root_count * sizeof *roots);
    *manifest = next;
    return ALTO_OK;
}
