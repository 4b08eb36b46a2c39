/* SPDX-License-Identifier: Apache-2.0 */
#include "core/tree_run.h"

#include <assert.h>

_Static_assert(ALTO_TREE_CAP <= UINT16_MAX, "node counts are 16 bits");

/* ---- nodes ---- */

alto_tree *alto_tree_retain(const alto_tree *tree)
{
    alto_tree *self = (alto_tree *)(uintptr_t)tree;
    if (self)
        atomic_fetch_add_explicit(&self->refs, 1, memory_order_relaxed);
    return self;
}

void alto_tree_release(const alto_tree *tree)
{
    alto_tree *self = (alto_tree *)(uintptr_t)tree;
    if (!self || atomic_fetch_sub_explicit(&self->refs, 1, memory_order_acq_rel) != 1)
        return;
    if (alto_has_sums(self))
        for (uint32_t i = 0; i < self->count; i++)
            alto_tree_release(alto_links_of(self)[i]);
    alto_derived *derived = atomic_load_explicit(&self->derived, memory_order_acquire);
    if (derived)
        derived->destroy(derived);
    alto_run_release(self->keys);
    free(self);
}

uint64_t alto_tree_entries(const alto_tree *tree)
{
    if (!tree)
        return 0;
    return alto_entries_of(tree);
}

uint64_t alto_tree_items(const alto_tree *tree)
{
    if (!tree)
        return 0;
    return alto_has_sums(tree) ? alto_sums_of(tree)->items : tree->count;
}

alto_hash alto_tree_hash(const alto_tree *tree)
{
    return tree ? tree->hash : alto_hash_of("altocast-empty-1", alto_slice_of(NULL, 0));
}

bool alto_tree_equal(const alto_tree *a, const alto_tree *b)
{
    return a == b || (a && b && alto_hash_equal(&a->hash, &b->hash));
}

static uint64_t bits_of(double cost)
{
    uint64_t bits;
    memcpy(&bits, &cost, sizeof bits);
    return bits;
}

bool alto_value_equal(alto_value_type type, const alto_value *a, const alto_value *b)
{
    switch (type) {
    case ALTO_VALUE_NONE:
        return true;
    case ALTO_VALUE_COST:
        return bits_of(a->cost) == bits_of(b->cost);
    case ALTO_VALUE_TEXT:
        return alto_slice_equal(a->text, b->text);
    case ALTO_VALUE_ROW:
        return alto_tree_equal(a->row, b->row);
    }
    return false;
}

static void add_costs(alto_hasher *hasher, const double *costs, uint32_t count)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    alto_hasher_add(hasher, costs, count * sizeof *costs);
#else
    for (uint32_t i = 0; i < count; i++) {
        uint64_t word = __builtin_bswap64(bits_of(costs[i]));
        alto_hasher_add(hasher, &word, sizeof word);
    }
#endif
}

static void hash_node(alto_tree *node)
{
    alto_hasher hasher;
    alto_hasher_init(&hasher, node->level ? "altocast-node-1" : "altocast-leaf-1");
    alto_hasher_add_u32(&hasher, (uint32_t)node->type << 24 | (uint32_t)node->level << 16 | node->count);
    if (node->level == 0)
        alto_hasher_add(&hasher, node->keys->hash.bytes, ALTO_HASH_SIZE);
    if (alto_has_sums(node)) {
        for (uint32_t i = 0; i < node->count; i++) {
            alto_hash hash = alto_tree_hash(alto_links_of(node)[i]);
            alto_hasher_add(&hasher, hash.bytes, sizeof hash.bytes);
        }
    } else if (node->type == ALTO_VALUE_COST) {
        add_costs(&hasher, alto_costs_of(node), node->count);
    } else if (node->type == ALTO_VALUE_TEXT) {
        for (uint32_t i = 0; i < node->count; i++) {
            alto_slice text = alto_text_at(node, i);
            alto_hasher_add_u32(&hasher, (uint32_t)text.size);
            alto_hasher_add(&hasher, text.data, text.size);
        }
    }
    node->hash = alto_hasher_end(&hasher);
}

