/* SPDX-License-Identifier: Apache-2.0 */
/* A replica among liars: frames, manifests, pulled answers and what a disk gives come in any order, some of them damaged, some edited and
 * then signed with the right key. What is refused changes nothing; what is shown is signed and whole; positions never fall; and unless
 * somebody stole the key, the truth wins as soon as it is heard.
 *
 * Longest input: 1024. Dictionary: pack. */
#include "cmocka_all.h"
#include "core/pushed.h"
#include "fuzz.h"
#include "origin.h"

#include <stdio.h>

enum { LATER_MS = 60000, ROUNDS = 60 };

/* The origin, made once; it does not change any more. */
static test_origin *origin;
static const char *const follow[] = {"net", "doc"};

typedef struct {
    alto_replica *replica;
    uint64_t now_ms;
    bool forged; /* something that the origin never said was signed with its key */
} session;

/* ---- the origin ---- */

static void commit_maps(const char *tag, unsigned cost)
{
    char net[300], map[400];
    snprintf(net, sizeof net,
             "{\"meta\":{\"vtag\":{\"resource-id\":\"net\",\"tag\":\"%s\"}},\"network-map\":{\"A\":{\"ipv4\":["
             "\"192.0.%u.0/24\"]},\"B\":{\"ipv4\":[\"0.0.0.0/0\"]}}}",
             tag, cost);
    snprintf(map, sizeof map,
             "{\"meta\":{\"dependent-vtags\":[{\"resource-id\":\"net\",\"tag\":\"%s\"}],\"cost-type\":{\"cost-mode\":"
             "\"numerical\",\"cost-metric\":\"routingcost\"}},\"cost-map\":{\"A\":{\"A\":1,\"B\":%u}}}",
             tag, cost);
    alto_version *cost_map = test_json(origin->pool, map), *network = test_json(origin->pool, net);
    alto_new_state changes[] = {{.name = {.id = alto_slice_text("cost")}, .version = cost_map, .flags = 1},
                                {.name = {.id = alto_slice_text("net")}, .version = network, .flags = 1}};
    test_origin_commit(origin, changes, countof(changes));
    alto_version_release(cost_map);
    alto_version_release(network);
}

static void make_origin(void)
{
    if (origin)
        return;
    origin = test_origin_new(21);
    commit_maps("t1", 1);
    test_origin_put(origin, "doc", "{\"a\":{\"b\":[1,2,3]}}");
    commit_maps("t2", 2);
    test_origin_head(origin);
    test_origin_put(origin, "doc", "{\"a\":{\"b\":[1,2]},\"c\":1}");
    test_origin_set(origin, "cost", NULL);
    commit_maps("t3", 3);
    test_origin_restart(origin, 200, true);
    test_origin_put(origin, "doc", "{\"a\":{}}");
    test_origin_head(origin);
}

/* ---- what holds after every step ---- */

static void check_view(const session *self, const alto_view *view)
{
    alto_hash state_root = alto_state_root(view->catalog);
    fuzz_check(alto_hash_equal(&state_root, &view->state_root));
    for (size_t i = 0; i < view->count; i++) {
        const alto_resource *resource = view->resources[i];
        if (resource->version)
            fuzz_check(alto_hash_equal(alto_version_root(resource->version), &resource->entry.root));
    }
    alto_slice object;
    alto_signature signature;
    fuzz_check(alto_replica_head(self->replica, &object, &signature));
    fuzz_check(alto_verify(&origin->manifest.online[0].key, object, &signature));
    const alto_statement *statement = alto_replica_statement(self->replica);
    fuzz_check(statement && alto_hash_equal(&statement->commit_hash, &view->commit_hash) &&
               alto_hash_equal(&statement->state_root, &view->state_root));
    if (!self->forged)
        test_assert_signed(origin, view);
}

static uint64_t counted(const alto_replica *replica)
{
    uint64_t sum = 0;
    for (alto_status status = ALTO_OK; status < ALTO_STATUS_COUNT; status++)
        sum += alto_counts_get(alto_replica_counts(replica), status);
    return sum;
}

static void check_step(const session *self, const alto_view *before, alto_status status, uint64_t counted_before)
{
    const alto_view *after = alto_replica_view(self->replica);
    bool refused = status != ALTO_OK && status != ALTO_KNOWN;
    if (refused)
        fuzz_check(after == before);
    if (refused)
        fuzz_check(counted(self->replica) > counted_before);
    if (after && before)
        fuzz_check(alto_position_compare(&after->position, &before->position) >= 0);
    fuzz_check(after || !before);
    if (after != before)
        check_view(self, after);
}

