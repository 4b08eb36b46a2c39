/* SPDX-License-Identifier: Apache-2.0 */
#include "core/render_piece.h"

#include "core/compress.h"
#include "core/number.h"

#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>

struct alto_piece {
    atomic_uint refs;
    alto_form form;
    alto_hash identity;
    uint64_t text_size;
    _Atomic(alto_block *) blocks[ALTO_CODINGS]; /* owned; NULL until made, then for good */
};

/* What is attached to a node. */
typedef struct {
    alto_derived base;
    _Atomic(uint64_t) text_size; /* plus one; 0: not known */
    atomic_flag busy;            /* held for the few instructions that look at `piece` */
    alto_piece *piece;           /* owned reference, or NULL */
} extras;

/* ---- what is attached ---- */

static void destroy_extras(alto_derived *derived)
{
    extras *self = (extras *)derived;
    alto_piece_release(self->piece);
    free(self);
}

static extras *extras_find(const alto_tree *node)
{
    return (extras *)alto_tree_derived(node);
}

static extras *extras_of(const alto_tree *node)
{
    extras *found = extras_find(node);
    if (found)
        return found;
    extras *made = malloc(sizeof *made);
    if (!made)
        return NULL;
    made->base.destroy = destroy_extras;
    atomic_init(&made->text_size, 0);
    atomic_flag_clear(&made->busy);
    made->piece = NULL;
    found = (extras *)alto_tree_attach(node, &made->base);
    if (found != made)
        free(made);
    return found;
}

static void lock(extras *self)
{
    while (atomic_flag_test_and_set_explicit(&self->busy, memory_order_acquire))
        sched_yield();
}

static void unlock(extras *self)
{
    atomic_flag_clear_explicit(&self->busy, memory_order_release);
}

/* ---- pieces ---- */

alto_hash alto_piece_identity(const alto_tree *const *nodes, size_t count)
{
    if (count == 1)
        return alto_tree_hash(nodes[0]);
    alto_hasher hasher;
    alto_hasher_init(&hasher, "altocast-piece-1");
    for (size_t i = 0; i < count; i++) {
        alto_hash hash = alto_tree_hash(nodes[i]);
        alto_hasher_add(&hasher, hash.bytes, sizeof hash.bytes);
    }
    return alto_hasher_end(&hasher);
}

static bool is_piece(const alto_piece *self, alto_form form, const alto_hash *identity)
{
    return self && self->form == form && alto_hash_equal(&self->identity, identity);
}

static alto_piece *piece_retain(alto_piece *self)
{
    atomic_fetch_add_explicit(&self->refs, 1, memory_order_relaxed);
    return self;
}

alto_piece *alto_piece_find(const alto_tree *holder, alto_form form, const alto_hash *identity)
{
    extras *kept = extras_find(holder);
    if (!kept)
        return NULL;
    lock(kept);
    alto_piece *found = is_piece(kept->piece, form, identity) ? piece_retain(kept->piece) : NULL;
    unlock(kept);
    return found;
}

static alto_piece *piece_new(alto_form form, const alto_hash *identity, uint64_t text_size)
{
    alto_piece *made = malloc(sizeof *made);
    if (!made)
        return NULL;
    atomic_init(&made->refs, 1);
    made->form = form;
    made->identity = *identity;
    made->text_size = text_size;
    for (int i = 0; i < ALTO_CODINGS; i++)
        atomic_init(&made->blocks[i], NULL);
    return made;
}

alto_piece *alto_piece_keep(const alto_tree *holder, alto_form form, const alto_hash *identity, uint64_t size)
{
    extras *kept = extras_of(holder);
    alto_piece *made = kept ? piece_new(form, identity, size) : NULL;
    if (!made)
        return NULL;
    lock(kept);
    alto_piece *old = kept->piece, *result = NULL;
    if (is_piece(old, form, identity)) {
        result = piece_retain(old);
        old = made;
    } else {
        kept->piece = made;
        result = piece_retain(made);
    }
    unlock(kept);
    alto_piece_release(old);
    return result;
}

void alto_piece_release(alto_piece *self)
{
    if (!self || atomic_fetch_sub_explicit(&self->refs, 1, memory_order_acq_rel) != 1)
        return;
    for (int i = 0; i < ALTO_CODINGS; i++)
        free(atomic_load_explicit(&self->blocks[i], memory_order_acquire));
    free(self);
}

uint64_t alto_piece_bytes(const alto_tree *holder)
{
    extras *kept = extras_find(holder);
    if (!kept)
        return 0;
    uint64_t bytes = sizeof *kept;
    lock(kept);
    for (int i = 0; kept->piece && i < ALTO_CODINGS; i++) {
        const alto_block *block = alto_piece_block(kept->piece, (alto_coding)i);
        bytes += block ? sizeof *block + block->size : 0;
    }
    unlock(kept);
    return bytes;
}

