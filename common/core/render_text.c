/* SPDX-License-Identifier: Apache-2.0 */
#include "core/render_text.h"

#include "core/mapjson.h"
#include "core/number.h"
#include "core/number_quick.h"
#include "core/prefix.h"

#include <assert.h>

enum { IPV4_KEY = 6, ALONE_KEY = 1 };

alto_form alto_item_form(alto_kind kind, uint8_t row_class)
{
    if (row_class == ALTO_ROW_PAYLOAD)
        return kind == ALTO_COST_MAP ? ALTO_FORM_COSTS : ALTO_FORM_ADDRESSES;
    return row_class == ALTO_ROW_VALUE ? ALTO_FORM_VALUE : ALTO_FORM_MEMBERS;
}

alto_slice alto_first_key(const alto_tree *node)
{
    while (alto_node_look(node).level > 0)
        node = alto_node_child(node, 0);
    return alto_node_key(node, 0);
}

alto_slice alto_last_key(const alto_tree *node)
{
    return alto_node_key(node, alto_node_look(node).count - 1);
}

/* ---- strings ---- */

/* Eight characters of a name at once: does none of them need an escape? May say no for a character before one
 * that does. */
static inline bool eight_are_plain(uint64_t eight)
{
    const uint64_t ones = UINT64_C(0x0101010101010101), high = UINT64_C(0x8080808080808080);
    uint64_t quotes = eight ^ (ones * '"'), slashes = eight ^ (ones * '\\');
    uint64_t found = ((eight - ones * 0x20) & ~eight) | ((quotes - ones) & ~quotes) | ((slashes - ones) & ~slashes);
    return (found & high) == 0;
}

/* Copy a name that needs no escapes; false when it does. */
static inline bool copy_plain(uint8_t *to, alto_slice name)
{
    size_t at = 0;
    for (; name.size - at >= sizeof(uint64_t); at += sizeof(uint64_t)) {
        uint64_t eight;
        memcpy(&eight, name.data + at, sizeof eight);
        memcpy(to + at, &eight, sizeof eight);
        if (!eight_are_plain(eight))
            return false;
    }
    for (; at < name.size; at++) {
        uint8_t byte = to[at] = name.data[at];
        if (byte < 0x20 || byte == '"' || byte == '\\')
            return false;
    }
    return true;
}

/* alto_json_string, with a short way for names that need no escapes. */
static void add_name(alto_buffer *out, alto_slice name)
{
    uint8_t *at = alto_buffer_grow(out, name.size + 2);
    if (!at)
        return;
    at[0] = '"';
    at[name.size + 1] = '"';
    if (copy_plain(at + 1, name))
        return;
    out->size -= name.size + 2;
    alto_json_string(out, name);
}

static bool is_plain(alto_slice name)
{
    size_t at = 0;
    for (; name.size - at >= sizeof(uint64_t); at += sizeof(uint64_t)) {
        uint64_t eight;
        memcpy(&eight, name.data + at, sizeof eight);
        if (!eight_are_plain(eight))
            return false;
    }
    for (; at < name.size; at++)
        if (name.data[at] < 0x20 || name.data[at] == '"' || name.data[at] == '\\')
            return false;
    return true;
}

uint64_t alto_text_names_size(const alto_tree *node, alto_buffer *scratch)
{
    uint32_t count = alto_node_look(node).count;
    alto_slice all = alto_node_keys(node);
    if (is_plain(all))
        return all.size + UINT64_C(2) * count;
    uint64_t size = 0;
    for (uint32_t i = 0; i < count; i++) {
        alto_buffer_empty(scratch);
        alto_json_string(scratch, alto_node_key(node, i));
        size += scratch->size;
    }
    return size;
}

/* ---- items ---- */

/* The array that an address item belongs to: 4, 6, or 0 when it is a member of its own. */
static uint8_t family_of(alto_slice key)
{
    if (key.size == IPV4_KEY || key.size == ALONE_KEY)
        if (key.data[0] == ALTO_ITEM_IPV4)
            return ALTO_ITEM_IPV4;
    if (key.size == ALTO_PREFIX_KEY || key.size == ALONE_KEY)
        if (key.data[0] == ALTO_ITEM_IPV6)
            return ALTO_ITEM_IPV6;
    return 0;
}

