/* SPDX-License-Identifier: Apache-2.0 */
/* compress.h - zstd with bounds; compress.c is the only file that knows libzstd.
 * Threads: may be called in any thread. */
#ifndef ALTO_COMPRESS_H
#define ALTO_COMPRESS_H

#include "core/bytes.h"

/* Append `raw` as one zstd frame (no checksum, no content size, level 1 to 19). Errors: ALTO_NO_MEMORY, ALTO_TOO_LARGE. */
alto_status alto_compress(alto_slice raw, int level, alto_buffer *out);
/* Append the decompressed bytes, which must be exactly raw_size (already bounded by the caller).
 * Errors: ALTO_MALFORMED, ALTO_NO_MEMORY, ALTO_TOO_LARGE. */
alto_status alto_decompress(alto_slice packed, size_t raw_size, alto_buffer *out);

#endif
