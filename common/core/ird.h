/* SPDX-License-Identifier: Apache-2.0 */
/* ird.h - the information resource directory (RFC 7285 9) that a server of a view offers.
 *
 * Resource IDs, tags and cost types are the origin's; URIs are this server's, beginning with '/'.
 *
 * Threads: none inside. Pure. */
#ifndef ALTO_IRD_H
#define ALTO_IRD_H

#include "core/ird_local.h"
#include "core/service.h"

/* Append the directory of what `view` shows, but for what altocast itself publishes (IDs beginning with '.'), and of its
 * services of these kinds. Where the origin is an ALTO server it is the origin's own (service_origin.h): all stays but the
 * URIs, entries of what is not answered are left out, services that it does not have are added, and so is a default network map
 * where it names none that is answered.
 * base    before the path in each URI: "", "/isp-a" where an origin has that name, or another server's, e.g. "https://rproxy.example"
 * elsewhere, context  says which other resources of the origin are answered by somebody for this server, under the same path; NULL: none
 * Errors  ALTO_NO_MEMORY, ALTO_TOO_LARGE. */
alto_status alto_ird(const alto_view *view, unsigned services, const char *base, alto_ird_here_fn *elsewhere,
                     void *context, alto_buffer *out);

/* Is this first segment of a path one that the server itself needs? */
bool alto_path_reserved(alto_slice segment);

/* The URI path of a resource ID, NUL-terminated: "/" and the ID, or "/resource/" and the ID where that is taken by something else. */
#define ALTO_URI_PATH 128
void alto_id_path(alto_slice id, char path[ALTO_URI_PATH]);
/* The inverse: the ID, a part of `path`; NULL when it is no resource's path. */
const char *alto_path_id(const char *path);
/* The resource of that path that the view has (shown or not); NULL when there is none. */
const alto_resource *alto_resource_at(const alto_view *view, const char *path);

#endif