uint64_t alto_piece_text_size(const alto_piece *self)
{
    return self->text_size;
}

const alto_block *alto_piece_block(const alto_piece *self, alto_coding coding)
{
    return atomic_load_explicit(&self->blocks[coding], memory_order_acquire);
}

const alto_block *alto_piece_add_block(alto_piece *self, alto_coding coding, alto_block *made)
{
    alto_block *present = NULL;
    if (atomic_compare_exchange_strong_explicit(&self->blocks[coding], &present, made, memory_order_acq_rel,
                                                memory_order_acquire))
        return made;
    free(made);
    return present;
}

alto_slice alto_block_lead(const alto_block *self, alto_coding coding)
{
    static const size_t heads[] = {[ALTO_GZIP] = ALTO_GZIP_STORED, [ALTO_ZSTD] = ALTO_FRAME_STORED};
    size_t head = self->lead ? heads[coding] : 0;
    return alto_slice_of(self->data + head, self->lead - head);
}

/* ---- lengths ---- */

static uint64_t glue_size(alto_form form, const alto_slice *before, const alto_slice *after, alto_buffer *scratch)
{
    alto_buffer_empty(scratch);
    alto_text_between(scratch, form, before, after);
    return scratch->size;
}

/* Of what opens and closes the row. */
static uint64_t frame_size(alto_form form, const alto_tree *items, alto_buffer *scratch)
{
    alto_slice first = alto_first_key(items), last = alto_last_key(items);
    return glue_size(form, NULL, &first, scratch) + glue_size(form, &last, NULL, scratch);
}

static alto_status row_size(alto_kind kind, alto_slice key, const alto_tree *items, alto_buffer *scratch,
                            uint64_t *size)
{
    alto_form form = alto_item_form(kind, alto_row_class(key));
    alto_buffer_empty(scratch);
    alto_text_row_name(scratch, key);
    *size = scratch->size;
    if (!items) {
        *size += glue_size(form, NULL, NULL, scratch);
        return scratch->status;
    }
    if (form == ALTO_FORM_VALUE) { /* not kept: as an object's only member it would be longer */
        *size += alto_node_value(items, 0).text.size;
        return scratch->status;
    }
    *size += frame_size(form, items, scratch);
    uint64_t inner = 0;
    alto_status status = alto_text_size(kind, form, items, scratch, &inner);
    *size += inner;
    return status == ALTO_OK ? scratch->status : status;
}

static alto_status rows_leaf_size(alto_kind kind, const alto_tree *leaf, alto_buffer *scratch, uint64_t *size)
{
    uint32_t count = alto_node_look(leaf).count;
    *size = count - 1; /* commas */
    for (uint32_t i = 0; i < count; i++) {
        uint64_t row = 0;
        alto_status status = row_size(kind, alto_node_key(leaf, i), alto_node_value(leaf, i).row, scratch, &row);
        if (status != ALTO_OK)
            return status;
        *size += row;
    }
    return ALTO_OK;
}

static alto_status inner_size(alto_kind kind, alto_form form, const alto_tree *node, alto_buffer *scratch,
                              uint64_t *size)
{
    uint32_t count = alto_node_look(node).count;
    *size = 0;
    for (uint32_t i = 0; i < count; i++) {
        const alto_tree *child = alto_node_child(node, i);
        uint64_t part = 0;
        alto_status status = alto_text_size(kind, form, child, scratch, &part);
        if (status != ALTO_OK)
            return status;
        *size += part;
        if (i > 0) {
            alto_slice before = alto_last_key(alto_node_child(node, i - 1)), after = alto_first_key(child);
            *size += glue_size(form, &before, &after, scratch);
        }
    }
    return scratch->status;
}

/* Cells: "name":cost, and commas between them. */
static uint64_t costs_size(const alto_tree *leaf, alto_buffer *scratch)
{
    uint32_t count = alto_node_look(leaf).count;
    const double *costs = alto_node_costs(leaf);
    uint64_t names = alto_text_names_size(leaf, scratch) + count + (count - 1);
    unsigned decimals = 0;
    return names + alto_numbers_size(costs, count, &decimals);
}

