/* SPDX-License-Identifier: Apache-2.0 */
/* json_follow.h - a row of prefixes read against the row as it was.
 *
 * Most texts of a big row say what the row holds already, in its order: then each prefix
 * is compared as it is read, and nothing is kept but what differs.
 *
 * Threads: none inside. */
#ifndef ALTO_JSON_FOLLOW_H
#define ALTO_JSON_FOLLOW_H

#include "core/json_items.h"

/* Read the row of a network map `text`, and gather in items->edits what is to be done to `before` (may be NULL) so that it
 * becomes that. false: the row has other members than "ipv4" and "ipv6", escapes, an empty array, prefixes that do not
 * ascend, or a fault, or memory ran out: it has to be read in the usual way, which also says what is wrong. */
bool alto_follow_prefixes(alto_items *items, alto_slice text, const alto_tree *before);

#endif
