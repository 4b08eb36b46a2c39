/* SPDX-License-Identifier: Apache-2.0 */
/* altocast_notify: one request on a loop of its own. */
#include "io/notify.h"
#include "altocast.h"
#include "io/keyring.h"
#include "io/pull.h"

#include <stdio.h>

enum { ANSWER_MAX = 4096, URL_ROOM = 2048 };

typedef struct {
    alto_loop *loop;
    alto_error error; /* status ALTO_OK: it was accepted */
    const char *url;
    alto_pull_trust trust;
} notification;

static void on_answer(void *context, const alto_pull_result *result)
{
    notification *self = context;
    if (result->http_status == 202)
        self->error.status = ALTO_OK;
    else if (result->http_status == 401)
        alto_fail(&self->error, ALTO_IO, self->url, "the key is not the one of its --notify-key");
    else if (result->http_status == 404)
        alto_fail(&self->error, ALTO_IO, self->url,
                  "nobody can be notified there: only an alto-server-push with --notify-key");
    else
        alto_fail(&self->error, ALTO_IO, self->url, "%s", result->why);
    alto_loop_stop(self->loop);
}

static alto_pull *post(notification *self, alto_puller *puller, const char *key, unsigned timeout_s)
{
    char url[URL_ROOM], header[ALTO_SECRET_MAX + 32];
    size_t size = strlen(self->url);
    while (size > 0 && self->url[size - 1] == '/')
        size--;
    if (snprintf(url, sizeof url, "%.*s" ALTO_NOTIFY_PATH, (int)size, self->url) >= (int)sizeof url)
        return NULL;
    snprintf(header, sizeof header, "Authorization: Bearer %s", key);
    const char *const headers[] = {header};
    alto_pull_request request = {.url = url,
                                 .trust = self->trust,
                                 .method = "POST",
                                 .header = headers,
                                 .header_count = 1,
                                 .silence_s = timeout_s,
                                 .total_s = timeout_s,
                                 .max_size = ANSWER_MAX};
    alto_pull *pull = alto_pull_start(puller, &request, NULL, on_answer, self);
    alto_wipe(header, sizeof header);
    return pull;
}

static void perform(notification *self, const char *key, unsigned timeout_s)
{
    self->loop = alto_loop_new();
    alto_puller *puller = self->loop ? alto_puller_new(self->loop) : NULL;
    if (!puller)
        alto_fail(&self->error, ALTO_NO_MEMORY, self->url, "out of memory");
    else if (!post(self, puller, key, timeout_s))
        alto_fail(&self->error, ALTO_CONFIG, self->url, "not the URL of an alto-server-push");
    else
        alto_loop_run(self->loop);
    alto_puller_destroy(&puller);
    alto_loop_destroy(&self->loop);
}

bool altocast_notify(const char *url, const char *key_file, const altocast_tls *tls, unsigned timeout_s, char *error,
                     size_t error_size)
{
    notification self = {.error = {.status = ALTO_IO}, .url = url};
    alto_buffer key = alto_buffer_make(ALTO_SECRET_MAX);
    if (tls)
        self.trust = (alto_pull_trust){.ca_file = tls->ca_file, .cert_file = tls->cert_file, .key_file = tls->key_file};
    if (alto_pull_trust_check(&self.trust, &self.error) == ALTO_OK &&
        alto_keyring_read_secret(key_file, &key, &self.error) == ALTO_OK)
        perform(&self, (const char *)key.data, timeout_s);
    alto_wipe(key.data, key.size);
    alto_buffer_fini(&key);
    if (self.error.status != ALTO_OK && error_size)
        snprintf(error, error_size, "%s: %s", self.error.where, self.error.why);
    return self.error.status == ALTO_OK;
}
