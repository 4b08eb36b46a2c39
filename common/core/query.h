/* SPDX-License-Identifier: Apache-2.0 */
/* query.h - the JSON of a request (RFC 7285 8.3.2): its fields by a table, lists of strings, and what is said of a
 * request that is wrong (8.5.2).
 *
 * Functions that answer a request have the shape
 *     alto_status alto_query_X(..., alto_slice body, alto_buffer *out, alto_query_error *error);
 * and append the JSON of the answer to `out`. ALTO_INVALID: the request is wrong, *error says how; ALTO_NO_MEMORY;
 * ALTO_TOO_LARGE: the answer does not fit into `out`. After a failure what is in `out` has no meaning.
 *
 * Unknown fields are ignored (8.3.7); of two fields with one name the last counts. Threads: none inside. Pure. */
#ifndef ALTO_QUERY_H
#define ALTO_QUERY_H

#include "core/mapjson.h"

typedef enum {
    ALTO_E_SYNTAX,
    ALTO_E_MISSING_FIELD,
    ALTO_E_INVALID_FIELD_TYPE,
    ALTO_E_INVALID_FIELD_VALUE
} alto_query_code;

/* One thing that is wrong with a request. Texts are NUL-terminated, cut at the end of a character where too long. */
typedef struct {
    alto_query_code code;
    char field[128]; /* "cost-type/cost-metric"; "" for E_SYNTAX */
    char value[256]; /* E_INVALID_FIELD_VALUE: the value, or the element, as a string */
    char why[448];   /* E_SYNTAX: what is wrong and where */
} alto_query_error;

/* Fill *error and return ALTO_INVALID. value: the characters; of other JSON than strings its text. */
alto_status alto_query_missing(alto_query_error *error, const char *field);
alto_status alto_query_bad_type(alto_query_error *error, const char *field);
alto_status alto_query_bad_value(alto_query_error *error, const char *field, alto_slice value);
/* The same for a raw JSON value. */
alto_status alto_query_bad_json(alto_query_error *error, const char *field, alto_slice raw);

/* Append the body of type application/alto-error+json. */
void alto_query_error_text(const alto_query_error *error, alto_buffer *out);

/* ---- reading ---- */

/* Is `body` JSON (UTF-8, at most ALTO_MAX_JSON_DEPTH deep), and an object? First of all; what follows relies on it.
 * Errors: ALTO_INVALID (E_SYNTAX), ALTO_NO_MEMORY. */
alto_status alto_query_open(alto_slice body, alto_query_error *error);

typedef enum { ALTO_QUERY_STRING, ALTO_QUERY_ARRAY, ALTO_QUERY_OBJECT } alto_query_type;

typedef struct {
    const char *name, *path; /* as a member, and as the error says it: "cost-metric", "cost-type/cost-metric" */
    alto_query_type type;
    bool required;
    alto_slice value; /* out: raw JSON of that type, borrowed; data NULL when the field is absent */
} alto_query_field;

static inline bool alto_query_has(const alto_query_field *field)
{
    return field->value.data != NULL;
}

/* Find the fields of an object in a body that was opened. Errors: ALTO_INVALID (E_MISSING_FIELD,
 * E_INVALID_FIELD_TYPE). */
alto_status alto_query_fields(alto_slice object, alto_query_field *fields, size_t count, alto_query_error *error);

/* The elements of an array of strings, escapes resolved, in one block of memory. Made with {0}. */
typedef struct {
    alto_slice *items; /* owned, with the characters of those that had escapes; others point into the body */
    size_t count;
} alto_query_strings;

/* Read `field`'s array, or an empty one when it is absent. Errors: ALTO_INVALID (E_INVALID_FIELD_VALUE with the
 * element, when one is no string), ALTO_NO_MEMORY. */
alto_status alto_query_strings_read(const alto_query_field *field, alto_query_strings *out, alto_query_error *error);
void alto_query_strings_fini(alto_query_strings *self);
/* Put them into ascending order, each once. */
void alto_query_strings_sort(alto_query_strings *self);

/* Is it one of them? They are sorted. */
bool alto_query_strings_have(const alto_query_strings *self, alto_slice text);

/* The characters of a string, NUL-terminated; "" for one that does not fit or holds a NUL, which no name does. */
void alto_query_text(alto_slice raw, char *out, size_t room);

#endif
