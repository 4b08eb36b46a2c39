/* SPDX-License-Identifier: Apache-2.0 */
/* tree.h - an ordered Merkle tree of immutable, shared nodes.
 *
 * A tree maps keys (byte strings, ordered as alto_slice_compare orders them) to
 * values of one type. It is cut into chunks whose ends depend on keys alone: a
 * leaf ends after a key whose short hash has its low ALTO_TREE_BITS bits zero,
 * or when it holds ALTO_TREE_CAP entries; a node of level n ends in the same way
 * by the next ALTO_TREE_BITS bits for each level. So a tree, and its hash, is a
 * function of its content and not of the order of edits, and two trees are
 * compared by skipping what is equal (design: docs/architecture.md).
 *
 * A tree is a pointer to its top node; NULL is the empty tree. Nodes are
 * immutable and reference-counted: an edit makes a new tree that shares all that it did
 * not touch. The keys of a node are a *run*, shared between all nodes
 * that have the same keys in the same pool (the rows of a cost map).
 *
 * Threads: trees may be read, retained and released in any thread. A pool
 * belongs to one thread at a time. */
#ifndef ALTO_TREE_H
#define ALTO_TREE_H

#include "core/bytes.h"
#include "core/crypto.h"

#define ALTO_TREE_BITS 6
#define ALTO_TREE_CAP 256
#define ALTO_TREE_MAX_LEVEL 16 /* levels above the leaves; more entries than fit are refused */

typedef struct alto_tree alto_tree;
typedef struct alto_pool alto_pool;

typedef enum {
    ALTO_VALUE_NONE = 0, /* the key is all there is: a prefix */
    ALTO_VALUE_COST = 1, /* IEEE 754 double, finite, never -0 */
    ALTO_VALUE_TEXT = 2, /* bytes: canonical JSON, or a catalog entry */
    ALTO_VALUE_ROW = 3   /* a tree of items, possibly empty */
} alto_value_type;

typedef struct {
    union {
        double cost;
        alto_slice text;      /* borrowed from the tree, or lent to an edit, which copies it */
        const alto_tree *row; /* borrowed from the tree, or lent to an edit, which retains it */
    };
} alto_value;

/* Are two values of a type the same (costs: bit by bit)? */
bool alto_value_equal(alto_value_type type, const alto_value *a, const alto_value *b);

/* A pool of key runs, so that equal runs are held once. It keeps a run alive
 * only as long as some tree uses it (swept now and then). NULL when out of memory. */
alto_pool *alto_pool_new(void);
void alto_pool_destroy(alto_pool **self);

/* One more owner; returns `tree`. NULL is accepted. */
alto_tree *alto_tree_retain(const alto_tree *tree);
/* One owner less; frees what nobody owns any more. NULL is accepted. Never recurses deeper than the tree is high. */
void alto_tree_release(const alto_tree *tree);

/* Entries (leaf keys) of the tree; 0 for NULL. */
uint64_t alto_tree_entries(const alto_tree *tree);
/* For a tree of rows: items of all rows together; otherwise as entries. */
uint64_t alto_tree_items(const alto_tree *tree);
/* Digest of keys and values; the empty tree has a digest too. */
alto_hash alto_tree_hash(const alto_tree *tree);
/* Same content? By pointer, then by hash. */
bool alto_tree_equal(const alto_tree *a, const alto_tree *b);

/* The value of `key`; false when absent. value may be NULL. */
bool alto_tree_find(const alto_tree *tree, alto_slice key, alto_value *value);
/* The same, looking only at a place where some key was found, in this or in another tree (0: nowhere). */
bool alto_tree_find_at(const alto_tree *tree, alto_slice key, uint64_t place, alto_value *value);
/* The same as alto_tree_find, and *place: that of `key`, or of the first key behind it when it is absent; 0 when there is no such key,
 * or the tree is so high that it has no places. The places of one tree are in the order of its keys. */
bool alto_tree_find_place(const alto_tree *tree, alto_slice key, uint64_t *place, alto_value *value);
/* How many keys are less than `key`; *found (may be NULL) says whether it is there. */
uint64_t alto_tree_rank(const alto_tree *tree, alto_slice key, bool *found);

/* One change of one key. */
typedef struct {
    alto_slice key;   /* borrowed during the call */
    alto_value value; /* lent; ignored when remove */
    bool remove;      /* absent afterwards; a key that is absent already is no error */
} alto_edit;

/* A new tree: `base` with the edits applied.
 * edits      strictly ascending by key
 * type       of all values; the same as that of base
 * *out       owned by the caller (NULL for an empty tree), unset on failure
 * Errors     ALTO_NO_MEMORY; ALTO_TOO_LARGE (a key beyond ALTO_MAX_ITEM_KEY, more levels than allowed).
 * Costs in proportion to the edits (times the height), not to the tree. */
