/* SPDX-License-Identifier: Apache-2.0 */
/* store_record.h - keys and values in the tables of the state directory, as bytes.
 *
 *   table    key                              value
 *   meta     "format"                         u64: 1
 *            "origin"                         32 bytes
 *            "chain"                          u64: the last chain number that was handed out
 *                                             (behind each of these three the same once more, all bits inverted)
 *            "statement", "manifest", "roots" the files
 *   entries  id                               varint size of the catalog key, the key, the entry
 *   heads    id                               u8 kind, root[32], u64 number, u64 size: the snapshot in use
 *   pieces   id, u64 number, u32 index        bytes of the snapshot that stands at that number
 *   log      id, u64 number                   root after it[32], varint size and bytes of the two implied texts, the delta
 *
 * id is a digest of the catalog key; numbers count the steps of one resource and only grow.
 *
 * Threads: none inside. Pure. */
#ifndef ALTO_STORE_RECORD_H
#define ALTO_STORE_RECORD_H

#include "core/version.h"

typedef struct {
    uint8_t bytes[ALTO_HASH_SIZE + 8 + 4];
    size_t size;
} alto_record_key;

alto_hash alto_record_id(alto_slice catalog_key);
alto_record_key alto_record_key_of(const alto_hash *id);
alto_record_key alto_record_key_numbered(const alto_hash *id, uint64_t number);
alto_record_key alto_record_key_of_piece(const alto_hash *id, uint64_t number, uint32_t index);
alto_slice alto_record_key_slice(const alto_record_key *self);
/* The id and number that a key of the log, or of a piece, begins with; false: it is no such key. */
bool alto_record_read_log_key(alto_slice key, alto_hash *id, uint64_t *number);
bool alto_record_read_piece_key(alto_slice key, alto_hash *id, uint64_t *number);

/* Values: appended to a buffer, whose status tells of failures; read, what is borrowed points into the value. */

typedef struct {
    alto_kind kind;
    alto_hash root;
    uint64_t number, size;
} alto_record_head;
void alto_record_write_head(const alto_record_head *head, alto_buffer *out);
/* False: damaged. */
bool alto_record_read_head(alto_slice value, alto_record_head *out);

typedef struct {
    alto_hash root;                       /* after it */
    alto_slice vtag, dependencies, delta; /* the texts that the entry implies; borrowed */
} alto_record_step;
void alto_record_write_step(const alto_record_step *step, alto_buffer *out);
/* Errors: ALTO_MALFORMED. */
alto_status alto_record_read_step(alto_slice value, alto_record_step *out);

void alto_record_write_entry(alto_slice catalog_key, alto_slice entry, alto_buffer *out);
/* Errors: ALTO_MALFORMED. */
alto_status alto_record_read_entry(alto_slice value, alto_slice *catalog_key, alto_slice *entry);

#endif
