/* SPDX-License-Identifier: Apache-2.0 */
/* json_parse.h - JSON text to a stream of events; json_parse.c is the only file that knows YAJL.
 *
 * Threads: none inside. */
#ifndef ALTO_JSON_PARSE_H
#define ALTO_JSON_PARSE_H

#include "core/json_text.h"

typedef enum {
    ALTO_JSON_NULL,
    ALTO_JSON_FALSE,
    ALTO_JSON_TRUE,
    ALTO_JSON_NUMBER, /* text: the literal, of RFC 8259 form */
    ALTO_JSON_STRING, /* text: the characters, escapes resolved */
    ALTO_JSON_KEY,    /* text: likewise; the value follows */
    ALTO_JSON_OBJECT, /* begins */
    ALTO_JSON_OBJECT_END,
    ALTO_JSON_ARRAY, /* begins */
    ALTO_JSON_ARRAY_END
} alto_json_event;

/* Called for each event, in order of the text. `text` points into the parsed text where it has no escapes, and
 * otherwise to memory that lasts for the call only. Anything but ALTO_OK ends the parse and is returned. */
typedef alto_status alto_json_handler(void *context, alto_json_event event, alto_slice text);

/* Parse exactly one value, with white space around it. The text has passed
 * alto_json_bytes_valid(), or is part of one that has. handler may be NULL: just look whether it is JSON.
 * Errors: ALTO_SYNTAX, ALTO_TOO_LARGE (deeper than ALTO_MAX_JSON_DEPTH) and ALTO_NO_MEMORY, explained by way
 * of `place`; what the handler returns. */
alto_status alto_json_parse(alto_slice text, alto_json_handler *handler, void *context, const alto_json_place *place);

#endif