alto_status alto_tree_edit(alto_pool *pool, alto_value_type type, const alto_tree *base, const alto_edit *edits,
                           size_t count, alto_tree **out);

/* A tree of costs with the keys of `shape` and other values. Leaves and nodes
 * whose values are the same as in shape are shared with it, all others share its runs of keys.
 * costs      alto_tree_entries(shape) of them, in key order
 * Errors     ALTO_NO_MEMORY */
alto_status alto_tree_with_costs(const alto_tree *shape, const double *costs, alto_tree **out);

/* A tree of costs with some of them replaced, by rank (entries before).
 * ranks      `count` of them, strictly ascending, each less than alto_tree_entries(tree)
 * Errors     ALTO_NO_MEMORY
 * Costs in proportion to the leaves touched; compares no keys. */
alto_status alto_tree_set_costs(const alto_tree *tree, const uint64_t *ranks, const double *costs, size_t count,
                                alto_tree **out);

/* A position in a tree: between `at` the first entry and past the last. Borrows the
 * tree, which must stay. */
typedef struct {
    struct {
        const alto_tree *node;
        uint32_t index;              /* entry of the node; may equal its count only at the very end */
    } path[ALTO_TREE_MAX_LEVEL + 1]; /* path[0] is the leaf */
    uint32_t height;                 /* levels in use; 0: empty tree or past the end */
    uint64_t rank;                   /* entries before this one */
} alto_cursor;

/* At the first entry, or past the end when empty. */
void alto_cursor_first(alto_cursor *self, const alto_tree *tree);
/* At the entry with `rank` entries before it, or past the end. */
void alto_cursor_seek_rank(alto_cursor *self, const alto_tree *tree, uint64_t rank);
/* At the first entry whose key is not less than `key`. */
void alto_cursor_seek_key(alto_cursor *self, const alto_tree *tree, alto_slice key);
static inline bool alto_cursor_valid(const alto_cursor *self)
{
    return self->height > 0;
}
void alto_cursor_next(alto_cursor *self);
alto_slice alto_cursor_key(const alto_cursor *self);
alto_value alto_cursor_value(const alto_cursor *self);

/* Called for each key that differs, in key order. `before` or `after` is NULL
 * where the key is absent. rank_before, rank_after: entries before this key in each
 * tree. Anything but ALTO_OK stops the walk and is returned. */
typedef alto_status alto_diff_fn(void *context, alto_slice key, const alto_value *before, const alto_value *after,
                                 uint64_t rank_before, uint64_t rank_after);
/* Compare two trees of one type, in proportion to what differs. */
alto_status alto_tree_diff(const alto_tree *before, const alto_tree *after, alto_diff_fn *found, void *context);

/* Called for two leaves that have the same keys and other values. rank_before: entries before the first of them. */
typedef alto_status alto_diff_leaves_fn(void *context, const alto_tree *before, const alto_tree *after,
                                        uint64_t rank_before);
/* The same, but such leaves are reported whole, by `leaves`, and not key by key. */
alto_status alto_tree_diff_leaves(const alto_tree *before, const alto_tree *after, alto_diff_fn *found,
                                  alto_diff_leaves_fn *leaves, void *context);

/* ---- for what is derived from nodes (render.h) ---- */

/* Something made from the content of a node and kept with it; freed with the node. */
typedef struct alto_derived {
    void (*destroy)(struct alto_derived *self);
} alto_derived;
/* What is attached, or NULL. Any thread. */
alto_derived *alto_tree_derived(const alto_tree *node);
/* Attach `made` unless something is attached already; returns what is attached
 * then. The loser is not destroyed: that is up to the caller. */
alto_derived *alto_tree_attach(const alto_tree *node, alto_derived *made);

/* Anatomy of a node, for walks over nodes instead of entries. */
typedef struct {
    alto_value_type type;
    unsigned level; /* 0: a leaf */
    uint32_t count; /* entries (leaf) or children */
} alto_node_info;
alto_node_info alto_node_look(const alto_tree *node);
/* All children of the node, or trees of its rows, are about to be looked at or retained: let the memory bring them together, not one after
 * the other. */
void alto_node_expect(const alto_tree *node);
alto_slice alto_node_key(const alto_tree *node, uint32_t index); /* of a child: its greatest key */
/* All keys of a node, one directly behind the other. */
alto_slice alto_node_keys(const alto_tree *node);
alto_value alto_node_value(const alto_tree *leaf, uint32_t index);       /* leaves only */
const alto_tree *alto_node_child(const alto_tree *node, uint32_t index); /* level > 0 only; borrowed */
/* The costs of a leaf of costs, in key order, borrowed. */
const double *alto_node_costs(const alto_tree *leaf);
/* Do two nodes have the very same run of keys (by pointer)? */
bool alto_node_same_keys(const alto_tree *a, const alto_tree *b);

#endif
