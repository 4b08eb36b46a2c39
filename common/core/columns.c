/* SPDX-License-Identifier: Apache-2.0 */
#include "core/columns.h"

#include "core/compress.h"

#include <assert.h>
#include <stdlib.h>

enum mode { CONSTANT, RICE, GOLOMB, CLASS0, CLASS1, CLASS2, RUNS, PACKED };

enum {
    MODE_BITS = 3,
    RICE_BITS = 5,
    RICE_ESCAPE = 24, /* ones in a row that announce a value with its width */
    GOLOMB_BITS = 6,
    GOLOMB_MAX = 62,
    WIDTH_BITS = 6,
    WIDTH_MAX = 63, /* bits of ALTO_COLUMN_MAX */
    PEEKED = 57,    /* bits that are looked at together, at least */
    SMALL = 3,      /* order of single values */
    SIZE = 8,       /* order of sizes in bytes */
    CODE_MAX = 12,  /* bits of the longest Huffman code */
    CODE_FIRST = 4, /* the length that the first code's is compared with */
    CLASS_BITS = 8,
    CLASSES = 256,
    CLASS_LEAST = 24,   /* values from which on a Huffman code may pay */
    ORDER_SAMPLE = 64,  /* values looked at to choose an order */
    ORDERS_MOST = 512,  /* values beyond which classes beat the simple codes anyway */
    RUNS_FEW = 16,      /* values a run from which on runs are best: in all else each value has a bit at least */
    PACK_LEAST = 48,    /* values from which on zstd may pay */
    PACK_FLOOR = 256,   /* bits below which zstd has nothing to win: its headers and the first of each pattern */
    PACK_SAMPLE = 1024, /* values looked at to find out */
    PACK_LEVEL = 3
};

/* ---- bits ---- */

alto_bit_writer alto_bit_writer_make(alto_buffer *out)
{
    return (alto_bit_writer){.out = out};
}

void alto_bits_put_wide(alto_bit_writer *self, uint64_t value, unsigned count)
{
    if (count > 32)
        alto_bits_put(self, value >> 32, count - 32);
    alto_bits_put(self, value & UINT32_MAX, count > 32 ? 32 : count);
}

static unsigned width_of(uint64_t value)
{
    return value ? 64 - (unsigned)__builtin_clzll(value) : 0;
}

void alto_bits_put_number(alto_bit_writer *self, uint64_t value, unsigned k)
{
    uint64_t high = (value >> k) + 1;
    unsigned width = width_of(high);
    alto_bits_put_wide(self, 0, width - 1);
    alto_bits_put_wide(self, high, width);
    alto_bits_put_wide(self, value & ((UINT64_C(1) << k) - 1), k);
}

void alto_bits_align(alto_bit_writer *self)
{
    alto_bits_put(self, 0, (8 - self->used % 8) % 8);
    while (self->used) {
        self->used -= 8;
        alto_buffer_put(self->out, (uint8_t)(self->pending >> self->used));
    }
}

void alto_bits_put_bytes(alto_bit_writer *self, alto_slice bytes)
{
    assert(self->used == 0);
    alto_buffer_add_slice(self->out, bytes);
}

alto_bit_reader alto_bit_reader_make(alto_slice bytes)
{
    return (alto_bit_reader){.data = bytes.data, .size = bytes.size, .status = ALTO_OK};
}

void alto_bits_fail(alto_bit_reader *self, alto_status status)
{
    if (self->status == ALTO_OK)
        self->status = status;
    self->at = self->size * 8;
}

alto_status alto_bits_check(alto_bit_reader *self)
{
    if (self->at > self->size * 8)
        alto_bits_fail(self, ALTO_MALFORMED);
    return self->status;
}

size_t alto_bits_left(const alto_bit_reader *self)
{
    size_t touched = (self->at + 7) / 8;
    return touched < self->size ? self->size - touched : 0;
}

/* The next bits at the top of a word, at least PEEKED of them; zeros past the end. */
static inline uint64_t peek(const alto_bit_reader *self)
{
    size_t byte = self->at >> 3;
    uint64_t word = 0;
    if (byte + sizeof word <= self->size) {
        memcpy(&word, self->data + byte, sizeof word);
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
        word = __builtin_bswap64(word);
#endif
    } else {
        for (size_t i = 0; byte + i < self->size; i++)
            word |= (uint64_t)self->data[byte + i] << (56 - 8 * i);
    }
    return word << (self->at & 7);
}

