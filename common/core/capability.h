/* SPDX-License-Identifier: Apache-2.0 */
/* capability.h - the document `.capability` of an origin (docs/wire-format.md): who it is, who signs for it, which RProxies
 * redistribute it and under which policy; and what the operator of its ALTO server tells clients of that in his IRD.
 *
 * Threads: none inside. Pure. */
#ifndef ALTO_CAPABILITY_H
#define ALTO_CAPABILITY_H

#include "core/manifest.h"
#include "core/view.h"

#define ALTO_CAPABILITY_ID ".capability"
#define ALTO_CAPABILITY_URL 512 /* bytes of the base URL of an RProxy, with its NUL */

typedef struct {
    const alto_anchor *anchor;
    const alto_manifest *manifest;
    const char *const *rproxies; /* base URLs; slashes at their ends are not written */
    size_t rproxy_count;
    uint64_t valid_for_s, keep_ms; /* how long statements are valid; how long superseded objects can be pulled */
    uint32_t head_interval_ms;
} alto_capability;

/* Is it the base URL of an RProxy: http:// or https://, a host, perhaps a path; no query, no fragment? */
bool alto_capability_url_valid(const char *url);

/* Append the document as JSON. Errors: ALTO_NO_MEMORY, ALTO_TOO_LARGE. */
alto_status alto_capability_write(const alto_capability *self, alto_buffer *out);

/* The following read the `.capability` of a view. Errors: ALTO_NOT_FOUND (the view does not hold a usable one, there is no such
 * RProxy, or no memory to look), ALTO_NO_MEMORY, ALTO_TOO_LARGE. */

/* Append what an ALTO server's own IRD gains: {"meta":{"altocast":{...}}}, to be merged into it. */
alto_status alto_capability_ird_members(const alto_view *view, alto_buffer *out);
/* Append an IRD of the view whose entries point at the RProxy of that index. */
alto_status alto_capability_ird(const alto_view *view, size_t index, alto_buffer *out);

#endif
