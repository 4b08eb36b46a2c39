/* SPDX-License-Identifier: Apache-2.0 */
#include "pull_only.h"

#include "core/ird.h"
#include "io/answer.h"
#include "io/log.h"

#include <stdlib.h>

enum { INFO_MAX = 4096 };

struct pull_only {
    alto_server *alto_server;
    alto_http_side *http;
};

/* As "info" of a relay that has no origins. */
static void answer_info(pull_only *self, alto_http_answer *answer)
{
    alto_buffer text = alto_buffer_make(INFO_MAX);
    alto_buffer_add_text(&text, "{\"altocast\":1,\"origins\":[],\"signed\":false,\"alto-server\":");
    alto_server_info(self->alto_server, &text);
    alto_http_side_info(self->http, &text);
    alto_buffer_add_text(&text, "}");
    answer->status = 200;
    alto_http_header(answer, "Content-Type", "application/json");
    alto_http_header(answer, "Cache-Control", "no-store");
    alto_http_body(answer, alto_buffer_slice(&text));
    alto_buffer_fini(&text);
}

static void answer_request(void *context, const alto_http_request *request, alto_http_answer *answer)
{
    pull_only *self = context;
    const char *id = alto_path_id(request->path);
    if (strcmp(request->path, "/directory") == 0) {
        alto_server_directory(self->alto_server, request, answer);
    } else if (strcmp(request->path, "/redistribution/v1/info") == 0) {
        if (alto_answer_method(answer, request, "GET, HEAD, OPTIONS"))
            answer_info(self, answer);
    } else if (!id || !alto_server_answer(self->alto_server, id, request, answer)) {
        alto_answer_refuse(answer, 404, "no resource of that ID; see /directory\n");
    }
}

static void on_hangup(void *context)
{
    const pull_only *self = context;
    alto_server_reload(self->alto_server);
}

alto_status pull_only_new(alto_loop *loop, const pull_only_options *options, pull_only **out, alto_error *error)
{
    pull_only *self = calloc(1, sizeof *self);
    if (!self)
        return alto_fail(error, ALTO_NO_MEMORY, "", "out of memory");
    alto_status status = alto_server_new(loop, &options->alto_server, &self->alto_server, error);
    if (status == ALTO_OK && alto_loop_on_hangup(loop, on_hangup, self) != ALTO_OK)
        status = alto_fail(error, ALTO_IO, "SIGHUP", "cannot be watched for");
    if (status == ALTO_OK)
        status = alto_http_side_new(loop, &options->http, &self->http, error);
    if (status == ALTO_OK)
        status = alto_http_side_open(self->http, answer_request, self, error);
    if (status == ALTO_OK)
        status = alto_user_become(&options->user, error);
    if (status != ALTO_OK) {
        pull_only_destroy(&self);
        return status;
    }
    alto_server_serve(self->alto_server, alto_http_side_server(self->http));
    alto_log(ALTO_LOG_INFO, "ready", "pull=%s http=%s https=%s push=none signed=no", options->alto_server.url,
             alto_http_side_address(self->http), alto_http_side_tls_address(self->http));
    *out = self;
    return ALTO_OK;
}

void pull_only_destroy(pull_only **self)
{
    pull_only *gone = *self;
    if (!gone)
        return;
    *self = NULL;
    alto_http_side_destroy(&gone->http);
    alto_server_destroy(&gone->alto_server);
    free(gone);
}
