/* SPDX-License-Identifier: Apache-2.0 */
/* alto-tap: writes down everything that a publisher signs.
 *
 * It listens at the publisher's push endpoint and reads, from standard input, signed-object files in hexadecimal, one a
 * line. Each statement whose signature is good becomes one line on standard output:
 *
 *     commit EPOCH CHAIN SEQ HASH PREV|- STATE_ROOT ISSUED_MS [ID=ROOT|-]...
 *     head EPOCH CHAIN SEQ HASH - STATE_ROOT ISSUED_MS
 *     refused WHY            (a line of standard input that is no such file)
 *
 * It holds no replica on purpose: what it says does not depend on the code that it is compared with. */
#include "core/wire.h"
#include "io/keyring.h"
#include "io/log.h"
#include "io/options.h"
#include "io/push.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char about[] = "Writes down everything that a publisher signs: one line a commit or head.";

enum {
    LOOK_MS = 100
}; /* how often to look whether the publisher is there again; libzmq alone would wait longer and longer */

typedef struct {
    alto_loop *loop;
    alto_timer *timer;
    const char *push, *keys;
    alto_anchor anchor;
    alto_manifest *manifests; /* one of each epoch that was heard of; the last is the newest */
    size_t manifest_count;
    alto_push_receiver *receiver;
    alto_buffer input; /* of standard input, what is no whole line yet */
} tap;

static void print_hash(const char *before, const alto_hash *hash)
{
    char text[2 * ALTO_HASH_SIZE + 1];
    if (hash)
        alto_hex(text, hash->bytes, ALTO_HASH_SIZE);
    printf("%s%s", before, hash ? text : "-");
}

static void print_statement(const alto_statement *statement)
{
    const alto_position *at = &statement->position;
    printf("%s %u %llu %llu", statement->type == ALTO_COMMIT ? "commit" : "head", at->epoch,
           (unsigned long long)at->chain, (unsigned long long)at->seq);
    print_hash(" ", &statement->commit_hash);
    print_hash(" ", statement->has_prev ? &statement->prev : NULL);
    print_hash(" ", &statement->state_root);
    printf(" %llu", (unsigned long long)statement->issued_at_ms);
    for (size_t i = 0; i < statement->change_count; i++) {
        const alto_commit_change *change = &statement->changes[i];
        printf(" %.*s", (int)change->name.id.size, (const char *)change->name.id.data);
        print_hash("=", change->has_entry ? &change->entry.root : NULL);
    }
    printf("\n");
}

/* The manifest of now, behind those that there are. */
static alto_status read_manifest(tap *self, alto_error *error)
{
    alto_manifest *more = realloc(self->manifests, (self->manifest_count + 1) * sizeof *more);
    if (!more)
        return alto_fail(error, ALTO_NO_MEMORY, self->keys, "out of memory");
    self->manifests = more;
    alto_status status =
        alto_keyring_read_manifest(self->keys, &self->anchor, alto_clock_ms(), &more[self->manifest_count], error);
    self->manifest_count += status == ALTO_OK;
    return status;
}

/* The key that signed a statement, when it was one of its epoch; NULL when there is none. */
static const alto_public_key *key_of(tap *self, const alto_statement *statement)
{
    alto_error error;
    if (statement->manifest_epoch > self->manifests[self->manifest_count - 1].epoch)
        read_manifest(self, &error); /* when it cannot be, the statement is refused, which is told */
    for (size_t i = 0; i < self->manifest_count; i++)
        if (self->manifests[i].epoch == statement->manifest_epoch)
            return alto_manifest_key(&self->manifests[i], &statement->key_id, statement->issued_at_ms);
    return NULL;
}

/* The statement is printed when this origin signed it. */
static alto_status take(tap *self, alto_slice object, const alto_signature *signature)
{
    alto_statement statement;
    alto_status status = alto_statement_decode(object, &statement);
    if (status != ALTO_OK)
        return status;
    const alto_public_key *key = key_of(self, &statement);
    if (!key)
        status = ALTO_UNKNOWN_KEY;
    else if (!alto_verify(key, object, signature))
        status = ALTO_BAD_SIGNATURE;
    else if (!alto_hash_equal(&statement.origin, &self->anchor.origin))
        status = ALTO_WRONG_ORIGIN;
    else
        print_statement(&statement);
    alto_statement_fini(&statement);
    return status;
}