alto_slice alto_address_type(alto_slice key)
{
    uint8_t family = family_of(key);
    if (family)
        return alto_slice_text(family == ALTO_ITEM_IPV4 ? "ipv4" : "ipv6");
    alto_slice rest = key.size ? alto_slice_of(key.data + 1, key.size - 1) : key;
    const uint8_t *end = rest.size ? memchr(rest.data, 0, rest.size) : NULL;
    return alto_slice_of(rest.data, end ? (size_t)(end - rest.data) : rest.size);
}

/* A member of another name: 0x80, type, 0, JSON. */
static void add_other(alto_buffer *out, alto_slice key)
{
    alto_slice name = alto_address_type(key);
    size_t head = 1 + name.size + 1;
    add_name(out, name);
    alto_buffer_put(out, ':');
    if (key.size >= head)
        alto_buffer_add(out, key.data + head, key.size - head);
    else
        alto_buffer_add_text(out, "null"); /* no reader lets such an item in; even so the text stays JSON */
}

void alto_text_address(alto_buffer *out, alto_slice key)
{
    if (!family_of(key)) {
        add_other(out, key);
        return;
    }
    if (key.size == ALONE_KEY)
        return;
    char text[ALTO_PREFIX_TEXT];
    size_t size = alto_prefix_format(key, text);
    uint8_t *at = alto_buffer_grow(out, size + 2);
    if (!at)
        return;
    at[0] = '"';
    memcpy(at + 1, text, size);
    at[size + 1] = '"';
}

static void between_addresses(alto_buffer *out, const alto_slice *before, const alto_slice *after)
{
    uint8_t old = before ? family_of(*before) : 0, new = after ? family_of(*after) : 0;
    if (old && old == new) {
        if (before->size != ALONE_KEY && after->size != ALONE_KEY)
            alto_buffer_put(out, ',');
        return;
    }
    if (!before)
        alto_buffer_put(out, '{');
    if (old)
        alto_buffer_put(out, ']');
    if (before && after)
        alto_buffer_put(out, ',');
    if (!after)
        alto_buffer_put(out, '}');
    if (new)
        alto_buffer_add_text(out, new == ALTO_ITEM_IPV4 ? "\"ipv4\":[" : "\"ipv6\":[");
}

/* The inner loop of cost maps: one growth of the buffer for each cell. */
static void add_costs(alto_buffer *out, const alto_tree *leaf, uint32_t count)
{
    const double *costs = alto_node_costs(leaf);
    alto_quick quick[ALTO_TREE_CAP];
    alto_quick_split(costs, count, quick);
    for (uint32_t i = 0; i < count; i++) {
        alto_slice name = alto_node_key(leaf, i);
        size_t most = name.size + sizeof ",\"\":" + ALTO_NUMBER_TEXT;
        uint8_t *begin = alto_buffer_grow(out, most), *at = begin;
        if (!at)
            return;
        if (i > 0)
            *at++ = ',';
        *at++ = '"';
        if (copy_plain(at, name)) {
            at += name.size;
            *at++ = '"';
        } else {
            out->size -= most - (i > 0);
            alto_json_string(out, name);
            begin = at = alto_buffer_grow(out, most = 1 + ALTO_NUMBER_TEXT);
            if (!at)
                return;
        }
        *at++ = ':';
        if (quick[i].whole != ALTO_QUICK_NONE)
            at = alto_quick_put(at, quick[i]);
        else
            at += alto_number_format(costs[i], (char *)at);
        out->size -= most - (size_t)(at - begin);
    }
}

