/* SPDX-License-Identifier: Apache-2.0 */
/* document.h - what a source document says of itself, and the same content with other tags.
 *
 * Threads: none inside. Pure. */
#ifndef DOCUMENT_H
#define DOCUMENT_H

#include "core/mapjson.h"
#include "core/wire.h"

typedef struct {
    char id[ALTO_MAX_NAME + 1]; /* the resource ID: of a network map that of its vtag, of others the document's name */
    alto_vtag vtag;             /* without a tag when it has none */
    alto_vtag dependencies[ALTO_MAX_DEPENDENCIES];
    size_t dependency_count;
    const char *media_type; /* as document_media_type() */
} document_facts;

/* A document's media type, by the data member that RFC 7285 and its extensions give each kind, static text; NULL: that of its kind,
 * or none that is known. */
const char *document_media_type(const alto_version *version);
/* Is it what its source says (NULL: nothing)? Errors: ALTO_WRONG_TYPE. */
alto_status document_check_type(const alto_version *version, const char *media_type, alto_error *error);

/* name: what the document is called without ".json". Errors: ALTO_INVALID (no resource ID can be made of it, a network map
 * without a usable vtag, bad dependent-vtags), ALTO_NO_MEMORY. */
alto_status document_learn(const alto_version *version, const char *name, document_facts *out, alto_error *error);

/* A network map with a tag made of its content; *vtag, its own before, gets it. Errors: ALTO_NO_MEMORY. */
alto_status document_retag(alto_pool *pool, const alto_version *map, alto_vtag *vtag, alto_version **out);
/* The same content with these dependent-vtags. Errors: ALTO_NO_MEMORY. */
alto_status document_depend(alto_pool *pool, const alto_version *version, const alto_vtag *dependencies, size_t count,
                            alto_version **out);

#endif
