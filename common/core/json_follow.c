/* SPDX-License-Identifier: Apache-2.0 */
#include "core/json_follow.h"

#include "core/json_text.h"
#include "core/prefix.h"
#include "core/version.h"

typedef struct {
    alto_items *items;
    alto_cursor held;     /* in the row before: at the first prefix that has not been reached */
    alto_prefix_key last; /* read before this one; size 0: none */
} follower;

static alto_slice slice_of(const alto_prefix_key *key)
{
    return alto_slice_of(key->bytes, key->size);
}

/* The row no longer has what comes before `key` (NULL: what is left). Returns how `key` stands to what the row had next. */
static bool remove_up_to(follower *self, const alto_slice *key, int *order)
{
    *order = 1;
    while (alto_cursor_valid(&self->held)) {
        alto_slice held = alto_cursor_key(&self->held);
        *order = key ? alto_slice_compare(held, *key) : -1;
        if (*order >= 0)
            return true;
        if (!alto_items_edit(self->items, held, (alto_value){0}, true))
            return false;
        alto_cursor_next(&self->held);
    }
    *order = 1;
    return true;
}

static bool take_prefix(follower *self, const alto_prefix_key *read)
{
    alto_slice key = slice_of(read), copy;
    int order;
    /* What the row has next follows all that was read so far. */
    if (alto_cursor_valid(&self->held) && alto_slice_compare(alto_cursor_key(&self->held), key) == 0) {
        alto_cursor_next(&self->held);
        self->last = *read;
        return true;
    }
    if (alto_slice_compare(slice_of(&self->last), key) >= 0 || !remove_up_to(self, &key, &order))
        return false;
    self->last = *read;
    if (order == 0) {
        alto_cursor_next(&self->held);
        return true;
    }
    return alto_items_copy(self->items, key, &copy) && alto_items_edit(self->items, copy, (alto_value){0}, false);
}

/* The prefix that the walk stands at, with its quotes. */
static bool read_prefix(alto_json_walk *walk, int family, alto_prefix_key *read)
{
    size_t size;
    if (alto_json_walk_peek(walk) != '"')
        return false;
    alto_slice text = alto_slice_of(walk->at + 1, (size_t)(walk->end - walk->at - 1));
    if (alto_prefix_read(family, text, read, &size) != ALTO_OK || size == text.size || text.data[size] != '"')
        return false;
    walk->at += size + 2;
    return true;
}

static bool take_prefixes(follower *self, alto_json_walk *walk, int family)
{
    alto_json_step step;
    alto_prefix_key read;
    bool any = false;
    if (!alto_json_walk_enter(walk, '['))
        return false;
    for (; (step = alto_json_walk_element(walk)) == ALTO_JSON_ITEM; any = true)
        if (!read_prefix(walk, family, &read) || !take_prefix(self, &read))
            return false;
    return step == ALTO_JSON_END && any;
}

bool alto_follow_prefixes(alto_items *items, alto_slice text, const alto_tree *before)
{
    follower self = {.items = items};
    alto_json_walk walk = alto_json_walk_make(text);
    alto_json_step step;
    alto_slice name;
    int order;
    alto_items_clear(items);
    alto_cursor_first(&self.held, before);
    if (!alto_json_walk_enter(&walk, '{'))
        return false;
    while ((step = alto_json_walk_member(&walk, &name)) == ALTO_JSON_ITEM) {
        int family = alto_slice_equal(name, alto_slice_text("\"ipv4\""))   ? ALTO_ITEM_IPV4
                     : alto_slice_equal(name, alto_slice_text("\"ipv6\"")) ? ALTO_ITEM_IPV6
                                                                           : 0;
        if (family == 0 || !take_prefixes(&self, &walk, family))
            return false;
    }
    return step == ALTO_JSON_END && alto_json_walk_finish(&walk) && remove_up_to(&self, NULL, &order);
}
