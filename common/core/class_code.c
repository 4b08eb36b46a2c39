/* SPDX-License-Identifier: Apache-2.0 */
#include "core/class_code.h"

#include <string.h>

enum {
    VALUE_BITS = 63, /* of the greatest value */
    CODE_MAX = 12,   /* bits of the longest Huffman code */
    CODE_FIRST = 4,  /* the length that the first code's is compared with */
    CLASS_BITS = 8,
    RANGE_ORDER = 3 /* of how many classes are in use */
};

typedef struct {
    uint32_t weight;
    uint16_t parent; /* index in the same array */
    uint8_t class;
} huffman_node;

/* Sort by weight, then by class, which is their order already. They are few. */
static void sort_by_weight(huffman_node *nodes, unsigned count)
{
    for (unsigned i = 1; i < count; i++) {
        huffman_node moved = nodes[i];
        unsigned to = i;
        for (; to > 0 && nodes[to - 1].weight > moved.weight; to--)
            nodes[to] = nodes[to - 1];
        nodes[to] = moved;
    }
}

/* Join the two lightest until one is left: leaves are sorted, joints come into being in order of weight. */
static void join(huffman_node *nodes, unsigned leaves)
{
    unsigned leaf = 0, joint = leaves, made = leaves;
    for (; made < 2 * leaves - 1; made++) {
        nodes[made].weight = 0;
        for (int pick = 0; pick < 2; pick++) {
            bool take_leaf = leaf < leaves && (joint == made || nodes[leaf].weight <= nodes[joint].weight);
            unsigned taken = take_leaf ? leaf++ : joint++;
            nodes[made].weight += nodes[taken].weight;
            nodes[taken].parent = (uint16_t)made;
        }
    }
}

void alto_class_code_lengths(const uint32_t counts[ALTO_CLASSES], uint8_t lengths[ALTO_CLASSES])
{
    huffman_node nodes[2 * ALTO_CLASSES];
    unsigned depth[2 * ALTO_CLASSES], leaves = 0, deepest;
    memset(lengths, 0, ALTO_CLASSES);
    for (unsigned i = 0; i < ALTO_CLASSES; i++)
        if (counts[i])
            nodes[leaves++] = (huffman_node){.weight = counts[i], .class = (uint8_t)i};
    if (leaves < 2)
        return;
    sort_by_weight(nodes, leaves);
    do {
        join(nodes, leaves);
        depth[2 * leaves - 2] = 0;
        deepest = 0;
        for (unsigned i = 2 * leaves - 2; i-- > 0;) {
            depth[i] = depth[nodes[i].parent] + 1;
            deepest = depth[i] > deepest ? depth[i] : deepest;
        }
        for (unsigned i = 0; i < leaves; i++) { /* flatter weights for the next try; their order stays */
            lengths[nodes[i].class] = (uint8_t)depth[i];
            nodes[i].weight = (nodes[i].weight + 3) / 4;
        }
    } while (deepest > CODE_MAX);
}

/* Between neighbours: same, one less, one more, absent, two less, two more, ... */
static unsigned length_step(unsigned length, unsigned before)
{
    if (length == 0)
        return 3;
    if (length == before)
        return 0;
    unsigned step = length < before ? 2 * (before - length) - 1 : 2 * (length - before);
    return step < 3 ? step : step + 1;
}

static unsigned length_after(unsigned step, unsigned before)
{
    if (step == 3)
        return 0;
    step -= step > 3;
    unsigned change = (step + 1) / 2;
    return step & 1 ? (change < before ? before - change : CODE_MAX + 1) : before + change;
}

uint64_t alto_class_code_bits(const uint8_t lengths[ALTO_CLASSES], alto_class_range range)
{
    uint64_t bits = CLASS_BITS + alto_bits_of_number(range.last - range.first, RANGE_ORDER);
    unsigned before = CODE_FIRST;
    for (unsigned i = range.first; range.first != range.last && i <= range.last; i++) {
        bits += alto_bits_of_number(length_step(lengths[i], before), 0);
        before = lengths[i] ? lengths[i] : before;
    }
    return bits;
}

static void put_code_description(alto_bit_writer *out, const uint8_t lengths[ALTO_CLASSES], alto_class_range range)
{
    alto_bits_put(out, range.first, CLASS_BITS);
    alto_bits_put_number(out, range.last - range.first, RANGE_ORDER);
    unsigned before = CODE_FIRST;
    for (unsigned i = range.first; range.first != range.last && i <= range.last; i++) {
        alto_bits_put_number(out, length_step(lengths[i], before), 0);
        before = lengths[i] ? lengths[i] : before;
    }
}

/* Read the description; false unless it is a complete code. */
static bool take_code_description(alto_bit_reader *in, uint8_t lengths[ALTO_CLASSES], alto_class_range *range)
{
    range->first = (unsigned)alto_bits_take(in, CLASS_BITS);
    range->last = range->first + (unsigned)alto_bits_take_bounded(in, RANGE_ORDER, ALTO_CLASSES - 1 - range->first);
    memset(lengths, 0, ALTO_CLASSES);
    if (range->first == range->last)
        return true;
    unsigned before = CODE_FIRST, used = 0;
    for (unsigned i = range->first; i <= range->last; i++) {
        unsigned length = length_after((unsigned)alto_bits_take_bounded(in, 0, 2 * CODE_MAX + 1), before);
        if (length > CODE_MAX)
            return false;
        lengths[i] = (uint8_t)length;
        before = length ? length : before;
        used += length ? 1U << (CODE_MAX - length) : 0;
    }
    return used == 1U << CODE_MAX;
}