/* 1 to 57 bits. */
static inline uint64_t take_some(alto_bit_reader *self, unsigned count)
{
    uint64_t value = peek(self) >> (64 - count);
    self->at += count;
    return value;
}

uint64_t alto_bits_take(alto_bit_reader *self, unsigned count)
{
    uint64_t value = 0;
    if (count > 32)
        value = take_some(self, count - 32) << 32;
    unsigned low = count > 32 ? 32 : count;
    return low ? value | take_some(self, low) : value;
}

uint64_t alto_bits_take_number(alto_bit_reader *self, unsigned k)
{
    unsigned zeros = 0;
    uint64_t word;
    while (!(word = peek(self) >> 32)) {
        zeros += 32;
        self->at += 32;
        if (zeros > 63) {
            alto_bits_fail(self, ALTO_MALFORMED);
            return 0;
        }
    }
    unsigned rest = 32 - width_of(word);
    zeros += rest;
    self->at += rest;
    uint64_t high = zeros > 63 ? 0 : alto_bits_take(self, zeros + 1) - 1;
    if (zeros > 63 || high > ALTO_COLUMN_MAX >> k) {
        alto_bits_fail(self, ALTO_MALFORMED);
        return 0;
    }
    return high << k | alto_bits_take(self, k);
}

uint64_t alto_bits_take_bounded(alto_bit_reader *self, unsigned k, uint64_t max)
{
    uint64_t value = alto_bits_take_number(self, k);
    if (value <= max)
        return value;
    alto_bits_fail(self, ALTO_MALFORMED);
    return 0;
}

alto_slice alto_bits_take_bytes(alto_bit_reader *self, uint64_t size)
{
    if (alto_bits_take(self, (8 - self->at % 8) % 8) || size > alto_bits_left(self) ||
        alto_bits_check(self) != ALTO_OK) {
        alto_bits_fail(self, ALTO_MALFORMED);
        return (alto_slice){0};
    }
    alto_slice bytes = {self->data + self->at / 8, (size_t)size};
    self->at += bytes.size * 8;
    return bytes;
}

/* ---- classes and their Huffman code ---- */

/* Class of a value when m bits after its first one count, and how many bits are left. */
static inline unsigned class_of(uint64_t value, unsigned m, unsigned *rest)
{
    if (value >> (m + 1) == 0) {
        *rest = 0;
        return (unsigned)value;
    }
    *rest = width_of(value) - 1 - m;
    return (*rest << m) + (unsigned)(value >> *rest);
}

/* The inverse: the least value of a class. */
static inline uint64_t class_base(unsigned class, unsigned m, unsigned *rest)
{
    if (class >> (m + 1) == 0) {
        *rest = 0;
        return class;
    }
    *rest = (class >> m) - 1;
    return (uint64_t)((class & ((1U << m) - 1)) | 1U << m) << *rest;
}

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

/* Code lengths for classes with these counts: none longer than CODE_MAX, 0 for absent
 * classes and for a class that is alone. */
