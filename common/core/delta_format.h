/* SPDX-License-Identifier: Apache-2.0 */
/* delta_format.h - what the two directions of a delta share, and in part those of
 * a snapshot; for these files alone. Threads: none inside. */
#ifndef ALTO_DELTA_FORMAT_H
#define ALTO_DELTA_FORMAT_H

#include "core/columns.h"
#include "core/prefix.h"
#include "core/version.h"

/* The first byte says which sections follow, in this order. */
enum {
    ALTO_DELTA_NAMES = 0x01,        /* names new to the payload, rows removed, rows added empty */
    ALTO_DELTA_FIRST = 0x02,        /* network map: prefixes; cost map: cells changed */
    ALTO_DELTA_SECOND = 0x04,       /* network map: other items; cost map: cells removed */
    ALTO_DELTA_CELLS = 0x08,        /* cost map: cells added */
    ALTO_DELTA_GENERIC = 0x10,      /* rows that are no payload */
    ALTO_DELTA_VTAG = 0x20,         /* no bytes: meta.vtag becomes alto_implied.vtag */
    ALTO_DELTA_DEPENDENCIES = 0x40, /* no bytes: meta.dependent-vtags becomes alto_implied.dependencies */
    ALTO_DELTA_KNOWN = 0x7f
};

enum { ALTO_PREFIX_ADD, ALTO_PREFIX_REMOVE, ALTO_PREFIX_MOVE };

/* How the costs of a column are written. */
enum {
    ALTO_COSTS_PLAIN,      /* integers, none negative */
    ALTO_COSTS_SIGNED,     /* integers, zigzag */
    ALTO_COSTS_DIFFERENCES /* integers new - old, zigzag, less one: never 0 */
};

/* Changed texts and items of generic rows. */
enum { ALTO_GENERIC_REMOVE, ALTO_GENERIC_EDIT, ALTO_GENERIC_ADD };

enum {
    ALTO_DELTA_COUNT = 2,  /* order of counts, as numbers of bits.h */
    ALTO_DELTA_SIZE = 8,   /* order of sizes in bytes */
    ALTO_DELTA_LEVEL = 3,  /* of zstd */
    ALTO_DELTA_WORTH = 64, /* bytes from which on zstd is tried */
    ALTO_DELTA_NAME_MAX = 255,
    ALTO_DELTA_SHARED_MAX = 255, /* bytes that a key of a generic item takes over from the one before */
    ALTO_DELTA_FREE = 65536,     /* entries that a delta may have whatever its size */
    ALTO_DELTA_RATIO = 64 /* and that many more for each of its bytes; the encoder adds zero bytes where needed */
};

/* Most raw bytes that a packed blob may claim. */
static inline uint64_t alto_blob_limit(uint64_t packed)
{
    return ALTO_DELTA_FREE + 256 * packed;
}

/* Costs as integers over a power of ten. */
enum { ALTO_COST_DECIMALS = 10 }; /* 0 to 9 of them */
extern const double alto_cost_powers[ALTO_COST_DECIMALS];
#define ALTO_COST_INTEGERS INT64_C(9007199254740992) /* 2^53: integers are smaller, either sign */
static inline double alto_cost_of(int64_t integer, unsigned decimals)
{
    return (double)integer / alto_cost_powers[decimals];
}
/* The integer, when it gives the very same double again. */
static inline bool alto_cost_scaled(double value, unsigned decimals, int64_t *integer)
{
    double product = value * alto_cost_powers[decimals];
    if (!(product > -(double)ALTO_COST_INTEGERS && product < (double)ALTO_COST_INTEGERS))
        return false;
    *integer = (int64_t)(product + (product < 0 ? -0.5 : 0.5));
    return alto_cost_of(*integer, decimals) == value;
}

/* Make room for more than `count` elements of a growing array; `array` is the address of the pointer to it.
 * false when out of memory. */
bool alto_array_room(void *array, size_t *capacity, size_t count, size_t element);
/* Add one element; false when out of memory. */
#define ALTO_ARRAY_ADD(array, room, count, element)                                                                    \
    ((count) < (room) || alto_array_room(&(array), &(room), (count), sizeof *(array))                                  \
         ? ((array)[(count)++] = (element), true)                                                                      \
         : false)

