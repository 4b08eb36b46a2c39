/* SPDX-License-Identifier: Apache-2.0 */
/* blob.h - immutable bytes with one or more owners, and how many there are of those that were made here.
 *
 * Threads: any. */
#ifndef ALTO_BLOB_H
#define ALTO_BLOB_H

#include "core/crypto.h"

typedef struct {
    size_t size;
    const uint8_t *data;
    char etag[ALTO_HASH_SIZE + 3]; /* strong entity tag over these very bytes, with its quotes */
} alto_blob;

/* A copy of `bytes` and, behind them, `more`. NULL: out of memory. */
const alto_blob *alto_blob_new(alto_slice bytes, alto_slice more);
/* The content of a buffer, which is taken over and left empty. NULL: out of memory (the buffer is ended all the same). */
const alto_blob *alto_blob_take(alto_buffer *bytes);
const alto_blob *alto_blob_retain(const alto_blob *blob); /* NULL is accepted */
void alto_blob_release(const alto_blob *blob);            /* NULL is accepted */

/* Bytes of all blobs that were taken over from buffers and that somebody still owns. */
uint64_t alto_blob_bytes_taken(void);

#endif
