/* SPDX-License-Identifier: Apache-2.0 */
/* manifest_change.h - what the holders of root keys may want a manifest to say next. Each function makes the next version of
 * *manifest, dated now_ms, or later than the one before; on an error *manifest is as it was. Signing comes after.
 *
 * Errors of all: ALTO_TOO_LARGE (no version number is left, or too many keys), ALTO_INVALID (a time before its time).
 *
 * Threads: none inside. Pure. */
#ifndef ALTO_MANIFEST_CHANGE_H
#define ALTO_MANIFEST_CHANGE_H

#include "core/manifest.h"

/* The first manifest of an origin: that online key signs at once, for `days`. */
alto_status alto_manifest_first(alto_manifest *manifest, unsigned threshold, const alto_public_key *roots,
                                size_t root_count, const alto_public_key *online, uint64_t now_ms, uint64_t days);

/* The newest online key and the manifest are good for `days` from now. Errors also: ALTO_NOT_FOUND (there is no online key). */
alto_status alto_manifest_extend(alto_manifest *manifest, uint64_t now_ms, uint64_t days);

/* Another online key signs from from_ms on, for `days` from now, as long as the manifest then; those before it are good for
 * overlap_ms more at most. Keys that ended more than 90 days ago are left out.
 * Errors also: ALTO_DUPLICATE (the key is there already). */
alto_status alto_manifest_announce(alto_manifest *manifest, const alto_public_key *key, uint64_t from_ms,
                                   uint64_t overlap_ms, uint64_t now_ms, uint64_t days);

/* That key has no say any more. Errors also: ALTO_NOT_FOUND; ALTO_CONFIG (no other key is valid now: announce one before, or
 * raise the epoch). */
alto_status alto_manifest_revoke(alto_manifest *manifest, const alto_key_id *id, uint64_t now_ms);

/* The first version of the next epoch, above all that was ever signed: these online keys sign at once, for `days`, no others. */
alto_status alto_manifest_raise(alto_manifest *manifest, const alto_public_key *online, size_t count, uint64_t now_ms,
                                uint64_t days);

/* Other root keys. Both the old and the new ones have to sign it. Errors also: ALTO_INVALID (no threshold that can be met). */
alto_status alto_manifest_change_roots(alto_manifest *manifest, unsigned threshold, const alto_public_key *roots,
                                       size_t root_count, uint64_t now_ms);

#endif
