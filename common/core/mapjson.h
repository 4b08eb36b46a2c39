/* SPDX-License-Identifier: Apache-2.0 */
/* mapjson.h - ALTO JSON documents to versions. The work is spread over json_*.c; of these
 * json_parse.c is the only file that knows YAJL.
 *
 * A document with "network-map" (RFC 7285 11.2.1) is a network map, one with
 * "cost-map" (11.2.3) a cost map unless a cell is no number, everything else a
 * document. No DOM is built: rows go from text to tree. A payload row whose text is byte for
 * byte what it was last time is taken over from the version before, and read no further than to find that out.
 *
 * Refused (nothing changes): text that is not JSON or not UTF-8, duplicate
 * names at any level, PID names outside 10.1, bad prefixes, one prefix in two PIDs (11.2.2),
 * numbers that are not finite doubles, anything beyond limits.h. The error's `where` is a path, "/cost-map/PID1/PID2", or about where text stops being JSON, "byte 1234".
 *
 * Threads: none inside. */
#ifndef ALTO_MAPJSON_H
#define ALTO_MAPJSON_H

#include "core/version.h"

/* What is remembered of a resource's last text: fingerprints of its rows and, for
 * a network map, which PID holds which prefix. Belongs to one resource. */
typedef struct alto_map_memory alto_map_memory;
alto_map_memory *alto_map_memory_new(void); /* NULL: out of memory */
void alto_map_memory_destroy(alto_map_memory **self);

/* Read a whole document.
 * memory   of this resource (may be NULL); updated on success only
 * base     the version that `memory` describes, or NULL (then memory is ignored and made anew). Unchanged
 *          rows are shared with it; equal content gives base itself, retained. With any other version, e.g. one whose
 *          meta was changed since, the result is right too, and shared, but every row is parsed.
 * *out     a new reference. */
alto_status alto_map_read(alto_pool *pool, alto_slice text, const alto_version *base, alto_map_memory *memory,
                          alto_version **out, alto_error *error);

/* Read the items of one payload row, e.g. {"PID1":1,"PID2":6.5} or {"ipv4":["192.0.2.0/24"]}: the fast way in
 * for a source that knows what changed.
 * before   items of that row so far (NULL: none): shares keys and unchanged leaves with it
 * path     put before the error's `where`, e.g. "/cost-map/PID1"
 * *items   owned by the caller; NULL for an empty row. */
alto_status alto_map_read_row(alto_pool *pool, alto_kind kind, alto_slice text, const alto_tree *before,
                              const char *path, alto_tree **items, alto_error *error);

/* Is it a PID name or resource ID: 1 to 64 of [0-9A-Za-z-:@_.] (RFC 7285 10.1, 10.2)? */
bool alto_name_valid(alto_slice name);
/* Is it a tag: 1 to 64 of U+0021..U+007E (10.3)? */
bool alto_tag_valid(alto_slice tag);

/* A version tag; texts NUL-terminated. */
typedef struct {
    char resource_id[ALTO_MAX_NAME + 1];
    char tag[ALTO_MAX_NAME + 1];
} alto_vtag;
/* meta.vtag: ALTO_NOT_FOUND when absent, ALTO_INVALID when it breaks 10.2 or 10.3. */
alto_status alto_version_vtag(const alto_version *version, alto_vtag *out);
/* meta.dependent-vtags: *count 0 when absent. Errors: ALTO_INVALID, ALTO_TOO_LARGE (more than ALTO_MAX_DEPENDENCIES). */
alto_status alto_version_dependencies(const alto_version *version, alto_vtag out[ALTO_MAX_DEPENDENCIES], size_t *count);
/* meta.cost-type: false when absent or ill-typed. */
typedef struct {
    char metric[ALTO_MAX_NAME + 1], mode[ALTO_MAX_NAME + 1];
} alto_cost_type;
bool alto_version_cost_type(const alto_version *version, alto_cost_type *out);

/* The canonical JSON texts of those members as this code writes them, e.g. {"resource-id":"x","tag":"y"}
 * and [{"resource-id":"x","tag":"y"}] (keys in JCS order). Appended to `out`. */
void alto_vtag_text(const alto_vtag *vtag, alto_buffer *out);
void alto_dependencies_text(const alto_vtag *vtags, size_t count, alto_buffer *out);

/* Canonical form (RFC 8785, numbers as alto_number_canonical) of one JSON value, appended to `out`.
 * Errors: ALTO_SYNTAX, ALTO_DUPLICATE, ALTO_TOO_LARGE. */
alto_status alto_json_canonical(alto_slice text, alto_buffer *out, alto_error *error);
/* Append a JSON string literal with its quotes, escaped as RFC 8785 says. */
void alto_json_string(alto_buffer *out, alto_slice text);

/* A member of a small JSON object, as borrowed raw text; for reading settings and info documents.
 * `path` is the names to follow, NULL-terminated. false when absent or not JSON, or out of memory. */
bool alto_json_get(alto_slice text, const char *const *path, alto_slice *value);
/* A JSON string literal (raw text with quotes) to characters, NUL-terminated; false when it is no
 * string, does not fit, or holds a NUL; `out` is undefined then. */
bool alto_json_text(alto_slice raw, char *out, size_t room);
/* The raw text of element `index` of a JSON array; false past the end. */
bool alto_json_element(alto_slice array, size_t index, alto_slice *value);

#endif