/* A growing list of numbers. */
typedef struct {
    uint64_t *at; /* owned */
    size_t count, capacity;
} alto_numbers;
/* false when out of memory. */
static inline bool alto_numbers_add(alto_numbers *self, uint64_t value)
{
    return ALTO_ARRAY_ADD(self->at, self->capacity, self->count, value);
}
void alto_numbers_fini(alto_numbers *self);

/* A position in a tree of rows that knows how many items come before. */
typedef struct {
    const alto_tree *top, *leaf; /* leaf NULL: nowhere */
    uint32_t index;              /* of the row in its leaf */
    uint32_t count;              /* rows of the leaf */
    uint64_t rank;               /* rows before it */
    uint64_t start;              /* items before it */
} alto_row_walker;
alto_row_walker alto_row_walker_make(const alto_tree *rows);
/* To the row with that many rows before it, or to the row that holds the item with that many
 * items before it; false when there is none. Cheap when it is near the row before. */
bool alto_row_walker_to_rank(alto_row_walker *self, uint64_t rank);
bool alto_row_walker_to_item(alto_row_walker *self, uint64_t position);
alto_slice alto_row_walker_key(const alto_row_walker *self);
const alto_tree *alto_row_walker_items(const alto_row_walker *self);

/* To an item by rank; the ranks asked for ascend. The cursor is at `items`, or nowhere yet (height 0). */
static inline void alto_cursor_to(alto_cursor *cursor, const alto_tree *items, uint64_t rank)
{
    if (alto_cursor_valid(cursor)) {
        uint64_t steps = rank - cursor->rank, index = cursor->path[0].index + steps;
        if (index < alto_node_look(cursor->path[0].node).count) {
            cursor->path[0].index = (uint32_t)index;
            cursor->rank = rank;
            return;
        }
    }
    alto_cursor_seek_rank(cursor, items, rank);
}

/* How many bytes two keys or texts begin alike with. */
static inline size_t alto_common_start(alto_slice a, alto_slice b)
{
    size_t most = a.size < b.size ? a.size : b.size, same = 0;
    while (same < most && a.data[same] == b.data[same])
        same++;
    return same;
}

/* The payload rows of a tree of rows: they are the last ones. */
typedef struct {
    uint64_t first_rank; /* rows before them */
    uint64_t first_item; /* items before theirs */
    uint64_t rows, items;
} alto_payload_range;
alto_payload_range alto_payload_range_of(const alto_tree *rows);

/* Recently used PIDs: what was used lately is written as its place in this list, anything
 * else as length of the list plus reference. */
enum { ALTO_RECENT_MAX = 64 };
typedef struct {
    uint64_t refs[ALTO_RECENT_MAX]; /* latest first */
    unsigned count;
} alto_recent;
uint64_t alto_recent_write(alto_recent *self, uint64_t ref);
uint64_t alto_recent_read(alto_recent *self, uint64_t code);

/* Addresses as numbers. */
__extension__ typedef unsigned __int128 alto_address;
typedef struct {
    int family; /* 4 or 6 */
    unsigned length;
    alto_address address;
} alto_prefix;
static inline unsigned alto_family_bits(int family)
{
    return family == ALTO_ITEM_IPV4 ? 32 : 128;
}
/* Where gaps of a family begin: zero, or for IPv6 2000::, where global unicast begins. */
alto_address alto_family_origin(int family);
/* `address` in units of a prefix of that length. */
static inline alto_address alto_units(int family, alto_address address, unsigned length)
{
    return length ? address >> (alto_family_bits(family) - length) : 0;
}
static inline alto_address alto_from_units(int family, alto_address units, unsigned length)
{
    return length ? units << (alto_family_bits(family) - length) : 0;
}
/* A key of version.h as a prefix; false when it is another item, or not masked. */
bool alto_prefix_of_key(alto_slice key, alto_prefix *prefix);
void alto_prefix_to_key(alto_prefix prefix, alto_prefix_key *key);
/* Gaps between units are counted modulo their number, so that one may lie before the origin. */
static inline alto_address alto_unit_mask(unsigned length)
{
    return length < 128 ? ((alto_address)1 << length) - 1 : ~(alto_address)0;
}
/* Prefix lengths that need few bits: by difference, or down from the usual end. */
uint64_t alto_length_code(bool differences, int family, unsigned length, unsigned before);
/* false when that is no length of the family. */
bool alto_length_from_code(bool differences, int family, uint64_t code, unsigned before, unsigned *length);
enum { ALTO_FIRST_LENGTH4 = 24, ALTO_FIRST_LENGTH6 = 48 };

#endif
