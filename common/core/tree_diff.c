/* SPDX-License-Identifier: Apache-2.0 */
/* Comparing two trees. */
#include "core/tree_node.h"

/* A walk over a tree whose current element is a node not yet opened, or an entry. */
typedef struct {
    struct {
        const alto_tree *node;
        uint32_t index;
    } path[ALTO_TREE_MAX_LEVEL + 2];
    const alto_tree *top; /* the current element while depth is 0; NULL at the end */
    unsigned depth;
    uint64_t rank; /* entries before the current element */
} walk;

static bool at_end(const walk *self)
{
    return !self->top;
}

/* The node that is the current element; NULL when it is an entry. */
static const alto_tree *walk_node(const walk *self)
{
    if (self->depth == 0)
        return self->top;
    const alto_tree *parent = self->path[self->depth - 1].node;
    return parent->level ? alto_links_of(parent)[self->path[self->depth - 1].index] : NULL;
}

static void walk_open(walk *self)
{
    const alto_tree *node = walk_node(self);
    self->path[self->depth].node = node;
    self->path[self->depth].index = 0;
    self->depth++;
}

/* Past the current element, whatever it is. */
static void walk_skip(walk *self)
{
    const alto_tree *node = walk_node(self);
    self->rank += node ? alto_entries_of(node) : 1;
    while (self->depth > 0 && ++self->path[self->depth - 1].index == self->path[self->depth - 1].node->count)
        self->depth--;
    if (self->depth == 0)
        self->top = NULL;
}

static alto_slice walk_key(const walk *self)
{
    return alto_run_key(self->path[self->depth - 1].node->keys, self->path[self->depth - 1].index);
}

static alto_value walk_value(const walk *self)
{
    return alto_value_at(self->path[self->depth - 1].node, self->path[self->depth - 1].index);
}

/* Report the lesser of the two current entries, or both when they have one key. */
static alto_status step_entries(walk *before, walk *after, alto_value_type type, alto_diff_fn *found, void *context)
{
    int order = at_end(before) ? 1 : at_end(after) ? -1 : alto_slice_compare(walk_key(before), walk_key(after));
    alto_slice key = order <= 0 ? walk_key(before) : walk_key(after);
    alto_value old = {.cost = 0}, new = {.cost = 0};
    if (order <= 0)
        old = walk_value(before);
    if (order >= 0)
        new = walk_value(after);
    alto_status status = ALTO_OK;
    if (order != 0 || !alto_value_equal(type, &old, &new))
        status = found(context, key, order <= 0 ? &old : NULL, order >= 0 ? &new : NULL, before->rank, after->rank);
    if (order <= 0)
        walk_skip(before);
    if (order >= 0)
        walk_skip(after);
    return status;
}

/* Report what differs between two leaves with one run of keys. */
static alto_status compare_values(const alto_tree *before, const alto_tree *after, uint64_t rank_before,
                                  uint64_t rank_after, alto_diff_fn *found, void *context)
{
    alto_status status = ALTO_OK;
    for (uint32_t i = 0; i < before->count && status == ALTO_OK; i++) {
        alto_value old = alto_value_at(before, i), new = alto_value_at(after, i);
        if (!alto_value_equal((alto_value_type)before->type, &old, &new))
            status = found(context, alto_run_key(before->keys, i), &old, &new, rank_before + i, rank_after + i);
    }
    return status;
}

/* Open what stands higher, or both where they stand alike; `a` and `b` are their nodes, NULL where there is none. */
static void walk_down(walk *before, walk *after, const alto_tree *a, const alto_tree *b)
{
    bool open_before = a && (!b || a->level >= b->level), open_after = b && (!a || b->level >= a->level);
    if (open_before)
        walk_open(before);
    if (open_after)
        walk_open(after);
}

alto_status alto_tree_diff_leaves(const alto_tree *before, const alto_tree *after, alto_diff_fn *found,
                                  alto_diff_leaves_fn *leaves, void *context)
{
    if (!before && !after)
        return ALTO_OK;
    alto_value_type type = (alto_value_type)(before ? before : after)->type;
    walk old = {.top = before}, new = {.top = after};
    alto_status status = ALTO_OK;
    while (status == ALTO_OK && (!at_end(&old) || !at_end(&new))) {
        const alto_tree *a = at_end(&old) ? NULL : walk_node(&old);
        const alto_tree *b = at_end(&new) ? NULL : walk_node(&new);
        bool same_level = a && b && a->level == b->level, equal = same_level && alto_tree_equal(a, b);
        if (!a && !b) {
            status = step_entries(&old, &new, type, found, context);
        } else if (equal || (same_level && a->level == 0 && a->keys == b->keys)) {
            if (!equal)
                status =
                    leaves ? leaves(context, a, b, old.rank) : compare_values(a, b, old.rank, new.rank, found, context);
            walk_skip(&old);
            walk_skip(&new);
        } else {
            walk_down(&old, &new, a, b);
        }
    }
    return status;
}

alto_status alto_tree_diff(const alto_tree *before, const alto_tree *after, alto_diff_fn *found, void *context)
{
    return alto_tree_diff_leaves(before, after, found, NULL, context);
}
