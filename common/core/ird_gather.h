/* SPDX-License-Identifier: Apache-2.0 */
/* ird_gather.h - the directories of an ALTO server (RFC 7285 9.2), gathered into one: the root, and those that it links to.
 *
 * Directories are named by URL and each is read once, so links may go round in circles.
 *
 * Threads: none inside. Pure. */
#ifndef ALTO_IRD_GATHER_H
#define ALTO_IRD_GATHER_H

#include "core/bytes.h"
#include "core/limits.h"

typedef struct {
    char id[ALTO_MAX_NAME + 1];
    char media_type[ALTO_MAX_MEDIA_TYPE + 1]; /* lower case, without parameters */
    bool has_input;                           /* it "accepts" something: to be asked with POST */
    char url[ALTO_MAX_URL + 1];               /* absolute */
} alto_ird_entry;

/* What `reference` means in a document that came from `base`; false: nothing that can be asked for. As alto_url_resolve. */
typedef bool alto_ird_resolve_fn(const char *base, const char *reference, char *url, size_t room);
/* An entry or link cannot be used and is left out; `why` is for people. */
typedef void alto_ird_fault_fn(void *context, const char *id, const char *why);

typedef struct alto_ird_gather alto_ird_gather;
/* NULL: out of memory. */
alto_ird_gather *alto_ird_gather_new(alto_ird_resolve_fn *resolve, alto_ird_fault_fn *fault, void *context);
void alto_ird_gather_destroy(alto_ird_gather **self);

/* Add the directory `text`, which came from `url`; the root comes first. Its entries are added to those that there are (of two with
 * one ID the first counts), and the directories that it names to the links.
 * Errors: ALTO_SYNTAX, ALTO_DUPLICATE (a name), ALTO_TOO_LARGE; ALTO_INVALID: it has no "resources"; ALTO_NO_MEMORY: what there
 * is must not be used. All others leave everything as it was. */
alto_status alto_ird_gather_add(alto_ird_gather *self, const char *url, alto_slice text, alto_error *error);

/* Entry or link `index`, in the order found; NULL past the end. Links are absolute URLs of directories, each once; that
 * of the root is none, unless it is named. Borrowed until the next alto_ird_gather_add. */
const alto_ird_entry *alto_ird_gather_entry(const alto_ird_gather *self, size_t index);
const char *alto_ird_gather_link(const alto_ird_gather *self, size_t index);

/* Append the one directory that all of them make: members of the root, cost types of all, entries of all with absolute URIs, no
 * links. An entry of another directory that uses the name of a cost type for something else than the root does is
 * left out. Errors: ALTO_NO_MEMORY, ALTO_TOO_LARGE. */
alto_status alto_ird_gather_text(const alto_ird_gather *self, alto_buffer *out);

#endif
