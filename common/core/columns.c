/* SPDX-License-Identifier: Apache-2.0 */
#include "core/columns.h"

#include "core/class_code.h"
#include "core/compress.h"

#include <stdlib.h>

enum mode { CONSTANT, RICE, GOLOMB, CLASS0, CLASS1, CLASS2, RUNS, PACKED };

enum {
    MODE_BITS = 3,
    RICE_BITS = 5,
    RICE_ESCAPE = 24, /* ones in a row that announce a value with its width */
    GOLOMB_BITS = 6,
    GOLOMB_MAX = 62,
    WIDTH_BITS = 6,
    SMALL = 3,          /* order of single values */
    SIZE = 8,           /* order of sizes in bytes */
    CLASS_LEAST = 24,   /* values from which on a Huffman code may pay */
    ORDER_SAMPLE = 64,  /* values looked at to choose an order */
    ORDERS_MOST = 512,  /* values beyond which classes beat the simple codes anyway */
    RUNS_FEW = 16,      /* values a run from which on runs are best: in all else each value has a bit at least */
    PACK_LEAST = 48,    /* values from which on zstd may pay */
    PACK_FLOOR = 256,   /* bits below which zstd has nothing to win: its headers and the first of each pattern */
    PACK_SAMPLE = 1024, /* values looked at to find out */
    PACK_LEVEL = 3
};

/* ---- choosing ---- */

/* How a column is to be written. */
typedef struct {
    enum mode mode;
    unsigned k;             /* of RICE and GOLOMB */
    uint64_t bits;          /* mode included */
    size_t runs;            /* of RUNS */
    alto_class_range range; /* of CLASS... */
    uint8_t lengths[ALTO_CLASSES];
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
        bits += ones < RICE_ESCAPE ? ones + 1 + k : RICE_ESCAPE + WIDTH_BITS + alto_bits_width(values[i]);
    }
    return bits;
}

static uint64_t golomb_bits(const uint64_t *values, size_t count, size_t step, unsigned k)
{
    uint64_t bits = GOLOMB_BITS;
    for (size_t i = 0; i < count; i += step)
        bits += alto_bits_of_number(values[i], k);
    return bits;
}

/* What one walk over the values tells. */
typedef struct {
    uint32_t classes[ALTO_CLASSES]; /* how many values have that class, for m = 2 */
    unsigned median;                /* width that half of the values do not exceed */
} profile;

static void look(const uint64_t *values, size_t count, profile *found)
{
    uint32_t odd[ALTO_CLASSES] = {0}; /* two counters of each: the same class often follows itself */
    unsigned rest;
    memset(found, 0, sizeof *found);
    for (size_t i = 0; i < count; i++) {
        uint32_t *counter = i & 1 ? odd : found->classes;
        counter[alto_class_of(values[i], 2, &rest)]++;
    }
    size_t seen = 0;
    for (unsigned i = 0; i < ALTO_CLASSES; i++) {
        found->classes[i] += odd[i];
        if (seen * 2 < count)
            found->median = alto_bits_width(alto_class_base(i, 2, &rest));
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
    uint32_t counts[3][ALTO_CLASSES] = {{0}};
    unsigned rest;
    memcpy(counts[2], seen->classes, sizeof seen->classes);
    for (unsigned i = 0; i < ALTO_CLASSES; i++) {
        if (!counts[2][i])
            continue;
        uint64_t base = alto_class_base(i, 2, &rest);
        counts[1][alto_class_of(base, 1, &rest)] += counts[2][i];
        counts[0][alto_class_of(base, 0, &rest)] += counts[2][i];
    }
    for (unsigned m = 0; m < 3; m++) {
        uint8_t lengths[ALTO_CLASSES];
        alto_class_range range = {ALTO_CLASSES, 0};
        uint64_t bits = 0;
        alto_class_code_lengths(counts[m], lengths);
        for (unsigned i = 0; i < ALTO_CLASSES; i++) {
            if (!counts[m][i])
                continue;
            range.first = range.first == ALTO_CLASSES ? i : range.first;
            range.last = i;
            alto_class_base(i, m, &rest);
            bits += (uint64_t)counts[m][i] * (lengths[i] + rest);
        }
        bits += alto_class_code_bits(lengths, range);
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
        return alto_bits_of_number(values[0], SMALL);
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
    keep_if_smaller(best, RUNS, 0,
                    alto_bits_of_number(runs - 1, SMALL) + plan_bits(room, runs) + plan_bits(room + runs, runs));
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
        keep_if_smaller(best, CONSTANT, 0, alto_bits_of_number(values[0], SMALL));
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
    return MODE_BITS + alto_bits_of_number(varints->size, SIZE) + alto_bits_of_number(frame->size, SIZE) + 8 +
               8 * frame->size <
           limit;
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
            alto_bits_put(self, alto_bits_width(values[i]) - 1, WIDTH_BITS);
            alto_bits_put_wide(self, values[i], alto_bits_width(values[i]));
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
        alto_class_code_put(self, values, count, best.mode - CLASS0, best.lengths, best.range);
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
        uint64_t word = alto_bits_peek(self);
        unsigned ones = ~word ? (unsigned)__builtin_clzll(~word) : 64;
        if (ones < RICE_ESCAPE) {
            values[i] = (uint64_t)ones << k | (word << (ones + 1) >> 1 >> (63 - k));
            self->at += ones + 1 + k;
            continue;
        }
        self->at += RICE_ESCAPE;
        unsigned width = (unsigned)alto_bits_take_some(self, WIDTH_BITS) + 1;
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
        alto_class_code_take(self, values, count, mode - CLASS0);
    }
}

void alto_column_read(alto_bit_reader *self, uint64_t *values, size_t count)
{
    take_column(self, values, count, true);
    if (alto_bits_check(self) != ALTO_OK) /* what an error left unset must not be read by anybody */
        memset(values, 0, count * sizeof *values);
}
