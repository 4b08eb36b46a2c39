/* SPDX-License-Identifier: Apache-2.0 */
#include "core/delta_format.h"

#include <stdlib.h>

const double alto_cost_powers[ALTO_COST_DECIMALS] = {1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9};

bool alto_array_room(void *array, size_t *capacity, size_t count, size_t element)
{
    void *data;
    if (count < *capacity)
        return true;
    size_t wanted = *capacity ? *capacity * 2 : 32;
    while (wanted <= count)
        wanted *= 2;
    memcpy(&data, array, sizeof data); /* whatever it points to */
    data = realloc(data, wanted * element);
    if (!data)
        return false;
    memcpy(array, &data, sizeof data);
    *capacity = wanted;
    return true;
}

void alto_numbers_fini(alto_numbers *self)
{
    free(self->at);
    *self = (alto_numbers){0};
}

/* ---- rows by rank and by item ---- */

alto_row_walker alto_row_walker_make(const alto_tree *rows)
{
    return (alto_row_walker){.top = rows};
}

alto_slice alto_row_walker_key(const alto_row_walker *self)
{
    return alto_node_key(self->leaf, self->index);
}

const alto_tree *alto_row_walker_items(const alto_row_walker *self)
{
    return alto_node_value(self->leaf, self->index).row;
}

/* Go down to the leaf that holds the wanted rank or, if by_item, the wanted item. */
static bool descend(alto_row_walker *self, bool by_item, uint64_t wanted)
{
    const alto_tree *node = self->top;
    self->leaf = NULL;
    self->rank = self->start = 0;
    if (wanted >= (by_item ? alto_tree_items(node) : alto_tree_entries(node)))
        return false;
    alto_node_info info = alto_node_look(node);
    alto_node_expect(node);
    while (info.level > 0) {
        uint32_t i = 0;
        for (;; i++) {
            const alto_tree *child = alto_node_child(node, i);
            uint64_t rows = alto_tree_entries(child), items = alto_tree_items(child);
            if (wanted < (by_item ? self->start + items : self->rank + rows))
                break;
            self->rank += rows;
            self->start += items;
        }
        node = alto_node_child(node, i);
        info = alto_node_look(node);
        alto_node_expect(node);
    }
    self->leaf = node;
    self->index = 0;
    self->count = info.count;
    return true;
}

/* Walk on in the leaf; false when it ends before. */
static bool walk_on(alto_row_walker *self, bool by_item, uint64_t wanted)
{
    if (!self->leaf || wanted < (by_item ? self->start : self->rank))
        return false;
    for (;;) {
        uint64_t items = alto_tree_entries(alto_row_walker_items(self));
        if (wanted < (by_item ? self->start + items : self->rank + 1))
            return true;
        if (self->index + 1 == self->count)
            return false;
        self->index++;
        self->rank++;
        self->start += items;
    }
}

bool alto_row_walker_to_rank(alto_row_walker *self, uint64_t rank)
{
    return walk_on(self, false, rank) || (descend(self, false, rank) && walk_on(self, false, rank));
}

bool alto_row_walker_to_item(alto_row_walker *self, uint64_t position)
{
    return walk_on(self, true, position) || (descend(self, true, position) && walk_on(self, true, position));
}

alto_payload_range alto_payload_range_of(const alto_tree *rows)
{
    static const uint8_t first = ALTO_ROW_PAYLOAD;
    alto_payload_range range = {.first_rank = alto_tree_rank(rows, alto_slice_of(&first, 1), NULL)};
    alto_row_walker walker = alto_row_walker_make(rows);
    range.rows = alto_tree_entries(rows) - range.first_rank;
    range.first_item = alto_row_walker_to_rank(&walker, range.first_rank) ? walker.start : alto_tree_items(rows);
    range.items = alto_tree_items(rows) - range.first_item;
    return range;
}

/* ---- recent PIDs ---- */

static void recent_use(alto_recent *self, unsigned place, uint64_t ref)
{
    if (place == self->count && self->count < ALTO_RECENT_MAX)
        self->count++;
    else if (place == ALTO_RECENT_MAX)
        place--;
    memmove(self->refs + 1, self->refs, place * sizeof *self->refs);
    self->refs[0] = ref;
}

uint64_t alto_recent_write(alto_recent *self, uint64_t ref)
{
    unsigned place = 0;
    while (place < self->count && self->refs[place] != ref)
        place++;
    uint64_t code = place < self->count ? place : self->count + ref;
    recent_use(self, place, ref);
    return code;
}

uint64_t alto_recent_read(alto_recent *self, uint64_t code)
{
    unsigned place = code < self->count ? (unsigned)code : self->count;
    uint64_t ref = code < self->count ? self->refs[code] : code - self->count;
    recent_use(self, place, ref);
    return ref;
}

/* ---- prefixes ---- */

bool alto_prefix_of_key(alto_slice key, alto_prefix *prefix)
{
    if (key.size < 2 || (key.data[0] != ALTO_ITEM_IPV4 && key.data[0] != ALTO_ITEM_IPV6))
        return false;
    unsigned bits = alto_family_bits(key.data[0]);
    *prefix = (alto_prefix){.family = key.data[0], .length = key.data[key.size - 1]};
    if (key.size != bits / 8 + 2 || prefix->length > bits)
        return false;
    for (size_t i = 1; i + 1 < key.size; i++)
        prefix->address = prefix->address << 8 | key.data[i];
    return prefix->address ==
           alto_from_units(prefix->family, alto_units(prefix->family, prefix->address, prefix->length), prefix->length);
}

void alto_prefix_to_key(alto_prefix prefix, alto_prefix_key *key)
{
    unsigned bytes = alto_family_bits(prefix.family) / 8;
    key->bytes[0] = (uint8_t)prefix.family;
    for (unsigned i = 0; i < bytes; i++)
        key->bytes[1 + i] = (uint8_t)(prefix.address >> (8 * (bytes - 1 - i)));
    key->bytes[1 + bytes] = (uint8_t)prefix.length;
    key->size = (uint8_t)(bytes + 2);
}

alto_address alto_family_origin(int family)
{
    return family == ALTO_ITEM_IPV4 ? 0 : (alto_address)0x2000 << 112;
}

/* IPv6 lengths count down from /64, the usual end; the rare longer ones stand for themselves. */
uint64_t alto_length_code(bool differences, int family, unsigned length, unsigned before)
{
    if (differences)
        return alto_zigzag((int64_t)length - (int64_t)before);
    if (family == ALTO_ITEM_IPV4)
        return 32 - length;
    return length <= 64 ? 64 - length : length;
}

bool alto_length_from_code(bool differences, int family, uint64_t code, unsigned before, unsigned *length)
{
    int64_t found;
    if (code > 1024)
        return false;
    if (differences)
        found = alto_unzigzag(code) + (int64_t)before;
    else if (family == ALTO_ITEM_IPV4)
        found = 32 - (int64_t)code;
    else
        found = code <= 64 ? 64 - (int64_t)code : (int64_t)code;
    *length = (unsigned)found;
    return found >= 0 && found <= (int64_t)alto_family_bits(family);
}