/* A node without content yet; takes over `keys`, also on failure. */
static alto_tree *node_new(alto_value_type type, unsigned level, alto_run *keys, size_t payload)
{
    alto_tree *node = keys ? malloc(sizeof *node + payload) : NULL;
    if (!node) {
        if (keys)
            alto_run_release(keys);
        return NULL;
    }
    atomic_init(&node->refs, 1);
    node->type = (uint8_t)type;
    node->level = (uint8_t)level;
    node->count = (uint16_t)keys->count;
    node->keys = keys;
    atomic_init(&node->derived, NULL);
    return node;
}

/* Finish a node whose links are set (each owned by the node from here on). */
static void seal_links(alto_tree *node)
{
    alto_sums total = {0, 0};
    for (uint32_t i = 0; i < node->count; i++) {
        alto_tree *link = alto_links_of(node)[i];
        total.entries += node->level ? alto_tree_entries(link) : 1;
        total.items += alto_tree_items(link);
    }
    *alto_sums_of(node) = total;
    hash_node(node);
}

/* ---- building ---- */

/* Entries of the chunk that is being gathered on one level. */
typedef struct {
    uint32_t count;
    const alto_tree *hint; /* the old node opened last on this level: likely to have the same keys */
    alto_slice keys[ALTO_TREE_CAP];
    union {
        alto_value values[ALTO_TREE_CAP];   /* level 0: borrowed */
        alto_tree *children[ALTO_TREE_CAP]; /* above: owned */
    };
} chunk;

typedef struct {
    alto_pool *pool;
    alto_value_type type;
    chunk *chunks[ALTO_TREE_MAX_LEVEL + 2]; /* made when needed */
    alto_status status;
} builder;

static bool ends_chunk(alto_slice key, unsigned level)
{
    unsigned bits = ALTO_TREE_BITS * (level + 1);
    return bits < 64 && (alto_short_hash(key) & ((UINT64_C(1) << bits) - 1)) == 0;
}

static chunk *chunk_at(builder *self, unsigned level)
{
    if (level > ALTO_TREE_MAX_LEVEL) {
        self->status = ALTO_TOO_LARGE;
        return NULL;
    }
    if (!self->chunks[level]) {
        self->chunks[level] = malloc(sizeof(chunk));
        if (!self->chunks[level]) {
            self->status = ALTO_NO_MEMORY;
            return NULL;
        }
        self->chunks[level]->count = 0;
        self->chunks[level]->hint = NULL;
    }
    return self->chunks[level];
}

static void builder_fini(builder *self)
{
    for (unsigned level = 0; level <= ALTO_TREE_MAX_LEVEL; level++) {
        chunk *gathered = self->chunks[level];
        if (gathered && level > 0)
            for (uint32_t i = 0; i < gathered->count; i++)
                alto_tree_release(gathered->children[i]);
        free(gathered);
    }
}

static bool same_values(const alto_tree *leaf, const chunk *gathered)
{
    for (uint32_t i = 0; i < gathered->count; i++) {
        alto_value held = alto_node_value(leaf, i);
        if (!alto_value_equal((alto_value_type)leaf->type, &held, &gathered->values[i]))
            return false;
    }
    return true;
}

static bool text_payload(const chunk *gathered, size_t *size)
{
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < gathered->count; i++)
        bytes += gathered->values[i].text.size;
    *size = gathered->count * sizeof(uint32_t) + (size_t)bytes;
    return bytes <= UINT32_MAX;
}

static void fill_texts(alto_tree *leaf, const chunk *gathered)
{
    uint32_t *ends = alto_text_ends_of(leaf), end = 0;
    uint8_t *bytes = (uint8_t *)(ends + leaf->count);
    for (uint32_t i = 0; i < leaf->count; i++) {
        alto_slice text = gathered->values[i].text;
        if (text.size)
            memcpy(bytes + end, text.data, text.size);
        end += (uint32_t)text.size;
        ends[i] = end;
    }
}

