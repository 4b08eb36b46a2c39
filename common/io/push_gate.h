/* SPDX-License-Identifier: Apache-2.0 */
/* push_gate.h - whom an encrypted push sender lets in: the key pair of this server, and the public keys of its peers.
 * Knows no sockets: push_zap.h asks it for each handshake.
 *
 * Threads: any, with a lock inside. */
#ifndef ALTO_PUSH_GATE_H
#define ALTO_PUSH_GATE_H

#include "core/crypto.h"
#include "io/options.h"

typedef struct alto_push_gate alto_push_gate;

typedef struct {
    const char *key;          /* file with the key pair (curve_files.h); NULL: push is not encrypted */
    const char *allow;        /* who may come: a directory or a file of public keys; NULL: who knows our public key */
    bool cleartext_multicast; /* groups are told everything in the clear, on purpose */
} alto_push_gate_options;

/* Their rows in the table of a command line. gate: an alto_push_gate_options. */
/* clang-format off */
#define ALTO_PUSH_GATE_OPTIONS(gate)                                                                                   \
    {"curve-key", ALTO_OPTION_TEXT, &(gate)->key, "FILE",                                                              \
     .help = "encrypt --push: NAME.key_secret of this server, made by alto-keys curve; SIGHUP reads it anew"},         \
    {"curve-allow", ALTO_OPTION_TEXT, &(gate)->allow, "DIR",                                                           \
     .help = "whom to let in then: each NAME.key in it (or a file of lines NAME KEY); SIGHUP reads it anew"},          \
    {"cleartext-multicast", ALTO_OPTION_FLAG, &(gate)->cleartext_multicast, NULL,                                      \
     .help = "push to epgm:// groups all the same, which are never encrypted"}
/* clang-format on */

/* Read the files; the texts must outlive it. Errors: those of curve_files.h. */
alto_status alto_push_gate_new(const alto_push_gate_options *options, alto_push_gate **out, alto_error *error);
void alto_push_gate_destroy(alto_push_gate **self);

/* Say in the log which key this server has, and how many are listed. In the thread that reloads. */
void alto_push_gate_log(const alto_push_gate *self);
/* Read the files anew, and say in the log what holds now. A file that is no good leaves what was read of it before, with a
 * line of log that says why. */
typedef struct {
    bool pair;  /* it is another one */
    bool peers; /* the list was read, and may be another one */
} alto_push_gate_news;
alto_push_gate_news alto_push_gate_reload(alto_push_gate *self);

/* Valid until the pair is another one: for the thread that reloads. */
const alto_curve_pair *alto_push_gate_pair(const alto_push_gate *self);
alto_curve_key alto_push_gate_key(alto_push_gate *self);   /* the public half */
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
