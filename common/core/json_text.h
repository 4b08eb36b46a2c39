/* SPDX-License-Identifier: Apache-2.0 */
/* json_text.h - JSON as text: which bytes may occur, where a value ends, and the
 * members of an object as raw text, without looking into their values.
 *
 * Whoever cuts a text here has the values read by json_parse.h afterwards, or
 * knows them already: a walk alone does not say that a value is JSON.
 *
 * Threads: none inside. */
#ifndef ALTO_JSON_TEXT_H
#define ALTO_JSON_TEXT_H

#include "core/bytes.h"

/* Where a text comes from, for whoever has to say what is wrong with it. */
typedef struct {
    const uint8_t *origin; /* byte 0 of what the person who wrote it sees */
    const char *path;      /* of the value that begins at origin, e.g. "" or "/cost-map/PID1" */
    alto_error *error;     /* filled in; may be NULL */
} alto_json_place;

/* Refuse the text at the byte `at`: `where` becomes "byte 1234". Returns `status`. */
alto_status alto_json_refuse(const alto_json_place *place, const uint8_t *at, alto_status status, const char *why);

/* May these bytes be JSON? UTF-8 (RFC 3629), no control characters other than
 * tab, line feed and carriage return, no lone surrogates among the \u escapes.
 * *offset  of the first byte that may not. */
bool alto_json_bytes_valid(alto_slice text, size_t *offset);

/* A walk over the members of an object or the elements of an array. */
typedef struct {
    const uint8_t *at, *end;
    const char *fault; /* what is wrong at `at`; NULL as long as nothing is */
    bool started;
} alto_json_walk;

typedef enum { ALTO_JSON_ITEM, ALTO_JSON_END, ALTO_JSON_BROKEN } alto_json_step;

alto_json_walk alto_json_walk_make(alto_slice text);
/* Skip white space; the next byte, or 0 at the end. */
uint8_t alto_json_walk_peek(alto_json_walk *self);
/* Enter the object ('{') or array ('[') that comes next; false (and a fault) when it does not. */
bool alto_json_walk_enter(alto_json_walk *self, uint8_t open);
/* Go to the next member of an object: *key is the literal with its quotes, and the walk stands at its value.
 * ALTO_JSON_END: the walk stands behind the closing brace. */
alto_json_step alto_json_walk_member(alto_json_walk *self, alto_slice *key);
/* Go to the next element of an array, likewise. */
alto_json_step alto_json_walk_element(alto_json_walk *self);
/* Take the characters of the string that comes next, and of those that follow after a comma and at most one space, as far as they are
 * ASCII without escapes. Returns how many; each takes three bytes of the text at least, its comma included. 0: nothing but white
 * space was taken. */
size_t alto_json_walk_plains(alto_json_walk *self, alto_slice *characters);
/* Take the value that comes next, brackets balanced and at most ALTO_MAX_JSON_DEPTH deep; false (and a fault) when there is none. */
bool alto_json_walk_value(alto_json_walk *self, alto_slice *value);
/* The elements of an array, one after the other: begin, then take each; false past the end, or where it is no array. */
alto_json_walk alto_json_elements(alto_slice array);
bool alto_json_next(alto_json_walk *self, alto_slice *value);
/* Nothing but white space left? Otherwise a fault. */
bool alto_json_walk_finish(alto_json_walk *self);

/* Append the characters of a string literal (with its quotes); false when an escape is none. */
bool alto_json_unescape(alto_slice literal, alto_buffer *out);

#endif
