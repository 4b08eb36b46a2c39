/* SPDX-License-Identifier: Apache-2.0 */
/* front_kept.h - answers to requests with a body that were put before. HTTP has no cache for them (RFC 9110 9.3.3), and many
 * clients ask the same of a map: one who asks it again of the same state is given the same bytes, packed as they were.
 *
 * A question is kept in mind when it is first put, its answer when it is put again: what is asked once costs no memory. All
 * is forgotten with the next state.
 *
 * Threads: any. */
#ifndef ALTO_FRONT_KEPT_H
#define ALTO_FRONT_KEPT_H

#include "core/coding.h"
#include "io/blob.h"

#define ALTO_KEPT_QUESTIONS 1024         /* in mind at a time */
#define ALTO_KEPT_ANSWER 1048576         /* bytes of an answer, at most */
#define ALTO_KEPT_ANSWERS_BYTES 16777216 /* of all of them */

typedef struct alto_front_kept alto_front_kept;

/* What an answer depends on. */
typedef struct {
    alto_hash state;          /* root of the state that it is made from */
    alto_fingerprint request; /* of all else */
} alto_question;

/* What is known of a question. */
typedef struct {
    const alto_blob *answer; /* one more reference, for the caller; NULL: none is kept */
    alto_coding coding;      /* of the answer */
    bool again;              /* it was put before: its answer is worth keeping */
} alto_known_question;

alto_front_kept *alto_front_kept_new(void); /* NULL: out of memory */
void alto_front_kept_destroy(alto_front_kept **self);

/* Look it up, and keep it in mind. */
alto_known_question alto_front_kept_look(alto_front_kept *self, const alto_question *question);
/* Keep a copy of its answer; not one that is too large, nor when another question took its place meanwhile. */
void alto_front_kept_add(alto_front_kept *self, const alto_question *question, alto_slice answer, alto_coding coding);
/* Bytes of the answers that are kept. */
uint64_t alto_front_kept_bytes(alto_front_kept *self);

#endif
