/* SPDX-License-Identifier: Apache-2.0 */
#include "core/version.h"

#include "core/tree_guess.h"

#include <assert.h>
#include <stdatomic.h>
#include <stdlib.h>

struct alto_version {
    atomic_uint refs;
    alto_kind kind;
    alto_hash root;
    alto_tree *tree; /* of rows; owned; NULL when empty */
};

const char *alto_kind_name(alto_kind kind)
{
    switch (kind) {
    case ALTO_NETWORK_MAP:
        return "network map";
    case ALTO_COST_MAP:
        return "cost map";
    case ALTO_DOCUMENT:
        break;
    }
    return "document";
}

const char *alto_kind_member(alto_kind kind)
{
    switch (kind) {
    case ALTO_NETWORK_MAP:
        return "network-map";
    case ALTO_COST_MAP:
        return "cost-map";
    case ALTO_DOCUMENT:
        break;
    }
    return NULL;
}

alto_value_type alto_item_type(alto_kind kind, uint8_t row_class)
{
    if (row_class != ALTO_ROW_PAYLOAD)
        return ALTO_VALUE_TEXT;
    return kind == ALTO_COST_MAP ? ALTO_VALUE_COST : ALTO_VALUE_NONE;
}

alto_version *alto_version_retain(const alto_version *self)
{
    alto_version *version = (alto_version *)(uintptr_t)self;
    if (version)
        atomic_fetch_add_explicit(&version->refs, 1, memory_order_relaxed);
    return version;
}

void alto_version_release(const alto_version *self)
{
    alto_version *version = (alto_version *)(uintptr_t)self;
    if (!version || atomic_fetch_sub_explicit(&version->refs, 1, memory_order_acq_rel) != 1)
        return;
    alto_tree_release(version->tree);
    free(version);
}

alto_kind alto_version_kind(const alto_version *self)
{
    return self->kind;
}

const alto_hash *alto_version_root(const alto_version *self)
{
    return &self->root;
}

uint64_t alto_version_rows(const alto_version *self)
{
    return alto_tree_entries(self->tree);
}

uint64_t alto_version_items(const alto_version *self)
{
    return alto_tree_items(self->tree);
}

const alto_tree *alto_version_tree(const alto_version *self)
{
    return self->tree;
}

static alto_hash root_of(alto_kind kind, const alto_tree *rows)
{
    alto_hash top = alto_tree_hash(rows);
    alto_hasher hasher;
    alto_hasher_init(&hasher, "altocast-root-1");
    alto_hasher_add_u32(&hasher, (uint32_t)kind);
    alto_hasher_add_u64(&hasher, alto_tree_entries(rows));
    alto_hasher_add_u64(&hasher, alto_tree_items(rows));
    alto_hasher_add(&hasher, top.bytes, sizeof top.bytes);
    return alto_hasher_end(&hasher);
}

alto_status alto_version_make(alto_kind kind, alto_tree *rows, alto_version **out)
{
    alto_version *made = malloc(sizeof *made);
    if (!made) {
        alto_tree_release(rows);
        return ALTO_NO_MEMORY;
    }
    atomic_init(&made->refs, 1);
    made->kind = kind;
    made->tree = rows;
    made->root = root_of(kind, rows);
    *out = made;
    return ALTO_OK;
}

alto_row_key alto_row_key_make(uint8_t row_class, alto_slice name)
{
    alto_row_key key = {.bytes = {row_class}};
    assert(name.size < sizeof key.bytes);
    if (name.size)
        memcpy(key.bytes + 1, name.data, name.size);
    key.size = (uint16_t)(name.size + 1);
    return key;
}

/* The tree edit of one row; *made is a tree to release after use, if any. */
static alto_status edit_row(alto_pool *pool, alto_kind kind, const alto_tree *rows, const alto_row_edit *edit,
                            alto_edit *tree_edit, alto_tree **made)
{
    *made = NULL;
    *tree_edit = (alto_edit){.key = edit->row, .remove = edit->what == ALTO_ROW_REMOVE};
    tree_edit->value.row = edit->items;
    if (edit->what != ALTO_ROW_ITEMS)
        return ALTO_OK;
    alto_value before = {.row = NULL};
    alto_tree_find(rows, edit->row, &before);
    alto_value_type type = alto_item_type(kind, edit->row.data[0]);
    alto_status status = alto_tree_edit(pool, type, before.row, edit->edits, edit->count, made);
    tree_edit->value.row = *made;
    return status;
}

