/* SPDX-License-Identifier: Apache-2.0 */
/* store_disk.h - a directory with five tables of bytes, changed in durable transactions; store_disk.c is the only
 * file that knows LMDB.
 *
 * One transaction at a time. Its first error sticks: what is called after it does nothing, and alto_disk_end gives it.
 *
 * Threads: one at a time; a transaction ends in the thread that began it. */
#ifndef ALTO_STORE_DISK_H
#define ALTO_STORE_DISK_H

#include "core/bytes.h"

typedef enum {
    ALTO_DISK_META,
    ALTO_DISK_ENTRIES,
    ALTO_DISK_HEADS,
    ALTO_DISK_PIECES,
    ALTO_DISK_LOG,
    ALTO_DISK_TABLES
} alto_disk_table;

typedef struct alto_disk alto_disk;

/* Open or create the directory, which belongs to this process until alto_disk_close.
 * Errors     ALTO_BUSY (another process has it), ALTO_IO, ALTO_NO_MEMORY; each with what to do. */
alto_status alto_disk_open(const char *directory, alto_disk **out, alto_error *error);
void alto_disk_close(alto_disk **self);
/* Open the files anew, after a failure. */
alto_status alto_disk_reopen(alto_disk *self);
/* What is in the files cannot be used: put them out of the way, say so, and begin with none. Errors: ALTO_IO, ALTO_NO_MEMORY. */
alto_status alto_disk_begin_anew(alto_disk *self);

alto_status alto_disk_begin(alto_disk *self, bool write);
/* Make what was written durable, or end reading; gives the first error since the begin. */
alto_status alto_disk_end(alto_disk *self);
void alto_disk_abort(alto_disk *self);
/* Record an error of the caller's finding, unless there is one already. */
void alto_disk_fail(alto_disk *self, alto_status status);

/* false: absent, or an error. The value is borrowed until the next change or the end of the transaction. */
bool alto_disk_get(alto_disk *self, alto_disk_table table, alto_slice key, alto_slice *value);
void alto_disk_put(alto_disk *self, alto_disk_table table, alto_slice key, alto_slice value);
void alto_disk_delete(alto_disk *self, alto_disk_table table, alto_slice key);
/* first <= key <= last; an empty first is before all keys */
void alto_disk_delete_range(alto_disk *self, alto_disk_table table, alto_slice first, alto_slice last);
/* Show each key that begins with `prefix`, ascending, until the function says false. It must not change the table. */
typedef bool alto_disk_fn(void *context, alto_slice key, alto_slice value);
void alto_disk_walk(alto_disk *self, alto_disk_table table, alto_slice prefix, alto_disk_fn *found, void *context);

/* Bytes put since the transaction began. */
uint64_t alto_disk_put_bytes(const alto_disk *self);
/* The last failure, in words. */
const char *alto_disk_why(const alto_disk *self);

#endif
