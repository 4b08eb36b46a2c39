/* SPDX-License-Identifier: Apache-2.0 */
#include "io/store_meta.h"

#include "io/log.h"

enum { FORMAT = 1, MOST_SURE = ALTO_HASH_SIZE };

static uint64_t number_in(alto_slice value)
{
    alto_reader reader = alto_reader_make(value);
    uint64_t number = alto_reader_u64(&reader);
    return alto_reader_finish(&reader) == ALTO_OK ? number : 0;
}

static void write_number(uint8_t *bytes, uint64_t number)
{
    for (size_t i = 0; i < 8; i++)
        bytes[i] = (uint8_t)(number >> (8 * (7 - i)));
}

/* Everything else in the book is known by a root; a few values by what stands behind them: all their bits inverted. */
static void put_sure(alto_disk *disk, const char *name, const uint8_t *bytes, size_t size)
{
    uint8_t twice[2 * MOST_SURE];
    for (size_t i = 0; i < size; i++) {
        twice[i] = bytes[i];
        twice[size + i] = (uint8_t)~bytes[i];
    }
    alto_disk_put(disk, ALTO_DISK_META, alto_slice_text(name), alto_slice_of(twice, 2 * size));
}

/* ALTO_NOT_FOUND, or ALTO_MALFORMED: damaged. The value is borrowed as from alto_disk_get. */
static alto_status get_sure(alto_disk *disk, const char *name, size_t size, alto_slice *value)
{
    if (!alto_disk_get(disk, ALTO_DISK_META, alto_slice_text(name), value))
        return ALTO_NOT_FOUND;
    if (value->size != 2 * size)
        return ALTO_MALFORMED;
    for (size_t i = 0; i < size; i++)
        if ((value->data[size + i] ^ value->data[i]) != 0xff)
            return ALTO_MALFORMED;
    value->size = size;
    return ALTO_OK;
}

static void put_owner(alto_disk *disk, const alto_origin *origin)
{
    uint8_t format[8];
    write_number(format, FORMAT);
    put_sure(disk, "format", format, sizeof format);
    put_sure(disk, "origin", origin->bytes, sizeof origin->bytes);
}

/* Is the directory ours to use? An empty one becomes ours. ALTO_MALFORMED: it is damaged. */
static alto_status check_owner(alto_disk *disk, const char *directory, const alto_origin *origin, alto_error *error)
{
    alto_slice format, owner;
    alto_status status = get_sure(disk, "format", 8, &format);
    if (status == ALTO_NOT_FOUND) {
        put_owner(disk, origin);
        return ALTO_OK;
    }
    if (status != ALTO_OK)
        return status;
    if (number_in(format) != FORMAT)
        return alto_fail(error, ALTO_CONFIG, directory,
                         "written by a newer altocast; update this one, or choose another with --state");
    if (get_sure(disk, "origin", ALTO_HASH_SIZE, &owner) != ALTO_OK)
        return ALTO_MALFORMED;
    if (memcmp(owner.data, origin->bytes, ALTO_HASH_SIZE) == 0)
        return ALTO_OK;
    char held[17], wanted[17];
    alto_hex(held, owner.data, 8);
    alto_hex(wanted, origin->bytes, 8);
    return alto_fail(error, ALTO_CONFIG, directory,
                     "holds origin %s, not %s; choose another directory with --state, or move this one away", held,
                     wanted);
}

alto_status alto_meta_begin(alto_disk *disk, const char *directory, const alto_origin *origin, alto_error *error)
{
    for (bool anew = false;; anew = true) {
        alto_status status = alto_disk_begin(disk, true);
        if (status != ALTO_OK)
            return alto_fail(error, status, directory, "cannot write to it: %s", alto_disk_why(disk));
        status = check_owner(disk, directory, origin, error);
        if (status == ALTO_OK)
            return ALTO_OK;
        alto_disk_abort(disk);
        if (status != ALTO_MALFORMED)
            return status;
        if (anew || alto_disk_begin_anew(disk) != ALTO_OK)
            return alto_fail(error, ALTO_IO, directory, "damaged; move it away to start anew");
    }
}

uint64_t alto_meta_last_chain(alto_disk *disk, const char *directory)
{
    alto_slice stored;
    alto_status status = get_sure(disk, "chain", 8, &stored);
    if (status == ALTO_MALFORMED)
        alto_log(ALTO_LOG_WARN, "state-dropped", "directory=%s why=\"the last chain number is damaged\"", directory);
    return status == ALTO_OK ? number_in(stored) : 0;
}

void alto_meta_put_chain(alto_disk *disk, uint64_t chain)
{
    uint8_t bytes[8];
    write_number(bytes, chain);
    put_sure(disk, "chain", bytes, sizeof bytes);
}