alto_status alto_version_edit(alto_pool *pool, alto_kind kind, const alto_version *base, const alto_row_edit *edits,
                              size_t count, alto_version **out)
{
    assert(!base || base->kind == kind);
    alto_edit *tree_edits = malloc((count + 1) * sizeof *tree_edits);
    alto_tree **made = malloc((count + 1) * sizeof *made);
    alto_status status = tree_edits && made ? ALTO_OK : ALTO_NO_MEMORY;
    size_t done = 0;
    const alto_tree *before = base ? base->tree : NULL;
    while (status == ALTO_OK && done < count) {
        status = edit_row(pool, kind, before, &edits[done], &tree_edits[done], &made[done]);
        if (status == ALTO_OK)
            done++;
    }
    alto_tree *rows = NULL;
    if (status == ALTO_OK)
        status = alto_tree_edit(pool, ALTO_VALUE_ROW, before, tree_edits, count, &rows);
    if (status == ALTO_OK && base && alto_tree_equal(rows, before)) {
        alto_tree_release(rows);
        *out = alto_version_retain(base);
    } else if (status == ALTO_OK) {
        status = alto_version_make(kind, rows, out);
    }
    while (done > 0)
        alto_tree_release(made[--done]);
    free(made);
    free(tree_edits);
    return status;
}

bool alto_version_place(const alto_version *self, uint8_t row_class, alto_slice name, uint64_t *place,
                        const alto_tree **items)
{
    uint8_t key[256];
    alto_value value;
    if (name.size >= sizeof key)
        return false;
    key[0] = row_class;
    if (name.size)
        memcpy(key + 1, name.data, name.size);
    if (!alto_tree_find_again(self->tree, alto_slice_of(key, name.size + 1), place, &value))
        return false;
    *items = value.row;
    return true;
}

bool alto_version_row(const alto_version *self, uint8_t row_class, alto_slice name, const alto_tree **items)
{
    uint64_t place;
    return alto_version_place(self, row_class, name, &place, items);
}

bool alto_version_member(const alto_version *self, const char *row, const char *member, alto_slice *text)
{
    const alto_tree *items;
    alto_value value;
    if (!alto_version_row(self, ALTO_ROW_MEMBER, alto_slice_text(row), &items) ||
        !alto_tree_find(items, alto_slice_text(member), &value))
        return false;
    *text = value.text;
    return true;
}

bool alto_version_cost(const alto_version *self, alto_slice source, alto_slice destination, double *cost)
{
    const alto_tree *items;
    alto_value value;
    if (self->kind != ALTO_COST_MAP || !alto_version_row(self, ALTO_ROW_PAYLOAD, source, &items) ||
        !alto_tree_find(items, destination, &value))
        return false;
    *cost = value.cost;
    return true;
}

static alto_status count_item(void *context, alto_slice key, const alto_value *before, const alto_value *after,
                              uint64_t rank_before, uint64_t rank_after)
{
    (void)key, (void)rank_before, (void)rank_after;
    alto_change_counts *counts = context;
    if (!before)
        counts->items_added++;
    else if (!after)
        counts->items_removed++;
    else
        counts->items_changed++;
    return ALTO_OK;
}

static alto_status count_row(void *context, alto_slice key, const alto_value *before, const alto_value *after,
                             uint64_t rank_before, uint64_t rank_after)
{
    (void)rank_before, (void)rank_after;
    alto_change_counts *counts = context;
    if (key.data[0] != ALTO_ROW_PAYLOAD) {
        alto_change_counts members = {0};
        alto_tree_diff(before ? before->row : NULL, after ? after->row : NULL, count_item, &members);
        counts->members_changed += members.items_added + members.items_removed + members.items_changed;
        return ALTO_OK;
    }
    if (!before)
        counts->rows_added++;
    else if (!after)
        counts->rows_removed++;
    else
        counts->rows_changed++;
    return alto_tree_diff(before ? before->row : NULL, after ? after->row : NULL, count_item, counts);
}

void alto_version_compare(const alto_version *before, const alto_version *after, alto_change_counts *counts)
{
    *counts = (alto_change_counts){0};
    alto_tree_diff(before ? before->tree : NULL, after ? after->tree : NULL, count_row, counts);
}
