/* SPDX-License-Identifier: Apache-2.0 */
#include "core/json_plan.h"

#include "core/number.h"

#include <math.h>
#include <stdlib.h>

enum {
    BYTES_PER_COLUMN = 4, /* rows shorter than so many for each column of the plan are not worth a walk over it */
    FEW_MISSING = 64      /* up to here they are taken out of the plan's shape; else a tree is made of what is there */
};

void alto_plan_fini(alto_plan *self)
{
    free(self->names);
    free(self->keys);
    free(self->places);
    free(self->costs);
    alto_tree_release(self->shape);
    *self = (alto_plan){0};
}

/* ---- learning ---- */

/* The index of `name` among sorted items; their count when it is not there. */
static size_t find_item(const alto_items *sorted, alto_slice name)
{
    size_t low = 0, high = sorted->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = alto_slice_compare(sorted->at[middle].key, name);
        if (order == 0)
            return middle;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return sorted->count;
}

static bool has_key(const alto_plan *self, alto_slice name)
{
    size_t low = 0, high = self->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = alto_slice_compare(self->keys[middle], name);
        if (order == 0)
            return true;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return false;
}

static bool make_room(alto_plan *self, size_t capacity)
{
    *self = (alto_plan){.capacity = capacity};
    self->names = malloc(capacity * sizeof *self->names);
    self->keys = malloc(capacity * sizeof *self->keys);
    self->places = malloc(capacity * sizeof *self->places);
    self->costs = malloc(capacity * sizeof *self->costs);
    return self->names && self->keys && self->places && self->costs;
}

/* The columns of the old plan and of the row, each in its order. False when the two orders contradict each other. */
static bool join_names(alto_plan *self, const alto_plan *old, const alto_slice *names, const alto_items *sorted)
{
    size_t i = 0, j = 0;
    while (i < sorted->count || j < old->count) {
        bool row = i < sorted->count, plan = j < old->count;
        if (row && plan && alto_slice_equal(names[i], old->names[j])) {
            self->names[self->count++] = names[i++];
            j++;
        } else if (plan && find_item(sorted, old->names[j]) == sorted->count) {
            self->names[self->count++] = old->names[j++];
        } else if (row && !has_key(old, names[i])) {
            self->names[self->count++] = names[i++];
        } else {
            self->count = 0;
            return false;
        }
    }
    return true;
}

static alto_status sort_names(alto_plan *self)
{
    alto_items sorted = {0};
    alto_status status = ALTO_OK;
    for (size_t i = 0; status == ALTO_OK && i < self->count; i++)
        status = alto_items_add(&sorted, self->names[i], (alto_value){0});
    if (status == ALTO_OK)
        status = alto_items_sort(&sorted);
    for (size_t i = 0; status == ALTO_OK && i < self->count; i++) {
        self->keys[i] = sorted.at[i].key;
        self->places[i] = (uint32_t)find_item(&sorted, self->names[i]);
    }
    alto_items_fini(&sorted);
    return status;
}

alto_status alto_plan_learn(alto_plan *self, const alto_slice *names, const alto_items *sorted)
{
    /* A row that lacks most of the plan is of another kind: then it is the better guess for the next one. */
    bool join = sorted->count >= self->count / 4;
    alto_plan made;
    bool ready = make_room(&made, self->count + sorted->count + 1);
    if (ready && !(join && join_names(&made, self, names, sorted))) {
        if (sorted->count > 0)
            memcpy(made.names, names, sorted->count * sizeof *names);
        made.count = sorted->count;
    }
    alto_status status = ready ? sort_names(&made) : ALTO_NO_MEMORY;
    alto_plan_fini(self);
    if (status == ALTO_OK)
        *self = made;
    else
        alto_plan_fini(&made);
    return status;
}

/* ---- reading ---- */

static inline const uint8_t *skip_space(const uint8_t *at, const uint8_t *end)
{
    while (at < end && (*at == ' ' || *at == '\n' || *at == '\r' || *at == '\t'))
        at++;
    return at;
}

