/* SPDX-License-Identifier: Apache-2.0 */
/* lpm_once.h - the lpm of a network map for threads that may all ask first: one makes it, which may take a second for a
 * million prefixes, and the others wait for that.
 *
 * Threads: any. */
#ifndef ALTO_LPM_ONCE_H
#define ALTO_LPM_ONCE_H

#include "core/view.h"

/* As alto_resource_lpm. Without locks once it is made. Errors: ALTO_NO_MEMORY. */
alto_status alto_lpm_once(const alto_resource *network_map, const alto_lpm **out);

#endif