static void on_pushed(void *context, const alto_slice *frames, size_t count)
{
    alto_signature signature;
    if (count != 3 || frames[2].size != sizeof signature.bytes)
        return;
    memcpy(signature.bytes, frames[2].data, sizeof signature.bytes);
    alto_status status = take(context, frames[1], &signature);
    if (status != ALTO_OK)
        printf("refused %s (pushed)\n", alto_status_name(status));
    fflush(stdout);
}

/* One line of standard input. */
static void take_line(tap *self, alto_slice line)
{
    alto_buffer file = alto_buffer_make(ALTO_MAX_STATEMENT + ALTO_SIGNATURE_SIZE);
    alto_slice object;
    alto_signature signature;
    uint8_t *bytes = alto_buffer_grow(&file, line.size / 2);
    alto_status status = bytes ? ALTO_OK : file.status;
    if (status == ALTO_OK && !alto_unhex(bytes, line.size / 2, line))
        status = ALTO_MALFORMED;
    if (status == ALTO_OK)
        status = alto_signed_split(alto_buffer_slice(&file), &object, &signature);
    if (status == ALTO_OK)
        status = take(self, object, &signature);
    if (status != ALTO_OK)
        printf("refused %s\n", alto_status_name(status));
    fflush(stdout);
    alto_buffer_fini(&file);
}

static void on_input(void *context)
{
    tap *self = context;
    uint8_t piece[65536];
    ssize_t got = read(STDIN_FILENO, piece, sizeof piece);
    if (got <= 0) {
        alto_loop_stop(self->loop);
        return;
    }
    for (ssize_t i = 0; i < got; i++) {
        if (piece[i] != '\n') {
            alto_buffer_put(&self->input, piece[i]);
            continue;
        }
        take_line(self, alto_buffer_slice(&self->input));
        alto_buffer_clear(&self->input);
    }
}

static alto_status listen_to(tap *self, alto_error *error)
{
    uint8_t topic[ALTO_TOPIC_SIZE];
    alto_topic(topic, 'h', &self->anchor.origin, NULL);
    alto_push_receiver_destroy(&self->receiver);
    alto_status status = alto_push_receiver_new(self->loop, self->push, NULL, on_pushed, self, &self->receiver, error);
    return status == ALTO_OK ? alto_push_subscribe(self->receiver, alto_slice_of(topic, sizeof topic)) : status;
}

static void on_look(void *context)
{
    tap *self = context;
    alto_error error;
    if (!self->receiver || !alto_push_connected(self->receiver))
        listen_to(self, &error); /* it was possible at the start, and is tried again */
    alto_timer_arm(self->timer, LOOK_MS);
}

static alto_status open_all(tap *self, alto_error *error)
{
    alto_status status = alto_keyring_read_anchor(self->keys, ALTO_KEYRING_ANCHOR, &self->anchor, error);
    if (status == ALTO_OK)
        status = read_manifest(self, error);
    if (status == ALTO_OK)
        status = listen_to(self, error);
    if (status != ALTO_OK)
        return status;
    self->timer = alto_timer_new(self->loop, on_look, self);
    if (!self->timer || alto_loop_watch(self->loop, STDIN_FILENO, on_input, self) != ALTO_OK)
        return alto_fail(error, ALTO_NO_MEMORY, self->push, "out of memory");
    alto_timer_arm(self->timer, LOOK_MS);
    return ALTO_OK;
}

int main(int argc, char **argv)
{
    static tap self;
    const alto_option table[] = {
        {"keys", ALTO_OPTION_TEXT, &self.keys, "DIR", .help = "of the publisher", .required = true},
        {"push", ALTO_OPTION_TEXT, &self.push, "ENDPOINT", .help = "of the publisher", .required = true},
        {.name = NULL}};
    int operands;
    alto_options_parse(argc, argv, table, "--keys DIR --push ENDPOINT", about, &operands);
    alto_error error = {.status = ALTO_NO_MEMORY};
    self.loop = alto_crypto_init() == ALTO_OK ? alto_loop_new() : NULL;
    self.input = alto_buffer_make(2 * (ALTO_MAX_STATEMENT + ALTO_SIGNATURE_SIZE));
    bool opened = self.loop && alto_loop_stop_on_signals(self.loop) == ALTO_OK && open_all(&self, &error) == ALTO_OK;
    if (opened)
        alto_loop_run(self.loop);
    else
        fprintf(stderr, "alto-tap: %s: %s\n", error.where, error.why);
    alto_push_receiver_destroy(&self.receiver);
    alto_timer_destroy(&self.timer);
    alto_loop_destroy(&self.loop);
    alto_buffer_fini(&self.input);
    free(self.manifests);
    return opened ? 0 : 1;
}
