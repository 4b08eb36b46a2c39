/* SPDX-License-Identifier: Apache-2.0 */
/* evidence.h - what saved objects prove, given nothing but an anchor: manifests and lists of root sets, commits and heads,
 * catalogs, snapshots, payloads, ALTO JSON. They are looked at together, in any order: a manifest says whose signature
 * counts, a signed statement which catalog is meant, a catalog (or a commit) which content.
 *
 * Nothing here can tell that there is nothing newer.
 *
 * Threads: none inside. Pure. */
#ifndef ALTO_EVIDENCE_H
#define ALTO_EVIDENCE_H

#include "core/manifest.h"

typedef struct {
    const char
        *type; /* "manifest", "commit", "head", "catalog", "roots", "snapshot", "payload", "alto-json" or "unknown" */
    bool proved;
    char says[512]; /* what it is and what was proved of it, or why nothing was; a sentence without a full stop */
} alto_verdict;

/* Judge `count` objects by what all of them say together; verdicts[i] is of objects[i].
 * now_ms   wall clock: what is dated ahead of it is not believed; that something has expired is said
 * Errors   ALTO_NO_MEMORY; then the verdicts are undefined. */
alto_status alto_evidence_judge(const alto_anchor *anchor, const alto_slice *objects, size_t count, uint64_t now_ms,
                                alto_verdict *verdicts);

#endif
