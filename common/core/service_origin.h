/* SPDX-License-Identifier: Apache-2.0 */
/* service_origin.h - what the ALTO server that is the origin says of itself: the entries of its directory, which a view
 * has as the document ".ird", and which of its services can be answered from the maps of the view.
 *
 * Threads: none inside. Pure. */
#ifndef ALTO_SERVICE_ORIGIN_H
#define ALTO_SERVICE_ORIGIN_H

#include "core/ird_local.h"
#include "core/service.h"

/* The directory; NULL: the origin is no ALTO server, or the document is not held, or has no resources. Borrowed from the view, as all here. */
const alto_version *alto_origin_directory(const alto_view *view);
/* Its entry of that ID, JSON; false when there is none. */
bool alto_origin_entry(const alto_view *view, const char *id, alto_slice *entry);
/* The ID of the entry at `cursor`, which walks over the member "resources"; false: it is none. */
bool alto_origin_id(const alto_cursor *cursor, char id[ALTO_MAX_NAME + 1]);
/* A cost type by its name in the directory, a JSON literal; false when it has none of that name. */
bool alto_origin_cost_type(const alto_version *directory, alto_slice name, alto_cost_type *type);

/* The service of an entry; false: it is none, or asks for more than the maps of the view tell (another property, a cost type
 * without a cost map, more than ALTO_SERVICE_COSTS of them). Where a map may not be shown
 * at the moment, out->map is that one. */
bool alto_origin_service(const alto_view *view, const char *id, alto_slice entry, alto_service *out);
/* The kinds of those that there are. */
unsigned alto_origin_kinds(const alto_view *view);
/* Has the directory a service of that kind, whatever it asks for, of which `here` says yes? */
bool alto_origin_has(const alto_view *view, alto_service_kind kind, alto_ird_here_fn *here, void *context);

#endif
