/* SPDX-License-Identifier: Apache-2.0 */
/* versions_made.h - versions of every kind made of choices, also such as only a signer could make who means harm; what holds for
 * all of them; and which root something would have had that was refused.
 *
 * Threads: none inside. */
#ifndef FUZZ_VERSIONS_MADE_H
#define FUZZ_VERSIONS_MADE_H

#include "core/version.h"
#include "fuzz.h"

alto_kind fuzz_kind(alto_reader *in);
/* The version after some edits of `base` (NULL: of nothing), for the caller to release. Names, keys and texts are mostly as in real
 * maps, and sometimes any bytes. */
alto_version *fuzz_version(alto_reader *in, alto_pool *pool, alto_kind kind, const alto_version *base);

static inline bool fuzz_same_root(const alto_version *a, const alto_version *b)
{
    return alto_hash_equal(alto_version_root(a), alto_version_root(b));
}

/* Whatever is in it: written as JSON it has the size that was predicted, where it could be JSON; a snapshot of it and a delta from nothing to it lead to the
 * same root in another pool, and the latter two are of it again. */
void fuzz_check_version(const alto_version *version);

/* The root of the version that was made last, whether it was then given to anybody or not (the linker leads
 * alto_version_make and alto_version_edit here). false: none was made since this was called before. */
bool fuzz_last_root(alto_hash *root);

#endif