static void add_entry(alto_buffer *out, alto_form form, const alto_tree *leaf, uint32_t index)
{
    alto_slice key = alto_node_key(leaf, index);
    switch (form) {
    case ALTO_FORM_ADDRESSES:
        alto_text_address(out, key);
        break;
    case ALTO_FORM_MEMBERS:
        add_name(out, key);
        alto_buffer_put(out, ':');
        alto_buffer_add_slice(out, alto_node_value(leaf, index).text);
        break;
    case ALTO_FORM_VALUE:
        alto_buffer_add_slice(out, alto_node_value(leaf, index).text);
        break;
    case ALTO_FORM_ADDRESS_ROWS:
    case ALTO_FORM_COST_ROWS:
        alto_text_row(out, form == ALTO_FORM_COST_ROWS ? ALTO_COST_MAP : ALTO_NETWORK_MAP, key,
                      alto_node_value(leaf, index).row);
        break;
    case ALTO_FORM_COSTS:
        assert(false); /* add_costs */
        break;
    }
}

static void add_leaf(alto_buffer *out, alto_form form, const alto_tree *leaf, uint32_t count)
{
    if (form == ALTO_FORM_COSTS) {
        add_costs(out, leaf, count);
        return;
    }
    uint32_t first = 0;
    while (alto_form_is_rows(form) && first < count && alto_row_class(alto_node_key(leaf, first)) != ALTO_ROW_PAYLOAD)
        first++;
    for (uint32_t i = first; i < count; i++) {
        if (i > first) {
            alto_slice before = alto_node_key(leaf, i - 1), after = alto_node_key(leaf, i);
            alto_text_between(out, form, &before, &after);
        }
        add_entry(out, form, leaf, i);
    }
}

/* Has the node anything to write? Rows of other classes come before those of the payload. */
static bool has_text(alto_form form, const alto_tree *node)
{
    return !alto_form_is_rows(form) || alto_row_class(alto_last_key(node)) == ALTO_ROW_PAYLOAD;
}

static void add_node(alto_buffer *out, alto_form form, const alto_tree *node)
{
    const alto_tree *children[ALTO_TREE_CAP];
    alto_node_info info = alto_node_look(node);
    if (info.level == 0) {
        add_leaf(out, form, node, info.count);
        return;
    }
    assert(info.count <= ALTO_TREE_CAP);
    for (uint32_t i = 0; i < info.count; i++)
        children[i] = alto_node_child(node, i);
    alto_text_nodes(out, form, children, info.count);
}

void alto_text_nodes(alto_buffer *out, alto_form form, const alto_tree *const *nodes, size_t count)
{
    const alto_tree *previous = NULL;
    for (size_t i = 0; i < count; i++) {
        if (!has_text(form, nodes[i]))
            continue;
        if (previous) {
            alto_slice before = alto_last_key(previous), after = alto_first_key(nodes[i]);
            alto_text_between(out, form, &before, &after);
        }
        add_node(out, form, nodes[i]);
        previous = nodes[i];
    }
}

void alto_text_between(alto_buffer *out, alto_form form, const alto_slice *before, const alto_slice *after)
{
    if (form == ALTO_FORM_ADDRESSES) {
        between_addresses(out, before, after);
    } else if (form == ALTO_FORM_VALUE) {
        if (!before && !after)
            alto_buffer_add_text(out, "null");
    } else if (before && after) {
        alto_buffer_put(out, ',');
    } else {
        if (!before)
            alto_buffer_put(out, '{');
        if (!after)
            alto_buffer_put(out, '}');
    }
}

void alto_text_row_name(alto_buffer *out, alto_slice row_key)
{
    add_name(out, row_key.size ? alto_slice_of(row_key.data + 1, row_key.size - 1) : row_key);
    alto_buffer_put(out, ':');
}

void alto_text_row(alto_buffer *out, alto_kind kind, alto_slice row_key, const alto_tree *items)
{
    alto_form form = alto_item_form(kind, alto_row_class(row_key));
    alto_text_row_name(out, row_key);
    if (!items) {
        alto_text_between(out, form, NULL, NULL);
        return;
    }
    alto_slice first = alto_first_key(items), last = alto_last_key(items);
    alto_text_between(out, form, NULL, &first);
    add_node(out, form, items);
    alto_text_between(out, form, &last, NULL);
}
