/* SPDX-License-Identifier: Apache-2.0 */
#include "core/weight.h"

#include "core/render_piece.h"

enum {
    NODE_BYTES = 96, /* of a node itself, with what malloc adds */
    KEY_BYTES = 4    /* of a key in a run, besides its bytes */
};

static uint64_t values_weight(const alto_tree *node, const alto_node_info *info)
{
    uint64_t bytes = 8 * (uint64_t)info->count;
    if (info->level == 0 && info->type == ALTO_VALUE_NONE)
        return 0;
    if (info->level == 0 && info->type == ALTO_VALUE_TEXT)
        for (uint32_t i = 0; i < info->count; i++)
            bytes += alto_node_value(node, i).text.size;
    return bytes;
}

/* A node alone; its keys only when it does not have them from its neighbour. */
static uint64_t node_weight(const alto_tree *node, const alto_node_info *info, const alto_tree *other)
{
    uint64_t bytes = NODE_BYTES + values_weight(node, info);
    if (!other || !alto_node_same_keys(node, other))
        bytes += alto_node_keys(node).size + KEY_BYTES * (uint64_t)info->count;
    return bytes + alto_piece_bytes(node);
}

static const alto_tree *below(const alto_tree *node, const alto_node_info *info, uint32_t index)
{
    return info->level ? alto_node_child(node, index) : alto_node_value(node, index).row;
}

/* What stands below two nodes of one level: children, or rows. The neighbour of each is found by key. */
static uint64_t weigh_below(const alto_tree *node, const alto_node_info *info, const alto_tree *other)
{
    uint64_t bytes = 0;
    uint32_t at = 0, others = other ? alto_node_look(other).count : 0;
    bool same_keys = other && alto_node_same_keys(node, other);
    for (uint32_t i = 0; i < info->count; i++) {
        alto_slice key = alto_node_key(node, i);
        while (!same_keys && at < others && alto_slice_compare(alto_node_key(other, at), key) < 0)
            at++;
        if (same_keys)
            at = i;
        bool paired = same_keys || (at < others && (info->level || alto_slice_equal(alto_node_key(other, at), key)));
        bytes += alto_tree_weight(below(node, info, i), paired ? below(other, info, at) : NULL);
    }
    return bytes;
}

uint64_t alto_tree_weight(const alto_tree *tree, const alto_tree *other)
{
    if (!tree || tree == other)
        return 0;
    alto_node_info info = alto_node_look(tree);
    while (other && alto_node_look(other).level > info.level) /* it grew: what it had is most likely at its beginning */
        other = alto_node_child(other, 0);
    bool level = other && alto_node_look(other).level == info.level;
    uint64_t bytes = node_weight(tree, &info, level ? other : NULL);
    if (info.level || info.type == ALTO_VALUE_ROW)
        bytes += weigh_below(tree, &info, level ? other : NULL);
    return bytes;
}
