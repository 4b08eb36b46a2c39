/* SPDX-License-Identifier: Apache-2.0 */
/* tree_guess.h - keys that are looked up again and again, in the rows of one cost map or in one version after the other: they are
 * mostly where they were the last time.
 *
 * Threads: any; they share what they remember, without locks. */
#ifndef ALTO_TREE_GUESS_H
#define ALTO_TREE_GUESS_H

#include "core/tree.h"

/* As alto_tree_find_place, looking first where this key, or others with the same hash, were found last in any tree. */
bool alto_tree_find_again(const alto_tree *tree, alto_slice key, uint64_t *place, alto_value *value);

#endif