static void code_lengths(const uint32_t counts[CLASSES], uint8_t lengths[CLASSES])
{
    huffman_node nodes[2 * CLASSES];
    unsigned depth[2 * CLASSES], leaves = 0, deepest;
    memset(lengths, 0, CLASSES);
    for (unsigned i = 0; i < CLASSES; i++)
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

/* Range of the classes in use. */
typedef struct {
    unsigned first, last;
} class_range;

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

static unsigned number_bits(uint64_t value, unsigned k)
{
    return 2 * width_of((value >> k) + 1) - 1 + k;
}

static uint64_t code_description_bits(const uint8_t lengths[CLASSES], class_range range)
{
    uint64_t bits = CLASS_BITS + number_bits(range.last - range.first, SMALL);
    unsigned before = CODE_FIRST;
    for (unsigned i = range.first; range.first != range.last && i <= range.last; i++) {
        bits += number_bits(length_step(lengths[i], before), 0);
        before = lengths[i] ? lengths[i] : before;
    }
    return bits;
}

static void put_code_description(alto_bit_writer *out, const uint8_t lengths[CLASSES], class_range range)
{
    alto_bits_put(out, range.first, CLASS_BITS);
    alto_bits_put_number(out, range.last - range.first, SMALL);
    unsigned before = CODE_FIRST;
    for (unsigned i = range.first; range.first != range.last && i <= range.last; i++) {
        alto_bits_put_number(out, length_step(lengths[i], before), 0);
        before = lengths[i] ? lengths[i] : before;
    }
}

/* Read the description; false unless it is a complete code. */
static bool take_code_description(alto_bit_reader *in, uint8_t lengths[CLASSES], class_range *range)
{
    range->first = (unsigned)alto_bits_take(in, CLASS_BITS);
    range->last = range->first + (unsigned)alto_bits_take_bounded(in, SMALL, CLASSES - 1 - range->first);
    memset(lengths, 0, CLASSES);
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
static void first_codes(const uint8_t lengths[CLASSES], unsigned first[CODE_MAX + 2])
{
    unsigned counts[CODE_MAX + 2] = {0};
    for (unsigned i = 0; i < CLASSES; i++)
        counts[lengths[i]]++;
    counts[0] = 0;
    first[0] = first[1] = 0;
    for (unsigned length = 1; length <= CODE_MAX; length++)
        first[length + 1] = (first[length] + counts[length]) << 1;
}

static void put_classes(alto_bit_writer *out, const uint64_t *values, size_t count, unsigned m,
                        const uint8_t lengths[CLASSES])
{
    unsigned next[CODE_MAX + 2];
    uint16_t codes[CLASSES];
    first_codes(lengths, next);
    for (unsigned i = 0; i < CLASSES; i++)
        codes[i] = lengths[i] ? (uint16_t)next[lengths[i]]++ : 0;
    alto_bit_writer fast = *out; /* a copy can live in registers */
    for (size_t i = 0; i < count; i++) {
        unsigned rest, class = class_of(values[i], m, &rest);
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
    uint64_t base[CLASSES];
} decoding;

static void fill_decoding(decoding *table, const uint8_t lengths[CLASSES], class_range range, unsigned m)
{
    unsigned next[CODE_MAX + 2], rest;
    first_codes(lengths, next);
    table->longest = table->most = 0;
    for (unsigned class = range.first; class <= range.last; class ++)
        table->longest = lengths[class] > table->longest ? lengths[class] : table->longest;
    for (unsigned class = range.first; class <= range.last; class ++) {
        unsigned length = lengths[class], shift = table->longest - length;
        table->base[class] = class_base(class, m, &rest);
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
    unsigned length = table->codes[code].length, bits = table->codes[code].bits;
    *value = table->base[table->codes[code].class] | word << length >> 1 >> (63 - (bits - length));
    return bits;
}

static void take_classes(alto_bit_reader *in, uint64_t *values, size_t count, unsigned m)
{
    uint8_t lengths[CLASSES];
    decoding table; /* only what a complete code can lead to is filled in */
    class_range range;
    if (!take_code_description(in, lengths, &range) || range.last >> m > WIDTH_MAX - m) {
        alto_bits_fail(in, ALTO_MALFORMED);
        return;
    }
    fill_decoding(&table, lengths, range, m);
    alto_bit_reader fast = *in; /* a copy can live in registers */
    size_t i = 0, together = PEEKED / (table.most ? table.most : 1);
    while (together && count - i >= together) {
        uint64_t word = peek(&fast);
        for (size_t end = i + together; i < end; i++) {
            unsigned bits = take_class(&table, word, &values[i]);
            word <<= bits;
            fast.at += bits;
        }
    }
    for (; i < count; i++) { /* the last ones, or those that may have more bits than are peeked */
        size_t code = (size_t)(peek(&fast) >> 1 >> (63 - table.longest));
        unsigned length = table.codes[code].length, rest = table.codes[code].bits - length;
        fast.at += length;
        values[i] = table.base[table.codes[code].class] | alto_bits_take(&fast, rest);
    }
    *in = fast;
}

/* ---- choosing ---- */

/* How a column is to be written. */
typedef struct {
    enum mode mode;
    unsigned k;        /* of RICE and GOLOMB */
    uint64_t bits;     /* mode included */
    size_t runs;       /* of RUNS */
    class_range range; /* of CLASS... */
    uint8_t lengths[CLASSES];
} plan;

static void keep_if_smaller(plan *best, enum mode mode, unsigned k, uint64_t bits)
{
    if (MODE_BITS + bits < best->bits) {
        best->mode = mode;
        best->k = k;
        best->bits = MODE_BITS + bits;
    }
}

/* Bits of every `step`th value, k itself included. */
static uint64_t rice_bits(const uint64_t *values, size_t count, size_t step, unsigned k)
{
    uint64_t bits = RICE_BITS;
    for (size_t i = 0; i < count; i += step) {
        uint64_t ones = values[i] >> k;
        bits += ones < RICE_ESCAPE ? ones + 1 + k : RICE_ESCAPE + WIDTH_BITS + width_of(values[i]);
    }
    return bits;
}

static uint64_t golomb_bits(const uint64_t *values, size_t count, size_t step, unsigned k)
{
    uint64_t bits = GOLOMB_BITS;
    for (size_t i = 0; i < count; i += step)
        bits += number_bits(values[i], k);
    return bits;
}

/* What one walk over the values tells. */
typedef struct {
    uint32_t classes[CLASSES]; /* how many values have that class, for m = 2 */
    unsigned median;           /* width that half of the values do not exceed */
} profile;

static void look(const uint64_t *values, size_t count, profile *found)
{
    uint32_t odd[CLASSES] = {0}; /* two counters of each: the same class often follows itself */
    unsigned rest;
    memset(found, 0, sizeof *found);
    for (size_t i = 0; i < count; i++) {
        uint32_t *counter = i & 1 ? odd : found->classes;
        counter[class_of(values[i], 2, &rest)]++;
    }
    size_t seen = 0;
    for (unsigned i = 0; i < CLASSES; i++) {
        found->classes[i] += odd[i];
        if (seen * 2 < count)
            found->median = width_of(class_base(i, 2, &rest));
        seen += found->classes[i];
    }
}

typedef uint64_t bits_fn(const uint64_t *values, size_t count, size_t step, unsigned k);

/* The order that serves a sample of the values best; those worth a try lie around the width of the median. */
static unsigned best_order(const uint64_t *values, size_t count, const profile *seen, unsigned most, bits_fn *bits_of)
{
    size_t step = count / ORDER_SAMPLE + 1;
    unsigned low = seen->median > 3 ? seen->median - 3 : 0, best = low < most ? low : most;
    uint64_t least = UINT64_MAX;
    for (unsigned k = best; k < seen->median + 2 && k <= most; k++) {
        uint64_t bits = bits_of(values, count, step, k);
        if (bits < least) {
            least = bits;
            best = k;
        }
    }
    return best;
}

static void try_orders(const uint64_t *values, size_t count, const profile *seen, plan *best)
{
    unsigned rice = best_order(values, count, seen, (1U << RICE_BITS) - 1, rice_bits);
    unsigned golomb = best_order(values, count, seen, GOLOMB_MAX, golomb_bits);
    keep_if_smaller(best, RICE, rice, rice_bits(values, count, 1, rice));
    /* fits whatever comes: there is always a plan */
    keep_if_smaller(best, GOLOMB, golomb, golomb_bits(values, count, 1, golomb));
}
static void try_classes(const profile *seen, plan *best)
{
    uint32_t counts[3][CLASSES] = {{0}};
    unsigned rest;
    memcpy(counts[2], seen->classes, sizeof seen->classes);
    for (unsigned i = 0; i < CLASSES; i++) {
        if (!counts[2][i])
            continue;
        uint64_t base = class_base(i, 2, &rest);
        counts[1][class_of(base, 1, &rest)] += counts[2][i];
        counts[0][class_of(base, 0, &rest)] += counts[2][i];
    }
    for (unsigned m = 0; m < 3; m++) {
        uint8_t lengths[CLASSES];
        class_range range = {CLASSES, 0};
        uint64_t bits = 0;
        code_lengths(counts[m], lengths);
        for (unsigned i = 0; i < CLASSES; i++) {
            if (!counts[m][i])
                continue;
            range.first = range.first == CLASSES ? i : range.first;
            range.last = i;
            class_base(i, m, &rest);
            bits += (uint64_t)counts[m][i] * (lengths[i] + rest);
        }
        bits += code_description_bits(lengths, range);
        if (MODE_BITS + bits >= best->bits)
            continue;
        keep_if_smaller(best, CLASS0 + m, 0, bits);
        best->range = range;
        memcpy(best->lengths, lengths, sizeof lengths);
    }
}

/* Split into runs: their values, and their lengths less one. */
static void split_runs(const uint64_t *values, size_t count, uint64_t *heads, uint64_t *lengths)
{
    size_t run = 0;
    for (size_t i = 0, end; i < count; i = end) {
        for (end = i + 1; end < count && values[end] == values[i];)
            end++;
        heads[run] = values[i];
        lengths[run++] = end - i - 1;
    }
}

static void choose(const uint64_t *values, size_t count, bool with_runs, plan *best);

static uint64_t plan_bits(const uint64_t *values, size_t count)
{
    plan inner;
    if (count == 0)
        return 0;
    if (count == 1)
        return number_bits(values[0], SMALL);
    choose(values, count, false, &inner);
    return inner.bits;
}

static void try_runs(const uint64_t *values, size_t count, size_t runs, plan *best)
{
    uint64_t *room = malloc(2 * runs * sizeof *room);
    if (!room) /* another coding will do */
        return;
    split_runs(values, count, room, room + runs);
    uint64_t before = best->bits;
    keep_if_smaller(best, RUNS, 0, number_bits(runs - 1, SMALL) + plan_bits(room, runs) + plan_bits(room + runs, runs));
    if (best->bits < before)
        best->runs = runs;
    free(room);
}

static bool is_constant(const uint64_t *values, size_t count)
{
    return memcmp(values, values + 1, (count - 1) * sizeof *values) == 0;
}

static size_t count_runs(const uint64_t *values, size_t count)
{
    size_t runs = 1;
    for (size_t i = 1; i < count; i++)
        runs += values[i] != values[i - 1];
    return runs;
}

static void choose(const uint64_t *values, size_t count, bool with_runs, plan *best)
{
    profile seen;
    *best = (plan){.bits = UINT64_MAX};
    if (is_constant(values, count)) {
        keep_if_smaller(best, CONSTANT, 0, number_bits(values[0], SMALL));
        return;
    }
    size_t runs = with_runs ? count_runs(values, count) : count;
    if (runs * RUNS_FEW < count)
        try_runs(values, count, runs, best);
    if (best->mode == RUNS)
        return;
    look(values, count, &seen);
    if (count <= ORDERS_MOST)
        try_orders(values, count, &seen, best);
    if (count >= CLASS_LEAST)
        try_classes(&seen, best);
    if (runs * 3 < count)
        try_runs(values, count, runs, best);
}

/* Do most values follow the same seven values as some time before? Then zstd may find
 * what the other codings cannot. */
static bool looks_repetitive(const uint64_t *values, size_t count)
{
    uint32_t last[512];
    uint64_t history = 0;
    size_t found = 0;
    memset(last, 0xff, sizeof last);
    for (size_t i = 0; i < count; i++) {
        history = history << 8 | (uint8_t)(values[i] ^ values[i] >> 8);
        uint32_t mixed = (uint32_t)((history * UINT64_C(0x9e3779b97f4a7c15)) >> 32);
        found += last[mixed >> 23] == mixed;
        last[mixed >> 23] = mixed;
    }
    return found * 2 > count;
}

/* The varints of the values and their zstd frame; false when that is not smaller than `limit` bits. */
static bool pack(const uint64_t *values, size_t count, uint64_t limit, alto_buffer *varints, alto_buffer *frame)
{
    for (size_t i = 0; i < count; i++) {
        uint64_t value = values[i];
        for (; value >= 0x80; value >>= 7)
            alto_buffer_put(varints, (uint8_t)(value | 0x80));
        alto_buffer_put(varints, (uint8_t)value);
    }
    if (varints->status != ALTO_OK || alto_compress(alto_buffer_slice(varints), PACK_LEVEL, frame) != ALTO_OK)
        return false;
    return MODE_BITS + number_bits(varints->size, SIZE) + number_bits(frame->size, SIZE) + 8 + 8 * frame->size < limit;
}

static bool put_packed(alto_bit_writer *self, const uint64_t *values, size_t count, uint64_t limit)
{
    if (count < PACK_LEAST || limit <= PACK_FLOOR ||
        !looks_repetitive(values, count < PACK_SAMPLE ? count : PACK_SAMPLE))
        return false;
    alto_buffer varints = alto_buffer_make(SIZE_MAX / 4), frame = alto_buffer_make(SIZE_MAX / 4);
    bool good = pack(values, count, limit, &varints, &frame);
    if (good) {
        alto_bits_put(self, PACKED, MODE_BITS);
        alto_bits_put_number(self, varints.size, SIZE);
        alto_bits_put_number(self, frame.size, SIZE);
        alto_bits_align(self);
        alto_bits_put_bytes(self, alto_buffer_slice(&frame));
    }
    alto_buffer_fini(&varints);
    alto_buffer_fini(&frame);
    return good;
}

/* ---- columns ---- */

static void put_rice(alto_bit_writer *self, const uint64_t *values, size_t count, unsigned k)
{
    alto_bits_put(self, k, RICE_BITS);
    for (size_t i = 0; i < count; i++) {
        uint64_t ones = values[i] >> k;
        if (ones < RICE_ESCAPE) {
            alto_bits_put(self, (UINT64_C(2) << ones) - 2, (unsigned)ones + 1);
            alto_bits_put(self, values[i] & ((UINT64_C(1) << k) - 1), k);
        } else {
            alto_bits_put(self, (1U << RICE_ESCAPE) - 1, RICE_ESCAPE);
            alto_bits_put(self, width_of(values[i]) - 1, WIDTH_BITS);
            alto_bits_put_wide(self, values[i], width_of(values[i]));
        }
    }
}

static alto_status put_column(alto_bit_writer *self, const uint64_t *values, size_t count, bool with_runs);

static alto_status put_runs(alto_bit_writer *self, const uint64_t *values, size_t count, size_t runs)
{
    uint64_t *room = malloc(2 * runs * sizeof *room);
    if (!room)
        return ALTO_NO_MEMORY;
    split_runs(values, count, room, room + runs);
    alto_bits_put_number(self, runs - 1, SMALL);
    alto_status status = put_column(self, room, runs, false);
    if (status == ALTO_OK)
        status = put_column(self, room + runs, runs, false);
    free(room);
    return status;
}

static alto_status put_column(alto_bit_writer *self, const uint64_t *values, size_t count, bool with_runs)
{
    plan best;
    if (count == 0)
        return self->out->status;
    if (count == 1) {
        alto_bits_put_number(self, values[0], SMALL);
        return self->out->status;
    }
    choose(values, count, with_runs, &best);
    if (with_runs && put_packed(self, values, count, best.bits))
        return self->out->status;
    alto_bits_put(self, best.mode, MODE_BITS);
    switch (best.mode) {
    case CONSTANT:
        alto_bits_put_number(self, values[0], SMALL);
        break;
    case RICE:
        put_rice(self, values, count, best.k);
        break;
    case GOLOMB:
        alto_bits_put(self, best.k, GOLOMB_BITS);
        for (size_t i = 0; i < count; i++)
            alto_bits_put_number(self, values[i], best.k);
        break;
    case RUNS:
        return put_runs(self, values, count, best.runs);
    default:
        put_code_description(self, best.lengths, best.range);
        put_classes(self, values, count, best.mode - CLASS0, best.lengths);
    }
    return self->out->status;
}

alto_status alto_column_write(alto_bit_writer *self, const uint64_t *values, size_t count)
{
    return put_column(self, values, count, true);
}

uint64_t alto_column_bits(const uint64_t *values, size_t count)
{
    plan best;
    if (count < 2)
        return plan_bits(values, count);
    choose(values, count, true, &best);
    return best.bits;
}

static void take_rice(alto_bit_reader *self, uint64_t *values, size_t count)
{
    unsigned k = (unsigned)alto_bits_take(self, RICE_BITS);
    for (size_t i = 0; i < count; i++) {
        uint64_t word = peek(self);
        unsigned ones = ~word ? (unsigned)__builtin_clzll(~word) : 64;
        if (ones < RICE_ESCAPE) {
            values[i] = (uint64_t)ones << k | (word << (ones + 1) >> 1 >> (63 - k));
            self->at += ones + 1 + k;
            continue;
        }
        self->at += RICE_ESCAPE;
        unsigned width = (unsigned)take_some(self, WIDTH_BITS) + 1;
        values[i] = alto_bits_take(self, width);
        if (values[i] > ALTO_COLUMN_MAX) {
            alto_bits_fail(self, ALTO_MALFORMED);
            return;
        }
    }
}

static void take_column(alto_bit_reader *self, uint64_t *values, size_t count, bool with_runs);

static void take_runs(alto_bit_reader *self, uint64_t *values, size_t count)
{
    size_t runs = (size_t)alto_bits_take_bounded(self, SMALL, count - 1) + 1;
    uint64_t *room = calloc(2 * runs, sizeof *room);
    if (!room) {
        alto_bits_fail(self, ALTO_NO_MEMORY);
        return;
    }
    take_column(self, room, runs, false);
    take_column(self, room + runs, runs, false);
    size_t at = 0;
    for (size_t run = 0; run < runs && self->status == ALTO_OK; run++) {
        uint64_t length = room[runs + run];
        if (length >= count - at) { /* also when at == count */
            alto_bits_fail(self, ALTO_MALFORMED);
            break;
        }
        for (uint64_t end = at + length; at <= end; at++)
            values[at] = room[run];
    }
    if (at != count)
        alto_bits_fail(self, ALTO_MALFORMED);
    free(room);
}

static void take_packed(alto_bit_reader *self, uint64_t *values, size_t count)
{
    uint64_t size = alto_bits_take_bounded(self, SIZE, (uint64_t)count * 10);
    alto_slice frame = alto_bits_take_bytes(self, alto_bits_take_number(self, SIZE));
    if (alto_bits_check(self) != ALTO_OK)
        return;
    alto_buffer varints = alto_buffer_make((size_t)size);
    alto_status status = alto_decompress(frame, (size_t)size, &varints);
    alto_reader in = alto_reader_make(alto_buffer_slice(&varints));
    if (status == ALTO_OK) {
        for (size_t i = 0; i < count; i++)
            values[i] = alto_reader_bounded(&in, ALTO_COLUMN_MAX);
        status = alto_reader_finish(&in) == ALTO_OK ? ALTO_OK : ALTO_MALFORMED;
    }
    if (status != ALTO_OK)
        alto_bits_fail(self, status);
    alto_buffer_fini(&varints);
}

static void take_constant(alto_bit_reader *self, uint64_t *values, size_t count)
{
    uint64_t value = alto_bits_take_number(self, SMALL);
    for (size_t i = 0; i < count; i++)
        values[i] = value;
}

static void take_golomb(alto_bit_reader *self, uint64_t *values, size_t count)
{
    unsigned k = (unsigned)alto_bits_take(self, GOLOMB_BITS);
    if (k > GOLOMB_MAX)
        alto_bits_fail(self, ALTO_MALFORMED);
    for (size_t i = 0; i < count && self->status == ALTO_OK; i++)
        values[i] = alto_bits_take_number(self, k);
}

static void take_column(alto_bit_reader *self, uint64_t *values, size_t count, bool with_runs)
{
    if (count < 2) {
        if (count)
            values[0] = alto_bits_take_number(self, SMALL);
        return;
    }
    enum mode mode = (enum mode)alto_bits_take(self, MODE_BITS);
    switch (mode) {
    case CONSTANT:
        take_constant(self, values, count);
        break;
    case RICE:
        take_rice(self, values, count);
        break;
    case GOLOMB:
        take_golomb(self, values, count);
        break;
    case RUNS:
    case PACKED:
        if (!with_runs)
            alto_bits_fail(self, ALTO_MALFORMED);
        else if (mode == RUNS)
            take_runs(self, values, count);
        else
            take_packed(self, values, count);
        break;
    default:
        take_classes(self, values, count, mode - CLASS0);
    }
}

void alto_column_read(alto_bit_reader *self, uint64_t *values, size_t count)
{
    take_column(self, values, count, true);
    if (alto_bits_check(self) != ALTO_OK) /* what an error left unset must not be read by anybody */
        memset(values, 0, count * sizeof *values);
}
