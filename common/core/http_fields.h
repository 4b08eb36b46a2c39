/* SPDX-License-Identifier: Apache-2.0 */
/* http_fields.h - the header fields of a request that matter here, as a full HTTP parser tells them one by one, and what is wrong
 * with them.
 *
 * Threads: none inside. */
#ifndef ALTO_HTTP_FIELDS_H
#define ALTO_HTTP_FIELDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A field that may stand there several times; a second one is joined to the first as RFC 9110 5.2 says. */
typedef struct {
    const char *text; /* NULL when absent */
    char *joined;     /* owned, or NULL */
} alto_http_field;

/* All zero: none. */
typedef struct {
    alto_http_field if_none_match, accept, accept_encoding, content_type, authorization;
    const char *content_length; /* NULL when absent */
    size_t count;               /* of all fields, of these or not */
    bool chunked, conflict, expects, no_memory;
} alto_http_fields;

/* One more field; value: NULL is "". Both are borrowed. */
void alto_http_fields_add(alto_http_fields *self, const char *name, const char *value);
void alto_http_fields_fini(alto_http_fields *self);

/* The length that is told of the body; 0: none is. What is no number is for the parser. */
uint64_t alto_http_fields_length(const alto_http_fields *self);
/* The status to refuse a request with that has these, and a body of at most so many bytes; 0: nothing is wrong. Two lengths, or a
 * length beside chunks, are how requests are smuggled past a proxy. */
unsigned alto_http_fields_judge(const alto_http_fields *self, size_t max_body);

#endif
