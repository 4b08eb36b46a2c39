/* SPDX-License-Identifier: Apache-2.0 */
/* weight.h - what it costs to keep an old version beside its successor.
 *
 * Threads: none inside. Pure. */
#ifndef ALTO_WEIGHT_H
#define ALTO_WEIGHT_H

#include "core/tree.h"

/* Bytes of the nodes that `tree` does not share with `other` (NULL: with nothing), which it mostly equals, and of what is
 * derived from them: a good estimate, in proportion to what differs. Where other keys moved the borders of nodes it may be too high. */
uint64_t alto_tree_weight(const alto_tree *tree, const alto_tree *other);

#endif