static alto_tree *make_leaf(builder *self, const chunk *gathered, alto_run *keys)
{
    size_t payload = 0;
    if (self->type == ALTO_VALUE_ROW)
        payload = sizeof(alto_sums) + gathered->count * sizeof(alto_tree *);
    else if (self->type == ALTO_VALUE_COST)
        payload = gathered->count * sizeof(double);
    else if (self->type == ALTO_VALUE_TEXT && !text_payload(gathered, &payload)) {
        self->status = ALTO_TOO_LARGE;
        alto_run_release(keys);
        return NULL;
    }
    alto_tree *leaf = node_new(self->type, 0, keys, payload);
    if (!leaf)
        return NULL;
    if (self->type == ALTO_VALUE_ROW) {
        for (uint32_t i = 0; i < leaf->count; i++)
            alto_links_of(leaf)[i] = alto_tree_retain(gathered->values[i].row);
        seal_links(leaf);
        return leaf;
    }
    if (self->type == ALTO_VALUE_COST)
        for (uint32_t i = 0; i < leaf->count; i++)
            alto_costs_of(leaf)[i] = gathered->values[i].cost;
    else if (self->type == ALTO_VALUE_TEXT)
        fill_texts(leaf, gathered);
    hash_node(leaf);
    return leaf;
}

/* The node of a gathered chunk of leaf entries: the old one when it is the same. */
static alto_tree *leaf_of(builder *self, const chunk *gathered)
{
    const alto_tree *hint = gathered->hint;
    alto_run *keys = alto_run_make(self->pool, hint ? hint->keys : NULL, gathered->keys, gathered->count);
    if (keys && hint && keys == hint->keys && same_values(hint, gathered)) {
        alto_run_release(keys);
        return alto_tree_retain(hint);
    }
    return keys ? make_leaf(self, gathered, keys) : NULL;
}

/* The same for a chunk of children, which the node takes over on success. */
static alto_tree *inner_of(builder *self, chunk *gathered, unsigned level)
{
    const alto_tree *hint = gathered->hint;
    alto_run *keys = alto_run_make(self->pool, hint ? hint->keys : NULL, gathered->keys, gathered->count);
    size_t links = gathered->count * sizeof(alto_tree *);
    if (keys && hint && keys == hint->keys && memcmp(alto_links_of(hint), gathered->children, links) == 0) {
        alto_run_release(keys);
        for (uint32_t i = 0; i < gathered->count; i++)
            alto_tree_release(gathered->children[i]);
        return alto_tree_retain(hint);
    }
    alto_tree *node = node_new(self->type, level, keys, sizeof(alto_sums) + links);
    if (!node)
        return NULL;
    memcpy(alto_links_of(node), gathered->children, links);
    seal_links(node);
    return node;
}

static alto_slice last_key(const alto_tree *node)
{
    return alto_run_key(node->keys, node->keys->count - 1u);
}

static void push_child(builder *self, unsigned level, alto_tree *child, bool inside);

static void close_chunk(builder *self, unsigned level)
{
    chunk *gathered = self->chunks[level];
    alto_tree *node = level ? inner_of(self, gathered, level) : leaf_of(self, gathered);
    if (!node) {
        if (self->status == ALTO_OK) /* NOLINT(clang-analyzer-unix.Malloc): self->chunks still owns `gathered` */
            self->status = ALTO_NO_MEMORY;
        return;
    }
    gathered->count = 0;
    push_child(self, level + 1, node, false);
}

