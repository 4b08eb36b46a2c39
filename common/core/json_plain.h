/* SPDX-License-Identifier: Apache-2.0 */
/* json_plain.h - JSON of the plainest kind, which nearly all requests are: ASCII, strings without escapes. To say so takes a
 * fraction of a full parser's time.
 *
 * Threads: none inside. */
#ifndef ALTO_JSON_PLAIN_H
#define ALTO_JSON_PLAIN_H

#include "core/bytes.h"

/* Is `text` exactly one JSON value of that kind, at most ALTO_MAX_JSON_DEPTH deep? false says nothing: it may be JSON all the same, or
 * wrong, which a full parser has to find out. */
bool alto_json_is_plain(alto_slice text);

#endif
