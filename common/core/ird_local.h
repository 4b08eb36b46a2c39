/* SPDX-License-Identifier: Apache-2.0 */
/* ird_local.h - another server's directory as that of one which answers for it: only the URIs of its resources change.
 *
 * Threads: none inside. Pure. */
#ifndef ALTO_IRD_LOCAL_H
#define ALTO_IRD_LOCAL_H

#include "core/bytes.h"

/* Is the resource with that ID answered here? */
typedef bool alto_ird_here_fn(void *context, const char *id);

/* Append `directory` (JSON that was parsed before, e.g. by alto_ird_gather_text) with the URI of each resource that is answered here
 * in its place: alto_id_path. All else stays, byte for byte but for white space between members.
 * Errors: ALTO_NO_MEMORY, ALTO_TOO_LARGE. */
alto_status alto_ird_local(alto_slice directory, alto_ird_here_fn *here, void *context, alto_buffer *out);
/* Append the entry of one resource, likewise; uri NULL: it stays. */
void alto_ird_local_entry(alto_slice entry, const char *uri, alto_buffer *out);

#endif
