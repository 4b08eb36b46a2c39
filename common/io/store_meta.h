/* SPDX-License-Identifier: Apache-2.0 */
/* store_meta.h - whose the state directory is, and the last chain number that was handed out: what is known by no root, and therefore stands
 * there twice.
 *
 * Threads: as store_disk.h. */
#ifndef ALTO_STORE_META_H
#define ALTO_STORE_META_H

#include "core/manifest.h"
#include "io/store_disk.h"

/* Begin a transaction in a directory that is ours to use; an empty one becomes ours, a damaged one is begun anew. Errors: ALTO_CONFIG
 * (another origin's, or of a newer format), ALTO_IO, ALTO_NO_MEMORY; then there is no transaction. */
alto_status alto_meta_begin(alto_disk *disk, const char *directory, const alto_origin *origin, alto_error *error);

/* In a transaction. 0: none. */
uint64_t alto_meta_last_chain(alto_disk *disk, const char *directory);
void alto_meta_put_chain(alto_disk *disk, uint64_t chain);

#endif