/* Add a finished node to the chunk above it; takes it over. inside: its last key is known not to end that chunk. */
static void push_child(builder *self, unsigned level, alto_tree *child, bool inside)
{
    chunk *gathered = self->status == ALTO_OK ? chunk_at(self, level) : NULL;
    if (!gathered) {
        alto_tree_release(child);
        return;
    }
    gathered->keys[gathered->count] = last_key(child);
    gathered->children[gathered->count++] = child;
    if (gathered->count == ALTO_TREE_CAP || (!inside && ends_chunk(last_key(child), level)))
        close_chunk(self, level);
}

static void push_entry(builder *self, alto_slice key, alto_value value)
{
    if (key.size > ALTO_MAX_ITEM_KEY)
        self->status = ALTO_TOO_LARGE;
    chunk *gathered = self->status == ALTO_OK ? chunk_at(self, 0) : NULL;
    if (!gathered)
        return;
    gathered->keys[gathered->count] = key;
    gathered->values[gathered->count++] = value;
    if (gathered->count == ALTO_TREE_CAP || ends_chunk(key, 0))
        close_chunk(self, 0);
}

/* May an old node become part of the new tree as it is? Its chunk must begin where a new one does. It
 * ends where a new one would: only the very last node of a level can end before a boundary, and nothing follows it. */
static bool fits_whole(const builder *self, const alto_tree *node)
{
    for (unsigned level = 0; level <= node->level; level++)
        if (self->chunks[level] && self->chunks[level]->count > 0)
            return false;
    return true;
}

static void set_hint(builder *self, const alto_tree *node)
{
    chunk *gathered = chunk_at(self, node->level);
    if (gathered)
        gathered->hint = node;
}

/* A leaf of costs with others under the same keys, or the same leaf when they are no other. NULL: out of memory. */
static alto_tree *leaf_like(const alto_tree *leaf, const double *costs)
{
    size_t size = leaf->count * sizeof *costs;
    if (memcmp(alto_costs_of(leaf), costs, size) == 0)
        return alto_tree_retain(leaf);
    alto_tree *made = node_new(ALTO_VALUE_COST, 0, alto_run_retain(leaf->keys), size);
    if (!made)
        return NULL;
    memcpy(alto_costs_of(made), costs, size);
    hash_node(made);
    return made;
}

