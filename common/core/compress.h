/* SPDX-License-Identifier: Apache-2.0 */
/* compress.h - zstd (RFC 8878) with bounds; compress.c is the only file that knows libzstd and the format.
 *
 * Frames that follow each other are, to who reads them as a stream, one text.
 * Threads: may be called in any thread. */
#ifndef ALTO_COMPRESS_H
#define ALTO_COMPRESS_H

#include "core/bytes.h"

#define ALTO_FRAME_STORED 9 /* bytes of a stored frame beside its text, of at most 1024 bytes */

/* Append `raw` as one zstd frame (no checksum, no content size, level 1 to 19). The same raw bytes give the same frame,
 * whatever was compressed before. Errors: ALTO_NO_MEMORY, ALTO_TOO_LARGE. */
alto_status alto_compress(alto_slice raw, int level, alto_buffer *out);
/* Append `raw` as it is, in stored frames; nothing for an empty one. */
void alto_frame_store(alto_buffer *out, alto_slice raw);
/* Append the decompressed bytes, which must be exactly raw_size (already bounded by the caller).
 * Errors: ALTO_MALFORMED, ALTO_BOMB (there are more), ALTO_NO_MEMORY, ALTO_TOO_LARGE. */
alto_status alto_decompress(alto_slice packed, size_t raw_size, alto_buffer *out);

#endif