/* ---- by push ---- */

static void deliver_statement(session *self, alto_slice object, const alto_signature *signature)
{
    alto_view *before = alto_view_retain(alto_replica_view(self->replica));
    uint64_t count = counted(self->replica);
    check_step(self, before, alto_replica_on_statement(self->replica, object, signature, self->now_ms), count);
    alto_view_release(before);
}

static void deliver_payload(session *self, const alto_hash *commit_hash, size_t index, alto_slice payload)
{
    alto_view *before = alto_view_retain(alto_replica_view(self->replica));
    uint64_t count = counted(self->replica);
    check_step(self, before, alto_replica_on_payload(self->replica, commit_hash, index, payload), count);
    alto_view_release(before);
}

static const test_message *choose_message(alto_reader *in)
{
    return &origin->messages[fuzz_below(in, (unsigned)origin->message_count)];
}

static alto_slice damaged(alto_reader *in, alto_slice bytes)
{
    alto_reader copy = alto_reader_make(bytes);
    alto_slice own = fuzz_rest(&copy);
    for (unsigned count = fuzz_below(in, 4); count > 0 && own.size > 0; count--)
        ((uint8_t *)(uintptr_t)own.data)[fuzz_below(in, 65536) % own.size] ^= alto_reader_u8(in);
    own.size -= fuzz_below(in, 8) == 7 ? own.size / 2 : 0;
    return own;
}

/* As frames, of which one may be missing, damaged or there twice. */
static void push_frames(session *self, const alto_slice *frames, size_t count)
{
    alto_pushed pushed;
    if (alto_pushed_read(frames, count, &pushed) != ALTO_OK)
        return;
    fuzz_check(count == (pushed.is_statement ? 3 : 4) && pushed.object.data == frames[count == 3 ? 1 : 3].data);
    if (pushed.is_statement)
        deliver_statement(self, pushed.object, &pushed.signature);
    else
        deliver_payload(self, &pushed.commit_hash, pushed.index, pushed.object);
}

static void push_message(session *self, const test_message *message, alto_slice bytes, alto_reader *in)
{
    uint8_t topic[ALTO_TOPIC_SIZE], index = (uint8_t)message->index;
    alto_topic(topic, message->is_payload ? 'p' : 'h', &origin->anchor.origin, NULL);
    alto_slice frames[5] = {alto_slice_of(topic, sizeof topic), bytes,
                            alto_slice_of(message->signature.bytes, sizeof message->signature.bytes)};
    size_t count = 3;
    if (message->is_payload) {
        frames[1] = alto_slice_of(message->commit_hash.bytes, sizeof message->commit_hash.bytes);
        frames[2] = alto_slice_of(&index, 1);
        frames[3] = bytes;
        count = 4;
    }
    unsigned odd = fuzz_below(in, 16);
    if (odd == 15)
        frames[fuzz_below(in, 4)] = fuzz_part(in);
    else if (odd == 14)
        count = fuzz_below(in, 6);
    push_frames(self, frames, count);
}

/* ---- forged with the right key ---- */

static void edit_change(alto_reader *in, alto_commit_change *change)
{
    switch (fuzz_below(in, 9)) {
    case 0:
        change->has_entry = !change->has_entry;
        break;
    case 1:
        change->has_from = !change->has_from;
        break;
    case 2:
        change->from_root.bytes[0] ^= alto_reader_u8(in);
        break;
    case 3:
        change->entry.root.bytes[0] ^= alto_reader_u8(in);
        break;
    case 4:
        change->digest.bytes[0] ^= alto_reader_u8(in);
        break;
    case 5:
        change->size = alto_reader_u32(in);
        break;
    case 6:
        change->entry.kind = (alto_kind)(1 + fuzz_below(in, 3));
        break;
    case 7:
        change->entry.text_size = alto_reader_u64(in);
        change->entry.items = alto_reader_u32(in);
        break;
    default:
        change->name.id = fuzz_part(in);
    }
}