/* The index of a key that is at `from` or behind it, probably not far; false when it is not there. */
static bool find_from(const alto_run *keys, uint32_t from, alto_slice key, uint32_t *index)
{
    uint32_t low = from, high = from, step = 1;
    int order = -1;
    while (high < keys->count && (order = alto_slice_compare(alto_run_key(keys, high), key)) < 0) {
        low = high + 1;
        high += step;
        step *= 2;
    }
    high = high < keys->count ? high : keys->count;
    while (order != 0 && low < high) {
        uint32_t middle = low + (high - low) / 2;
        order = alto_slice_compare(alto_run_key(keys, middle), key);
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    *index = high;
    return order == 0;
}

/* Where the edits fall in a leaf, when they change values and nothing else. */
static bool only_new_values(const alto_tree *leaf, const alto_edit *edits, size_t count, uint16_t *places)
{
    uint32_t next = 0;
    for (size_t i = 0; i < count; i++, next++) {
        if (edits[i].remove || !find_from(leaf->keys, next, edits[i].key, &next))
            return false;
        places[i] = (uint16_t)next;
    }
    return true;
}

/* The leaf with other values under the same keys: it ends where it did. */
static void replace_values(builder *self, const alto_tree *leaf, const alto_edit *edits, size_t count,
                           const uint16_t *places, bool last)
{
    chunk *gathered = chunk_at(self, 0);
    if (!gathered)
        return;
    for (uint32_t i = 0; i < leaf->count; i++) {
        gathered->keys[i] = alto_run_key(leaf->keys, i);
        gathered->values[i] = alto_node_value(leaf, i);
    }
    for (size_t i = 0; i < count; i++)
        gathered->values[places[i]] = edits[i].value;
    gathered->count = leaf->count;
    if (!last || leaf->count == ALTO_TREE_CAP || ends_chunk(last_key(leaf), 0))
        close_chunk(self, 0);
}

static void merge_leaf(builder *self, const alto_tree *leaf, const alto_edit *edits, size_t count, bool last)
{
    uint16_t places[ALTO_TREE_CAP];
    if (fits_whole(self, leaf) && only_new_values(leaf, edits, count, places)) {
        replace_values(self, leaf, edits, count, places, last);
        return;
    }
    size_t next = 0;
    for (uint32_t i = 0; i < leaf->count; i++) {
        alto_slice key = alto_run_key(leaf->keys, i);
        int order = 1;
        while (next < count && (order = alto_slice_compare(edits[next].key, key)) < 0) {
            if (!edits[next].remove)
                push_entry(self, edits[next].key, edits[next].value);
            next++;
        }
        if (next == count || order > 0)
            push_entry(self, key, alto_node_value(leaf, i));
        else if (!edits[next++].remove)
            push_entry(self, key, edits[next - 1].value);
    }
    for (; next < count; next++)
        if (!edits[next].remove)
            push_entry(self, edits[next].key, edits[next].value);
}

/* How many of the edits have keys up to and including `limit`. */
static size_t edits_up_to(const alto_edit *edits, size_t count, alto_slice limit)
{
    size_t low = 0, high = count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (alto_slice_compare(edits[middle].key, limit) <= 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Feed an old node with its share of the edits into the new tree.
 * last: nothing comes after it. inside: it is not the last child of its parent. */
static void merge_node(builder *self, const alto_tree *node, const alto_edit *edits, size_t count, bool last,
                       bool inside)
{
    if (self->status != ALTO_OK)
        return;
    if (count == 0 && fits_whole(self, node)) {
        push_child(self, node->level + 1u, alto_tree_retain(node), inside);
        return;
    }
    set_hint(self, node);
    alto_node_expect(node);
    if (node->level == 0) {
        merge_leaf(self, node, edits, count, last);
        return;
    }
    for (uint32_t i = 0; i < node->count; i++) {
        bool last_child = i + 1u == node->count, last_of_all = last && last_child;
        size_t share = last_of_all ? count : edits_up_to(edits, count, alto_run_key(node->keys, i));
        merge_node(self, alto_links_of(node)[i], edits, share, last_of_all, !last_child);
        edits += share;
        count -= share;
    }
}

static unsigned highest_level(const builder *self)
{
    unsigned highest = 0;
    for (unsigned level = 0; level <= ALTO_TREE_MAX_LEVEL; level++)
        if (self->chunks[level] && self->chunks[level]->count > 0)
            highest = level;
    return highest;
}

/* The top of a tree is the lowest level with a single node. */
static alto_tree *collapse(alto_tree *top)
{
    while (top->level > 0 && top->count == 1) {
        alto_tree *child = alto_tree_retain(alto_links_of(top)[0]);
        alto_tree_release(top);
        top = child;
    }
    return top;
}

static alto_tree *builder_finish(builder *self)
{
    for (unsigned level = 0; self->status == ALTO_OK && level <= ALTO_TREE_MAX_LEVEL; level++) {
        chunk *gathered = self->chunks[level];
        if (!gathered || gathered->count == 0)
            continue;
        if (level > 0 && gathered->count == 1 && highest_level(self) == level) {
            gathered->count = 0;
            return collapse(gathered->children[0]);
        }
        close_chunk(self, level);
    }
    return NULL;
}

/* ---- other costs under the same keys ---- */

/* A node of costs with other children under the same keys, or the same when they are no other. Takes them over.
 * count: how many there are; NULL when they are not all there, or out of memory. */
static alto_tree *node_with_children(const alto_tree *node, alto_tree **children, uint32_t count)
{
    size_t links = count * sizeof children[0];
    alto_tree *made = NULL;
    if (count == node->count && memcmp(alto_links_of(node), children, links) == 0) {
        made = alto_tree_retain(node);
    } else if (count == node->count) {
        made = node_new(ALTO_VALUE_COST, node->level, alto_run_retain(node->keys), sizeof(alto_sums) + links);
        if (made) {
            memcpy(alto_links_of(made), children, links);
            seal_links(made);
            return made;
        }
    }
    while (count > 0)
        alto_tree_release(children[--count]);
    return made;
}

static alto_tree *leaf_with_edits(const alto_tree *leaf, const alto_edit *edits, size_t count, bool *fits)
{
    uint16_t places[ALTO_TREE_CAP];
    double costs[ALTO_TREE_CAP];
    if (count > leaf->count || !only_new_values(leaf, edits, count, places)) {
        *fits = false;
        return NULL;
    }
    memcpy(costs, alto_costs_of(leaf), leaf->count * sizeof costs[0]);
    for (size_t i = 0; i < count; i++)
        costs[places[i]] = edits[i].value.cost;
    return leaf_like(leaf, costs);
}

/* A tree of costs after edits that change costs and nothing else. NULL and *fits false when they are not like that;
 * NULL otherwise: out of memory. */
static alto_tree *with_edits(const alto_tree *node, const alto_edit *edits, size_t count, bool *fits)
{
    if (count == 0)
        return alto_tree_retain(node);
    if (node->level == 0)
        return leaf_with_edits(node, edits, count, fits);
    alto_tree *children[ALTO_TREE_CAP];
    uint32_t made = 0;
    for (; made < node->count; made++) {
        bool last = made + 1u == node->count;
        size_t share = last ? count : edits_up_to(edits, count, alto_run_key(node->keys, made));
        children[made] = with_edits(alto_links_of(node)[made], edits, share, fits);
        if (!children[made])
            break;
        edits += share;
        count -= share;
    }
    return node_with_children(node, children, made);
}

alto_status alto_tree_edit(alto_pool *pool, alto_value_type type, const alto_tree *base, const alto_edit *edits,
                           size_t count, alto_tree **out)
{
    assert(!base || base->type == type);
    if (count == 0) {
        *out = alto_tree_retain(base);
        return ALTO_OK;
    }
    bool fits = base && type == ALTO_VALUE_COST;
    alto_tree *same_keys = fits ? with_edits(base, edits, count, &fits) : NULL;
    if (fits) {
        *out = same_keys;
        return same_keys ? ALTO_OK : ALTO_NO_MEMORY;
    }
    builder made = {.pool = pool, .type = type, .status = ALTO_OK};
    if (base)
        merge_node(&made, base, edits, count, true, false);
    else
        for (size_t i = 0; i < count; i++)
            if (!edits[i].remove)
                push_entry(&made, edits[i].key, edits[i].value);
    alto_tree *top = builder_finish(&made);
    builder_fini(&made);
    if (made.status == ALTO_OK)
        *out = top;
    return made.status;
}

/* New costs for some entries of a tree; what is used up moves forward. */
typedef struct {
    const uint64_t *ranks; /* NULL: of all entries, one after the other */
    const double *costs;
    size_t left;
    uint64_t rank; /* of the next entry of the tree */
} replacement;

/* How many of the new costs are for the next `entries` of the tree. */
static size_t meant_for(const replacement *self, uint64_t entries)
{
    size_t count = 0;
    if (!self->ranks)
        return (size_t)entries;
    if (self->left == 0 || self->ranks[self->left - 1] < self->rank + entries)
        return self->left;
    while (count < self->left && self->ranks[count] < self->rank + entries)
        count++;
    return count;
}

static void used_up(replacement *self, uint64_t entries, size_t count)
{
    self->rank += entries;
    self->costs += count;
    self->left -= count;
    if (self->ranks)
        self->ranks += count;
}

static alto_tree *leaf_with_costs(const alto_tree *leaf, replacement *new)
{
    double costs[ALTO_TREE_CAP];
    size_t size = leaf->count * sizeof costs[0], count = meant_for(new, leaf->count);
    memcpy(costs, alto_costs_of(leaf), size);
    for (size_t i = 0; i < count; i++)
        costs[new->ranks ? new->ranks[i] - new->rank : i] = new->costs[i];
    used_up(new, leaf->count, count);
    return leaf_like(leaf, costs);
}

static alto_tree *with_costs(const alto_tree *node, replacement *new);

/* The children of a node with other costs, each owned by the caller; how many could be made. */
static uint32_t children_with_costs(const alto_tree *node, replacement *new, alto_tree **children)
{
    for (uint32_t i = 0; i < node->count; i++)
        if (!(children[i] = with_costs(alto_links_of(node)[i], new)))
            return i;
    return node->count;
}

static alto_tree *with_costs(const alto_tree *node, replacement *new)
{
    uint64_t entries = alto_tree_entries(node);
    if (meant_for(new, entries) == 0) {
        used_up(new, entries, 0);
        return alto_tree_retain(node);
    }
    if (node->level == 0)
        return leaf_with_costs(node, new);
    alto_tree *children[ALTO_TREE_CAP];
    uint32_t count = children_with_costs(node, new, children);
    return node_with_children(node, children, count);
}

static alto_status replace_costs(const alto_tree *tree, replacement *new, alto_tree **out)
{
    assert(!tree || tree->type == ALTO_VALUE_COST);
    alto_tree *made = tree ? with_costs(tree, new) : NULL;
    if (tree && !made)
        return ALTO_NO_MEMORY;
    *out = made;
    return ALTO_OK;
}

alto_status alto_tree_with_costs(const alto_tree *shape, const double *costs, alto_tree **out)
{
    replacement new = {.costs = costs, .left = (size_t)alto_tree_entries(shape)};
    return replace_costs(shape, &new, out);
}

alto_status alto_tree_set_costs(const alto_tree *tree, const uint64_t *ranks, const double *costs, size_t count,
                                alto_tree **out)
{
    assert(count == 0 || ranks[count - 1] < alto_tree_entries(tree));
    replacement new = {.ranks = ranks, .costs = costs, .left = count};
    return replace_costs(tree, &new, out);
}

/* ---- nodes from outside ---- */

alto_derived *alto_tree_derived(const alto_tree *node)
{
    return atomic_load_explicit(&((alto_tree *)(uintptr_t)node)->derived, memory_order_acquire);
}

alto_derived *alto_tree_attach(const alto_tree *node, alto_derived *made)
{
    alto_derived *attached = NULL;
    bool first = atomic_compare_exchange_strong_explicit(&((alto_tree *)(uintptr_t)node)->derived, &attached, made,
                                                         memory_order_acq_rel, memory_order_acquire);
    return first ? made : attached;
}

void alto_node_expect(const alto_tree *node)
{
    if (alto_has_sums(node))
        for (uint32_t i = 0; i < node->count; i++)
            __builtin_prefetch(alto_links_of(node)[i], 1);
}

alto_node_info alto_node_look(const alto_tree *node)
{
    return (alto_node_info){.type = (alto_value_type)node->type, .level = node->level, .count = node->count};
}

alto_slice alto_node_key(const alto_tree *node, uint32_t index)
{
    return alto_run_key(node->keys, index);
}

alto_slice alto_node_keys(const alto_tree *node)
{
    const alto_run *keys = node->keys;
    return alto_slice_of(keys->ends + keys->count, keys->ends[keys->count - 1u]);
}

alto_value alto_node_value(const alto_tree *leaf, uint32_t index)
{
    return alto_value_at(leaf, index);
}

const alto_tree *alto_node_child(const alto_tree *node, uint32_t index)
{
    assert(node->level > 0);
    return alto_links_of(node)[index];
}

const double *alto_node_costs(const alto_tree *leaf)
{
    assert(leaf->level == 0 && leaf->type == ALTO_VALUE_COST);
    return alto_costs_of(leaf);
}

bool alto_node_same_keys(const alto_tree *a, const alto_tree *b)
{
    return a->keys == b->keys;
}
