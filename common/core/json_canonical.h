/* SPDX-License-Identifier: Apache-2.0 */
/* json_canonical.h - one JSON value in canonical form (RFC 8785), for those who cut documents into values;
 * whoever just wants a text made canonical takes alto_json_canonical() of mapjson.h.
 *
 * Threads: none inside. */
#ifndef ALTO_JSON_CANONICAL_H
#define ALTO_JSON_CANONICAL_H

#include "core/json_text.h"

/* Append the canonical form of `value` to `out`. Its bytes have passed alto_json_bytes_valid().
 * path   of the value in the document, for errors inside of it
 * Errors: ALTO_SYNTAX, ALTO_DUPLICATE, ALTO_TOO_LARGE, ALTO_NO_MEMORY, explained by way of `place`;
 * `out` may hold a part then. */
alto_status alto_json_canonical_value(alto_slice value, const char *path, const alto_json_place *place,
                                      alto_buffer *out);

#endif
