/* SPDX-License-Identifier: Apache-2.0 */
/* class_code.h - numbers as classes in a Huffman code, and the bits that make a value of a class: for columns.h.
 *
 * m leading bits after the first one make, with the width, the class of a value; the rest are raw bits. The code is
 * canonical, of at most 12 bits, and described before the values.
 *
 * Threads: none inside. */
#ifndef ALTO_CLASS_CODE_H
#define ALTO_CLASS_CODE_H

#include "core/bits.h"

enum { ALTO_CLASSES = 256 };

/* The classes in use. */
typedef struct {
    unsigned first, last;
} alto_class_range;

/* Code lengths for classes with these counts, 0 for absent classes and for a class that is alone. */
void alto_class_code_lengths(const uint32_t counts[ALTO_CLASSES], uint8_t lengths[ALTO_CLASSES]);
/* Bits that describe such a code. */
uint64_t alto_class_code_bits(const uint8_t lengths[ALTO_CLASSES], alto_class_range range);
/* The description, then the values. */
void alto_class_code_put(alto_bit_writer *out, const uint64_t *values, size_t count, unsigned m,
                         const uint8_t lengths[ALTO_CLASSES], alto_class_range range);
/* Read both. Errors stick in the reader. */
void alto_class_code_take(alto_bit_reader *in, uint64_t *values, size_t count, unsigned m);

/* Class of a value when m bits after its first one count, and how many bits are left. */
static inline unsigned alto_class_of(uint64_t value, unsigned m, unsigned *rest)
{
    if (value >> (m + 1) == 0) {
        *rest = 0;
        return (unsigned)value;
    }
    *rest = alto_bits_width(value) - 1 - m;
    return (*rest << m) + (unsigned)(value >> *rest);
}

/* The inverse: the least value of a class. */
static inline uint64_t alto_class_base(unsigned class, unsigned m, unsigned *rest)
{
    if (class >> (m + 1) == 0) {
        *rest = 0;
        return class;
    }
    *rest = (class >> m) - 1;
    return (uint64_t)((class & ((1U << m) - 1)) | 1U << m) << *rest;
}

#endif
