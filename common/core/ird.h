/* SPDX-License-Identifier: Apache-2.0 */
/* ird.h - the information resource directory (RFC 7285 9) that a server of a view offers.
 *
 * Resource IDs, tags and cost types are the origin's; URIs are this server's, beginning with '/'.
 *
 * Threads: none inside. Pure. */
#ifndef ALTO_IRD_H
#define ALTO_IRD_H

#include "core/view.h"

/* Append the directory of what `view` shows, but for what altocast itself publishes (IDs beginning with '.').
 * Errors: ALTO_NO_MEMORY, ALTO_TOO_LARGE. */
alto_status alto_ird(const alto_view *view, alto_buffer *out);
/* The same with URIs below another server's base URL, e.g. "https://rproxy.example". */
alto_status alto_ird_at(const alto_view *view, const char *base, alto_buffer *out);

/* The URI path of a resource, NUL-terminated: "/" and its ID, or "/resource/" and its ID where that is taken by something else. */
#define ALTO_URI_PATH 128
void alto_resource_path(const alto_resource *resource, char path[ALTO_URI_PATH]);
/* The inverse: the resource of that path that the view has (shown or not); NULL when there is none. */
const alto_resource *alto_resource_at(const alto_view *view, const char *path);

#endif
