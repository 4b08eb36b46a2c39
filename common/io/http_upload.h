/* SPDX-License-Identifier: Apache-2.0 */
/* http_upload.h - the body of a request as it comes: kept for the handler, thrown away, or what the request is refused with.
 *
 * Threads: none inside. */
#ifndef ALTO_HTTP_UPLOAD_H
#define ALTO_HTTP_UPLOAD_H

#include "core/http_fields.h"
#include "io/http_message.h"

typedef struct {
    bool posts;       /* the method is POST: what comes is kept */
    size_t received;  /* bytes, kept or thrown away */
    alto_buffer body; /* what is kept */
    unsigned refused; /* status to refuse the request with; 0 when it is in order */
} alto_http_upload;

alto_http_upload alto_http_upload_make(void);
/* held: bytes of all bodies kept at a time, to which this one belongs. */
void alto_http_upload_fini(alto_http_upload *self, size_t *held);

/* The header fields are there. The status to refuse the request with at once; 0: nothing, or not before its body is there. */
unsigned alto_http_upload_begin(alto_http_upload *self, const alto_http_fields *found);
/* A part of the body has come; what cannot be kept is told at its end, by `refused`. False: it is so much too long that nobody waits
 * for that. */
bool alto_http_upload_take(alto_http_upload *self, const void *part, size_t size, size_t *held);

#endif