static void edit_statement(alto_reader *in, alto_statement *statement)
{
    switch (fuzz_below(in, 12)) {
    case 0:
        statement->position.seq += alto_reader_u8(in);
        break;
    case 1:
        statement->position.seq = alto_reader_u64(in) >> 11;
        break;
    case 2:
        statement->position.chain += alto_reader_u8(in);
        break;
    case 3:
        statement->position.epoch = statement->manifest_epoch = alto_reader_u8(in);
        break;
    case 4:
        statement->prev.bytes[0] ^= alto_reader_u8(in);
        statement->has_prev = statement->type == ALTO_COMMIT;
        break;
    case 5:
        statement->issued_at_ms += alto_reader_u32(in);
        break;
    case 6:
        statement->issued_at_ms -= statement->issued_at_ms / 256 * alto_reader_u8(in);
        break;
    case 7:
        statement->valid_for_s = alto_reader_u32(in);
        break;
    case 8:
        statement->state_root.bytes[0] ^= alto_reader_u8(in);
        break;
    case 9:
        statement->commit_hash.bytes[0] ^= alto_reader_u8(in);
        break;
    case 10:
        statement->origin.bytes[0] ^= alto_reader_u8(in);
        break;
    default:
        statement->manifest_version += alto_reader_u8(in);
    }
}

/* The statement with another digest and size for the payload that is damaged, and that payload. */
static void forge_payload(alto_reader *in, alto_statement *statement, const test_message *commit, alto_slice *payload,
                          size_t *index)
{
    const test_message *next = commit + 1;
    if (next == origin->messages + origin->message_count || !next->is_payload)
        return;
    alto_commit_change *change = &statement->changes[next->index];
    *index = next->index;
    *payload = damaged(in, alto_buffer_slice(&next->object));
    change->digest = alto_hash_of(ALTO_DOMAIN_PAYLOAD, *payload);
    change->size = payload->size;
}

static void push_forged(session *self, alto_reader *in)
{
    const test_message *message = choose_message(in);
    alto_statement statement;
    alto_slice payload = {NULL, 0};
    size_t index = 0;
    if (message->is_payload || alto_statement_decode(alto_buffer_slice(&message->object), &statement) != ALTO_OK)
        return;
    for (unsigned count = fuzz_below(in, 4); count > 0; count--) {
        edit_statement(in, &statement);
        if (statement.change_count > 0 && fuzz_flag(in))
            edit_change(in, &statement.changes[fuzz_below(in, (unsigned)statement.change_count)]);
    }
    if (statement.type == ALTO_COMMIT && fuzz_flag(in))
        forge_payload(in, &statement, message, &payload, &index);
    alto_buffer object = alto_buffer_make(ALTO_MAX_STATEMENT);
    if (alto_statement_encode(&statement, &object) == ALTO_OK) {
        alto_signature signature = test_origin_sign(origin, alto_buffer_slice(&object));
        self->forged = true;
        deliver_statement(self, alto_buffer_slice(&object), &signature);
        alto_hash commit_hash = alto_commit_hash(alto_buffer_slice(&object));
        if (payload.size > 0)
            deliver_payload(self, &commit_hash, index, payload);
    }
    alto_statement_fini(&statement);
    alto_buffer_fini(&object);
}

/* Any bytes, as they are or signed. */
static void push_any(session *self, alto_reader *in)
{
    alto_signature signature = {{0}};
    bool is_signed = fuzz_flag(in);
    alto_slice object = fuzz_part(in);
    if (is_signed) {
        signature = test_origin_sign(origin, object);
        self->forged = true;
    }
    deliver_statement(self, object, &signature);
    deliver_payload(self, &origin->log[fuzz_below(in, (unsigned)origin->log_count)].commit_hash, fuzz_below(in, 3),
                    object);
}

/* ---- by pull ---- */

typedef struct {
    session *session;
    alto_reader *in;
    alto_view *before; /* retained */
} liar;

/* What becomes of an answer: it comes, is damaged, is something else, or there is none. */
static alto_status decide(void *context, const alto_want *want, alto_buffer *bytes)
{
    liar *self = context;
    (void)want;
    alto_slice other;
    switch (fuzz_below(self->in, 8)) {
    case 0:
    case 1:
        other = damaged(self->in, alto_buffer_slice(bytes));
        break;
    case 2:
        other = fuzz_part(self->in);
        break;
    case 3:
        return ALTO_NOT_FOUND;
    case 4:
        return ALTO_IO;
    case 5:
        other = alto_buffer_slice(&choose_message(self->in)->object);
        break;
    default:
        return ALTO_OK;
    }
    alto_buffer_clear(bytes);
    alto_buffer_add_slice(bytes, other);
    return ALTO_OK;
}

static void pull_some(session *self, alto_reader *in)
{
    liar context = {.session = self, .in = in};
    for (unsigned rounds = fuzz_below(in, 8); rounds > 0; rounds--) {
        context.before = alto_view_retain(alto_replica_view(self->replica));
        origin->now_ms = self->now_ms;
        test_pull(origin, self->replica, 1, decide, &context);
        check_step(self, context.before, ALTO_OK, 0);
        alto_view_release(context.before);
    }
}