/* First code of each length, canonical: shorter codes first, then by class. */
static void first_codes(const uint8_t lengths[ALTO_CLASSES], unsigned first[CODE_MAX + 2])
{
    unsigned counts[CODE_MAX + 2] = {0};
    for (unsigned i = 0; i < ALTO_CLASSES; i++)
        counts[lengths[i]]++;
    counts[0] = 0;
    first[0] = first[1] = 0;
    for (unsigned length = 1; length <= CODE_MAX; length++)
        first[length + 1] = (first[length] + counts[length]) << 1;
}

void alto_class_code_put(alto_bit_writer *out, const uint64_t *values, size_t count, unsigned m,
                         const uint8_t lengths[ALTO_CLASSES], alto_class_range range)
{
    put_code_description(out, lengths, range);
    unsigned next[CODE_MAX + 2];
    uint16_t codes[ALTO_CLASSES];
    first_codes(lengths, next);
    for (unsigned i = 0; i < ALTO_CLASSES; i++)
        codes[i] = lengths[i] ? (uint16_t)next[lengths[i]]++ : 0;
    alto_bit_writer fast = *out; /* a copy can live in registers */
    for (size_t i = 0; i < count; i++) {
        unsigned rest, class = alto_class_of(values[i], m, &rest);
        uint64_t low = values[i] & ((UINT64_C(1) << rest) - 1);
        if (lengths[class] + rest <= 32) {
            alto_bits_put(&fast, (uint64_t)codes[class] << rest | low, lengths[class] + rest);
        } else {
            alto_bits_put(&fast, codes[class], lengths[class]);
            alto_bits_put_wide(&fast, low, rest);
        }
    }
    *out = fast;
}

/* How to read classes. */
typedef struct {
    unsigned longest; /* bits of the longest code */
    unsigned most;    /* of a value: its code and what follows it */
    struct {
        uint16_t class;
        uint8_t length, bits; /* bits: of the code and of what follows it */
    } codes[1U << CODE_MAX];  /* what the next `longest` bits say */
    uint64_t base[ALTO_CLASSES];
} decoding;

static void fill_decoding(decoding *table, const uint8_t lengths[ALTO_CLASSES], alto_class_range range, unsigned m)
{
    unsigned next[CODE_MAX + 2], rest;
    first_codes(lengths, next);
    table->longest = table->most = 0;
    for (unsigned class = range.first; class <= range.last; class ++)
        table->longest = lengths[class] > table->longest ? lengths[class] : table->longest;
    for (unsigned class = range.first; class <= range.last; class ++) {
        unsigned length = lengths[class], shift = table->longest - length;
        table->base[class] = alto_class_base(class, m, &rest);
        if (!length && range.first != range.last)
            continue;
        table->most = length + rest > table->most ? length + rest : table->most;
        unsigned from = length ? next[length]++ << shift : 0;
        for (unsigned i = from; i < from + (1U << shift); i++) {
            table->codes[i].class = (uint16_t) class;
            table->codes[i].length = (uint8_t)length;
            table->codes[i].bits = (uint8_t)(length + rest);
        }
    }
}

/* The value that a word begins with; returns its bits. */
static inline unsigned take_class(const decoding *table, uint64_t word, uint64_t *value)
{
    size_t code = (size_t)(word >> 1 >> (63 - table->longest));
    /* NOLINTNEXTLINE(clang-analyzer-core.uninitialized.Assign): a complete code fills all that `longest` bits can say */
    unsigned length = table->codes[code].length, bits = table->codes[code].bits;
    *value = table->base[table->codes[code].class] | word << length >> 1 >> (63 - (bits - length));
    return bits;
}

void alto_class_code_take(alto_bit_reader *in, uint64_t *values, size_t count, unsigned m)
{
    uint8_t lengths[ALTO_CLASSES];
    decoding table; /* only what a complete code can lead to is filled in */
    alto_class_range range;
    if (!take_code_description(in, lengths, &range) || range.last >> m > VALUE_BITS - m) {
        alto_bits_fail(in, ALTO_MALFORMED);
        return;
    }
    fill_decoding(&table, lengths, range, m);
    alto_bit_reader fast = *in; /* a copy can live in registers */
    size_t i = 0, together = ALTO_BITS_PEEKED / (table.most ? table.most : 1);
    while (together && count - i >= together) {
        uint64_t word = alto_bits_peek(&fast);
        for (size_t end = i + together; i < end; i++) {
            unsigned bits = take_class(&table, word, &values[i]);
            word <<= bits;
            fast.at += bits;
        }
    }
    for (; i < count; i++) { /* the last ones, or those that may have more bits than are peeked */
        size_t code = (size_t)(alto_bits_peek(&fast) >> 1 >> (63 - table.longest));
        /* NOLINTNEXTLINE(clang-analyzer-core.uninitialized.Assign): likewise */
        unsigned length = table.codes[code].length, rest = table.codes[code].bits - length;
        fast.at += length;
        values[i] = table.base[table.codes[code].class] | alto_bits_take(&fast, rest);
    }
    *in = fast;
}
