/* SPDX-License-Identifier: Apache-2.0 */
/* committing.h - a committer for targets that look at what is committed, not at who signs it.
 *
 * Threads: one. */
#ifndef FUZZ_COMMITTING_H
#define FUZZ_COMMITTING_H

#include "core/committer.h"

/* Always of the same origin and key; for the caller to destroy. */
alto_committer *fuzz_committer(void);

#endif