static inline bool is_name_at(alto_slice name, const uint8_t *at, const uint8_t *end)
{
    return (size_t)(end - at) > name.size + 2 && at[0] == '"' && at[name.size + 1] == '"' &&
           memcmp(at + 1, name.data, name.size) == 0;
}

static void leave_out(alto_plan *self, size_t column)
{
    self->costs[self->places[column]] = NAN;
    self->missing++;
}

/* The column from `next` on whose name stands at `at`; those between are missing. */
static size_t find_column(alto_plan *self, size_t next, const uint8_t *at, const uint8_t *end)
{
    while (next < self->count && !is_name_at(self->names[next], at, end))
        leave_out(self, next++);
    return next;
}

bool alto_plan_read(alto_plan *self, alto_slice text)
{
    const uint8_t *at = skip_space(text.data, text.data + text.size), *end = text.data + text.size;
    size_t next = 0;
    self->missing = 0;
    if (self->count == 0 || text.size / BYTES_PER_COLUMN < self->count || at == end || *at != '{')
        return false;
    while (*at != '}') {
        at = skip_space(at + 1, end); /* behind the brace or a comma */
        next = find_column(self, next, at, end);
        if (next == self->count)
            return false;
        at = skip_space(at + self->names[next].size + 2, end);
        if (at == end || *at != ':')
            return false;
        at = skip_space(at + 1, end);
        size_t size;
        if (alto_number_read(alto_slice_of(at, (size_t)(end - at)), &self->costs[self->places[next++]], &size) !=
            ALTO_OK)
            return false;
        at = skip_space(at + size, end);
        if (at == end || (*at != ',' && *at != '}'))
            return false;
    }
    while (next < self->count)
        leave_out(self, next++);
    return skip_space(at + 1, end) == end;
}

static alto_status make_shape(alto_plan *self, alto_pool *pool, alto_items *items)
{
    alto_status status = ALTO_OK;
    alto_items_clear(items);
    for (size_t i = 0; status == ALTO_OK && i < self->count; i++)
        status = alto_items_add(items, self->keys[i], (alto_value){.cost = 0});
    return status == ALTO_OK ? alto_items_tree(items, pool, ALTO_VALUE_COST, NULL, &self->shape) : status;
}

/* The shape with other costs, without the few columns that are missing. */
static alto_status tree_of_shape(alto_plan *self, alto_pool *pool, alto_items *items, alto_tree **out)
{
    alto_edit removals[FEW_MISSING];
    size_t count = 0;
    for (size_t i = 0; count < self->missing; i++) {
        if (!isnan(self->costs[i]))
            continue;
        removals[count++] = (alto_edit){.key = self->keys[i], .remove = true};
        self->costs[i] = 0;
    }
    alto_status status = self->shape ? ALTO_OK : make_shape(self, pool, items);
    alto_tree *whole = NULL;
    if (status == ALTO_OK)
        status = alto_tree_with_costs(self->shape, self->costs, &whole);
    if (status == ALTO_OK)
        status = alto_tree_edit(pool, ALTO_VALUE_COST, whole, removals, count, out);
    alto_tree_release(whole);
    return status;
}

alto_status alto_plan_tree(alto_plan *self, alto_pool *pool, alto_items *items, const alto_tree *before,
                           alto_tree **out)
{
    if (!before && self->missing <= FEW_MISSING)
        return tree_of_shape(self, pool, items, out);
    alto_status status = ALTO_OK;
    alto_items_clear(items);
    for (size_t i = 0; status == ALTO_OK && i < self->count; i++)
        if (!isnan(self->costs[i]))
            status = alto_items_add(items, self->keys[i], (alto_value){.cost = self->costs[i]});
    return status == ALTO_OK ? alto_items_tree(items, pool, ALTO_VALUE_COST, before, out) : status;
}
