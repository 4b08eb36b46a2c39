/* SPDX-License-Identifier: Apache-2.0 */
/* store_read.h - one resource from the state directory: its snapshot, and what its log leads to from there.
 *
 * Threads: as store_disk.h. */
#ifndef ALTO_STORE_READ_H
#define ALTO_STORE_READ_H

#include "io/store.h"
#include "io/store_disk.h"

/* In a transaction: the newest version and older ones of the resource with this id (store_record.h), into out->version, out->older.
 * Errors: ALTO_NOT_FOUND, ALTO_ROOT_MISMATCH (it is not the version with that root), ALTO_NO_MEMORY, and those of alto_snapshot_read and
 * alto_delta_apply: damaged. */
alto_status alto_stored_read(alto_disk *disk, alto_pool *pool, const alto_hash *id, const alto_hash *root,
                             alto_stored_resource *out);

#endif
