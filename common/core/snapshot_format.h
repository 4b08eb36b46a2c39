/* SPDX-License-Identifier: Apache-2.0 */
/* snapshot_format.h - what snapshot_write.c and snapshot_read.c share. The raw bytes of
 * a snapshot are pieces of rows, one after the other, cut into blocks anywhere:
 *
 *   size of the piece after this varint
 *   u8 flags: CONTINUES: more items of the row before; otherwise its key follows:
 *             bytes shared with the key of the row before, bytes that differ: size, bytes
 *   items     how many, then as their type demands
 *
 *   costs     steps until all keys are known: TAKE so many keys of the row before from where it stands, SKIP so many,
 *             so many LITERAL keys, each: bytes shared with the item before in this piece, size, bytes.
 *             Then u8 form: number of decimals, plus SIGNED, or DOUBLES; then the values: varints, or 8 bytes each
 *   prefixes  a head (u8) each: IPv4 length, or 33 + IPv6 length, or OTHER; then each gap (in units of the prefix
 *             from the one before of that family in this piece) as varint, of up to 19 bytes, or size and bytes of another item
 *   texts     each: bytes shared with the item key before in this piece, size, bytes; size and bytes of the text
 *
 * All numbers are varints. Threads: none inside. */
#ifndef ALTO_SNAPSHOT_FORMAT_H
#define ALTO_SNAPSHOT_FORMAT_H

#include "core/version.h"

#define ALTO_SNAPSHOT_MAGIC "altocast-snapshot-1" /* then one byte: the kind */

enum {
    ALTO_SNAPSHOT_CONTINUES = 1,
    ALTO_SNAPSHOT_SIGNED = 16,  /* integers are zigzag */
    ALTO_SNAPSHOT_DOUBLES = 32, /* IEEE 754, big-endian */
    ALTO_SNAPSHOT_IPV6 = 33,
    ALTO_SNAPSHOT_OTHER = 255,
    ALTO_SNAPSHOT_ITEMS = 8192,   /* most items of a piece */
    ALTO_SNAPSHOT_FILLED = 65536, /* a piece takes no more items when it has so many bytes */
    ALTO_SNAPSHOT_LEVEL = 3,
    ALTO_SNAPSHOT_SHARED = 255 /* most bytes shared with a key before */
};
/* Most bytes of a piece: items of the greatest size come alone. */
#define ALTO_SNAPSHOT_PIECE (ALTO_SNAPSHOT_FILLED * 2 + ALTO_MAX_ITEM_KEY + ALTO_MAX_TEXT)

#endif