/* Everything true is heard: then the newest state is shown. */
static void check_truth_wins(session *self)
{
    const test_signed *newest = &origin->log[origin->log_count - 1];
    bool won = false;
    for (unsigned round = 0; round < ROUNDS && !won; round++) {
        self->now_ms += LATER_MS;
        origin->now_ms = self->now_ms;
        alto_replica_want_head(self->replica);
        test_pull(origin, self->replica, ROUNDS, NULL, NULL);
        const alto_view *view = alto_replica_view(self->replica);
        won = view && alto_hash_equal(&view->commit_hash, &newest->commit_hash);
    }
    fuzz_check(won);
}

/* ---- manifests and disks ---- */

/* Damaged, or changed in its first bytes and signed by the root key again. */
static void offer_manifest(session *self, alto_reader *in)
{
    alto_view *before = alto_view_retain(alto_replica_view(self->replica));
    alto_slice file = alto_buffer_slice(&origin->manifest_file);
    alto_manifest changed = origin->manifest;
    alto_buffer made = alto_buffer_make(ALTO_MAX_MANIFEST);
    if (fuzz_flag(in)) {
        file = damaged(in, file);
    } else {
        changed.version += fuzz_below(in, 3);
        changed.epoch += fuzz_below(in, 2);
        changed.online_count = fuzz_below(in, 2);
        changed.issued_at_ms += fuzz_below(in, 1000);
        if (alto_manifest_sign(&changed, (const alto_signing_key *const[]){origin->root}, 1, &made) == ALTO_OK) {
            file = alto_buffer_slice(&made);
            self->forged = true; /* what the origin said before may be void now */
        }
    }
    alto_status status = alto_replica_on_manifest(self->replica, file, self->now_ms);
    fuzz_check(alto_replica_view(self->replica) == before);
    if (status == ALTO_OK)
        fuzz_check(alto_slice_equal(alto_replica_manifest(self->replica), file));
    alto_view_release(before);
    alto_buffer_fini(&made);
}

/* The newest state as a disk gives it, but for one thing perhaps. */
static void restore(session *self, alto_reader *in)
{
    const alto_view *view = test_origin_view(origin);
    const test_message *last = &origin->messages[origin->message_count - 1];
    alto_slice object = alto_buffer_slice(&last->object);
    size_t count = view->count;
    const alto_tree *catalog = view->catalog;
    switch (fuzz_below(in, 5)) {
    case 0:
        object = damaged(in, object);
        break;
    case 1:
        count = fuzz_below(in, (unsigned)count + 1);
        break;
    case 2:
        catalog = NULL;
        break;
    default:
        break;
    }
    alto_status status =
        alto_replica_restore(self->replica, object, &last->signature, catalog, view->resources, count, self->now_ms);
    const alto_view *after = alto_replica_view(self->replica);
    fuzz_check(status == ALTO_OK || !after);
    if (after)
        check_view(self, after);
}

static void step(session *self, alto_reader *in)
{
    const test_message *message;
    switch (fuzz_below(in, 9)) {
    case 0:
    case 1:
        message = choose_message(in);
        push_message(self, message, alto_buffer_slice(&message->object), in);
        break;
    case 2:
        message = choose_message(in);
        push_message(self, message, damaged(in, alto_buffer_slice(&message->object)), in);
        break;
    case 3:
        push_forged(self, in);
        break;
    case 4:
        push_any(self, in);
        break;
    case 5:
        alto_replica_want_head(self->replica);
        break;
    case 6:
        self->now_ms += fuzz_flag(in) ? 300 : LATER_MS;
        break;
    case 7:
        offer_manifest(self, in);
        break;
    default:
        pull_some(self, in);
    }
}

void fuzz_one(alto_slice input)
{
    make_origin();
    alto_reader in = alto_reader_make(input);
    alto_replica_events events = {.applied = NULL};
    session self = {.now_ms = TEST_NOW_MS};
    self.replica = alto_replica_new(&origin->anchor, follow, fuzz_below(&in, countof(follow) + 1), &events);
    fuzz_check(self.replica);
    alto_slice manifest = alto_buffer_slice(&origin->manifest_file);
    if (!fuzz_flag(&in))
        fuzz_check(alto_replica_on_manifest(self.replica, manifest, self.now_ms) == ALTO_OK);
    if (fuzz_below(&in, 4) == 3)
        restore(&self, &in);
    while (alto_reader_left(&in) > 0)
        step(&self, &in);
    if (!self.forged && self.now_ms < TEST_NOW_MS + 3600000 - ROUNDS * LATER_MS)
        check_truth_wins(&self);
    alto_replica_destroy(&self.replica);
}
