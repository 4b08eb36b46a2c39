/* SPDX-License-Identifier: Apache-2.0 */
/* front_directory.h - the directory of one origin as it is answered, and what that says of services. It is made once for each commit, base
 * of URIs and coding, and anew when the ALTO server behind this one offers something else.
 *
 * Threads: any. */
#ifndef ALTO_FRONT_DIRECTORY_H
#define ALTO_FRONT_DIRECTORY_H

#include "core/coding.h"
#include "core/service.h"
#include "io/answer.h"
#include "io/blob.h"

typedef struct alto_front_directory alto_front_directory;
/* NULL: out of memory. */
alto_front_directory *alto_front_directory_new(void);
void alto_front_directory_destroy(alto_front_directory **self);
/* Who answers for what is not held, copied; before the first request. */
void alto_front_directory_set_behind(alto_front_directory *self, const alto_behind *behind);

/* The directory of a view, in that coding. The caller releases *out. Errors: ALTO_NO_MEMORY, ALTO_TOO_LARGE. */
alto_status alto_front_directory_get(alto_front_directory *self, const alto_view *view, const char *base,
                                     alto_coding coding, const alto_blob **out);
/* The service of that ID that is answered from the maps of a view; false: there is none. There are no endpoint costs of our making
 * beside those that the ALTO server is asked for. */
bool alto_front_service(const alto_front_directory *self, const alto_view *view, const char *id, alto_service *out);

#endif
