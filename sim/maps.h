/* SPDX-License-Identifier: Apache-2.0 */
/* maps.h - the simulated ISP as ALTO documents (RFC 7285 11.2.1, 11.2.3), and as
 * files. Threads: none inside. */
#ifndef SIM_MAPS_H
#define SIM_MAPS_H

#include "isp.h"

#include "core/bytes.h"

#define MAPS_TAG_TEXT 33 /* bytes of a tag, NUL included */

/* The tag of the network map: a hash of its content, so that equal content has an equal tag.
 * Errors: ALTO_NO_MEMORY, ALTO_TOO_LARGE. */
alto_status maps_tag(const isp *self, char tag[MAPS_TAG_TEXT]);

typedef enum { MAPS_ROUTINGCOST, MAPS_HOPCOUNT } maps_metric;

/* Append the whole document; out->status says whether that worked. */
void maps_network(const isp *self, const char *tag, alto_buffer *out);
void maps_cost(const isp *self, maps_metric metric, const char *tag, alto_buffer *out);

typedef struct {
    unsigned changed;                               /* documents, 0 to 3 */
    size_t network_bytes, routing_bytes, hop_bytes; /* of the documents, changed or not */
} maps_made;

/* Takes one document; *changed: is it another one than before? Errors: its own, with *error. */
typedef alto_status maps_fn(void *context, const char *id, alto_slice text, bool *changed, alto_error *error);

/* Hand over all documents: the network map first, then the cost maps that name its tag.
 * Errors: ALTO_NO_MEMORY, ALTO_TOO_LARGE; those of `take`, which end it. */
alto_status maps_make(const isp *self, maps_fn *take, void *context, maps_made *made, alto_error *error);

/* The maps_fn that brings the file ID.json in the directory `context` (const char *) up to date: one that already has
 * the content is left alone; others are replaced by rename. Errors: ALTO_IO. */
maps_fn maps_write;

#endif