alto_status alto_text_size(alto_kind kind, alto_form form, const alto_tree *node, alto_buffer *scratch, uint64_t *size)
{
    extras *kept = extras_of(node);
    if (!kept)
        return ALTO_NO_MEMORY;
    uint64_t known = atomic_load_explicit(&kept->text_size, memory_order_relaxed);
    if (known) {
        *size = known - 1;
        return ALTO_OK;
    }
    alto_status status;
    if (alto_node_look(node).level > 0) {
        status = inner_size(kind, form, node, scratch, size);
    } else if (alto_form_is_rows(form)) {
        status = rows_leaf_size(kind, node, scratch, size);
    } else if (form == ALTO_FORM_COSTS) {
        *size = costs_size(node, scratch);
        status = scratch->status;
    } else {
        alto_buffer_empty(scratch);
        alto_text_nodes(scratch, form, &node, 1);
        *size = scratch->size;
        status = scratch->status;
    }
    if (status == ALTO_OK)
        atomic_store_explicit(&kept->text_size, *size + 1, memory_order_relaxed);
    return status;
}

/* ---- changes of lengths ---- */

/* Other costs of the same destinations. */
static int64_t costs_change(const alto_tree *before, const alto_tree *after)
{
    double old[ALTO_TREE_CAP], new[ALTO_TREE_CAP];
    const double *old_costs = alto_node_costs(before), *new_costs = alto_node_costs(after);
    uint32_t count = alto_node_look(before).count, changed = 0;
    unsigned decimals = 0;
    for (uint32_t i = 0; i < count; i++) {
        old[changed] = old_costs[i];
        new[changed] = new_costs[i];
        changed += old_costs[i] != new_costs[i];
    }
    uint64_t new_size = alto_numbers_size(new, changed, &decimals);
    return (int64_t)(new_size - alto_numbers_size(old, changed, &decimals));
}

static alto_status row_change(alto_kind kind, alto_slice key, const alto_tree *before, const alto_tree *after,
                              alto_buffer *scratch, int64_t *change)
{
    alto_form form = alto_item_form(kind, alto_row_class(key));
    uint64_t old = 0, new = 0;
    if (before && after && form != ALTO_FORM_VALUE) {
        alto_status status = alto_text_change(kind, form, before, after, scratch, change);
        old = frame_size(form, before, scratch);
        new = frame_size(form, after, scratch);
        *change += (int64_t)(new - old);
        return status == ALTO_OK ? scratch->status : status;
    }
    alto_status status = row_size(kind, key, before, scratch, &old);
    if (status == ALTO_OK)
        status = row_size(kind, key, after, scratch, &new);
    *change = (int64_t)(new - old);
    return status;
}

static alto_status rows_change(alto_kind kind, const alto_tree *before, const alto_tree *after, alto_buffer *scratch,
                               int64_t *change)
{
    alto_status status = ALTO_OK;
    uint32_t count = alto_node_look(before).count;
    for (uint32_t i = 0; i < count && status == ALTO_OK; i++) {
        const alto_tree *old = alto_node_value(before, i).row, *new = alto_node_value(after, i).row;
        int64_t part = 0;
        if (old != new)
            status = row_change(kind, alto_node_key(before, i), old, new, scratch, &part);
        *change += part;
    }
    return status;
}

/* Two nodes with the same keys, which are the last ones of their children; the first ones may differ. */
static alto_status inner_change(alto_kind kind, alto_form form, const alto_tree *before, const alto_tree *after,
                                alto_buffer *scratch, int64_t *change)
{
    alto_status status = ALTO_OK;
    uint32_t count = alto_node_look(before).count;
    for (uint32_t i = 0; i < count && status == ALTO_OK; i++) {
        const alto_tree *old = alto_node_child(before, i), *new = alto_node_child(after, i);
        int64_t part = 0;
        if (old == new)
            continue;
        status = alto_text_change(kind, form, old, new, scratch, &part);
        *change += part;
        if (i > 0) {
            alto_slice last = alto_node_key(before, i - 1), old_first = alto_first_key(old),
                       new_first = alto_first_key(new);
            *change += (int64_t)glue_size(form, &last, &new_first, scratch);
            *change -= (int64_t)glue_size(form, &last, &old_first, scratch);
        }
    }
    return status == ALTO_OK ? scratch->status : status;
}

alto_status alto_text_change(alto_kind kind, alto_form form, const alto_tree *before, const alto_tree *after,
                             alto_buffer *scratch, int64_t *change)
{
    unsigned level = alto_node_look(before).level;
    *change = 0;
    if (level == alto_node_look(after).level && alto_node_same_keys(before, after)) {
        if (level > 0)
            return inner_change(kind, form, before, after, scratch, change);
        if (alto_form_is_rows(form))
            return rows_change(kind, before, after, scratch, change);
        if (form == ALTO_FORM_COSTS) {
            *change = costs_change(before, after);
            return ALTO_OK;
        }
    }
    uint64_t old = 0, new = 0;
    alto_status status = alto_text_size(kind, form, before, scratch, &old);
    if (status == ALTO_OK)
        status = alto_text_size(kind, form, after, scratch, &new);
    *change = (int64_t)(new - old);
    return status;
}
