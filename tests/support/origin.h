/* SPDX-License-Identifier: Apache-2.0 */
/* origin.h - a whole origin for tests: keys, manifest, anchor, committer, and an archive of all it signed. What it
 * would push is recorded, to be delivered, lost or repeated by the test; what a replica wants is pulled from the archive.
 * Time is the test's. All functions fail the test rather than returning an error; what they do as archive and network
 * is no part of a sweep. Needs cmocka_all.h before it. */
#ifndef TEST_ORIGIN_H
#define TEST_ORIGIN_H

#include "core/committer.h"
#include "io/archive.h"

enum {
    TEST_NOW_MS = 1000000, /* where the origin's time begins */
    TEST_MAX_PUSHED = 4096 /* bytes: the manifest's max_pushed_payload */
};

/* One push message. */
typedef struct {
    bool is_payload;
    alto_buffer object; /* statement, or payload */
    alto_signature signature;
    alto_hash commit_hash; /* of payloads */
    size_t index;
} test_message;

/* What a commit signed, for ever. */
typedef struct {
    alto_hash commit_hash, state_root;
    alto_position position;
} test_signed;

typedef struct {
    alto_signing_key *root, *online;
    alto_manifest manifest;
    alto_anchor anchor;
    alto_buffer manifest_file;
    alto_pool *pool;
    alto_committer *committer;
    alto_archive *archive;
    uint64_t now_ms;
    test_message *messages;
    size_t message_count;
    test_signed *log;
    size_t log_count;
} test_origin;

/* An origin at TEST_NOW_MS that has signed nothing yet, in chain 100. seed tells origins apart. */
test_origin *test_origin_new(uint8_t seed);
void test_origin_destroy(test_origin **self);
/* A new committer in another chain, with the state of the one before or with none. */
void test_origin_restart(test_origin *self, uint64_t chain, bool keep_state);
/* Sign with another manifest: epoch, version and online key (NULL: as before); a new chain with the state kept. */
void test_origin_renew(test_origin *self, uint32_t epoch, uint32_t version, const alto_signing_key *online,
                       uint64_t chain);

void test_origin_commit(test_origin *self, const alto_new_state *changes, size_t count);
/* One commit: the resource becomes that version, which is released (NULL: withdrawn). */
void test_origin_set(test_origin *self, const char *id, alto_version *version);
void test_origin_head(test_origin *self);
void test_origin_forget_messages(test_origin *self);
const alto_view *test_origin_view(const test_origin *self);
/* The object and signature of any statement, signed with the online key. */
alto_signature test_origin_sign(const test_origin *self, alto_slice object);

alto_status test_deliver(alto_replica *replica, const test_message *message, uint64_t now_ms);
void test_deliver_all(const test_origin *origin, alto_replica *replica);

/* Decides what becomes of one pull: ALTO_OK gives `bytes`, which may be damaged; anything else fails the pull. */
typedef alto_status test_pull_fn(void *context, const alto_want *want, alto_buffer *bytes);
/* Answer what the replica wants until it wants nothing more; at most `rounds` wants. Returns how many it answered. */
size_t test_pull(const test_origin *origin, alto_replica *replica, size_t rounds, test_pull_fn *decide, void *context);

/* Is this view one that the origin signed, whole, with the right version wherever it holds one? */
void test_assert_signed(const test_origin *origin, const alto_view *view);

/* The version of a JSON text. */
alto_version *test_json(alto_pool *pool, const char *text);
/* One commit: the resource becomes that text. */
void test_origin_put(test_origin *self, const char *id, const char *text);
/* The same with a network map of one empty PID, tag "t", and with a cost map without costs that names such a map; mode and
 * metric as they stand between quotes. */
void test_origin_put_network_map(test_origin *self, const char *id);
void test_origin_put_cost_map(test_origin *self, const char *id, const char *network_map, const char *mode,
                              const char *metric);

/* For programs whose state is an origin. */
int test_origin_set_up(void **state);
int test_origin_tear_down(void **state);
#endif
