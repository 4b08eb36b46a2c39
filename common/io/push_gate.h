/* SPDX-License-Identifier: Apache-2.0 */
/* push_gate.h - whom an encrypted push sender lets in: the key pair of this server, and the public keys of its peers.
 * Knows no sockets: push_zap.h asks it for each handshake.
 *
 * Threads: any, with a lock inside. */
#ifndef ALTO_PUSH_GATE_H
#define ALTO_PUSH_GATE_H

#include "core/crypto.h"

typedef struct alto_push_gate alto_push_gate;

typedef struct {
    const char *key;          /* file with the key pair (curve_files.h); NULL: push is not encrypted */
    const char *allow;        /* who may come: a directory or a file of public keys; NULL: who knows our public key */
    bool cleartext_multicast; /* groups are told everything in the clear, on purpose */
} alto_push_gate_options;

/* Read the files; the texts must outlive it. Errors: those of curve_files.h. */
alto_status alto_push_gate_new(const alto_push_gate_options *options, alto_push_gate **out, alto_error *error);
void alto_push_gate_destroy(alto_push_gate **self);

/* Say in the log which key this server has, and how many are listed. In the thread that reloads. */
void alto_push_gate_log(const alto_push_gate *self);
/* Read anew who may come, and say so in the log; on an error all stays as it was. Another key pair in its file is not
 * taken, for it needs a new start; the log says so where it can be read. Errors: those of curve_files.h. */
alto_status alto_push_gate_reload(alto_push_gate *self, alto_error *error);

const alto_curve_pair *alto_push_gate_pair(const alto_push_gate *self);
bool alto_push_gate_is_listed(const alto_push_gate *self); /* are peers listed, or may all come? */
bool alto_push_gate_allows_multicast(const alto_push_gate *self);

/* May this peer come? A refusal is counted, and logged, at most once a second, with the address (for people) and the key. */
bool alto_push_gate_admit(alto_push_gate *self, const alto_curve_key *peer, const char *address);
/* Is this peer (a key as Z85) still one of those listed? */
bool alto_push_gate_knows(alto_push_gate *self, const char *peer);

typedef struct {
    uint64_t listed, refused; /* peers; handshakes so far */
} alto_push_gate_counts;
alto_push_gate_counts alto_push_gate_counts_now(alto_push_gate *self);

#endif
