/* SPDX-License-Identifier: Apache-2.0 */
/* All that an HTTP server of ours answers, without a connection: each request gets one answer that keeps the rules of HTTP; asked again
 * it is the same, HEAD tells the size of GET, and what is still the same by its ETag is not sent again.
 *
 * Longest input: 1024. Dictionary: http. */
#include "cmocka_all.h"
#include "fuzz.h"
#include "io/loop.h"
#include "io/notify.h"
#include "io/site.h"
#include "origin.h"

#include <stdio.h>
#include <unistd.h>

enum { LARGEST = 1 << 22, PATHS = 40, PATH = 300 };

static test_origin *origin; /* all of it made once */
static alto_counts counts;
static alto_site *site;
static alto_loop *loop;
static alto_notify *notify;
static char paths[PATHS][PATH]; /* that lead somewhere */
static size_t path_count;

/* ---- what is served ---- */

static void add_path(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void add_path(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fuzz_check(path_count < PATHS && vsnprintf(paths[path_count++], PATH, format, arguments) < PATH);
    va_end(arguments);
}

static void add_pull_paths(void)
{
    char name[2 * ALTO_HASH_SIZE + 1], path[ALTO_WANT_PATH];
    const alto_view *view = test_origin_view(origin);
    alto_hex(name, origin->anchor.origin.bytes, ALTO_HASH_SIZE);
    alto_want want = {
        .to = view->state_root, .after = origin->log[0].position, .until = origin->log[origin->log_count - 1].position};
    for (alto_want_type type = ALTO_WANT_HEAD; type <= ALTO_WANT_BUNDLE; type++) {
        want.type = type;
        if (type == ALTO_WANT_PAYLOAD) {
            for (size_t i = 0; i < origin->message_count && !origin->messages[i].is_payload; i++)
                want.to = alto_hash_of(ALTO_DOMAIN_PAYLOAD, alto_buffer_slice(&origin->messages[i + 1].object));
        } else if (type > ALTO_WANT_PAYLOAD) {
            want.from = want.to = *alto_version_root(view->resources[0]->version);
        }
        alto_want_path(&want, path);
        add_path("/redistribution/v1/%s/%s", name, path);
    }
    add_path("/redistribution/v1/%s/commits/1.100.1", name);
    add_path("/redistribution/v1/%s/manifest/1.1", name);
}

static void on_notified(void *context)
{
    (void)context;
}

static void prepare(void)
{
    if (origin)
        return;
    static const char *const push[] = {"tcp://192.0.2.1:5670"};
    static const char *const fixed[] = {"/",
                                        "/directory",
                                        "/net",
                                        "/cost",
                                        "/doc",
                                        "/net-filtered",
                                        "/cost-filtered",
                                        "/endpoint-property",
                                        "/endpoint-cost",
                                        "/redistribution/v1/info",
                                        "/notify",
                                        "/resource/net"};
    loop = alto_loop_new();
    notify = loop ? alto_notify_new(loop, alto_slice_text("x"), on_notified, NULL) : NULL;
    fuzz_check(notify);
    alto_site_options serve = {.counts = &counts, .stale = ALTO_STALE_UNTIL_VALID, .notify = notify};
    alto_front *front;
    alto_error error;
    origin = test_origin_new(23);
    test_origin_put_network_map(origin, "net");
    test_origin_put_cost_map(origin, "cost", "net", "numerical", "routingcost");
    test_origin_put(origin, "doc", "{\"a\":[1,2]}");
    test_origin_put(origin, "doc", "{\"a\":[1,2,3]}");
    test_origin_head(origin);
    site = alto_site_new(push, countof(push), NULL);
    fuzz_check(site && alto_site_add(site, origin->archive, &serve, &front, &error) == ALTO_OK);
    for (size_t i = 0; i < countof(fixed); i++)
        add_path("%s", fixed[i]);
    add_pull_paths();
}

/* ---- asking ---- */

typedef struct {
    alto_http_answer answer; /* its body was given back */
    alto_buffer body;
} answered;

static const char *header(const answered *self, const char *name)
{
    const char *found = NULL;
    for (size_t i = 0; i < self->answer.header_count; i++)
        if (strcmp(self->answer.headers[i].name, name) == 0) {
            fuzz_check(!found); /* twice */
            found = self->answer.headers[i].value;
        }
    return found;
}

/* Read it as a server would. */
static answered ask(const alto_http_request *request)
{
    answered self = {.body = alto_buffer_make(LARGEST)};
    alto_http_answer *answer = &self.answer;
    alto_http_answer_init(answer, 500);
    alto_site_answer(site, request, answer);
    fuzz_check(!answer->later && answer->header_count <= ALTO_HTTP_HEADERS);
    for (size_t i = 0; i < answer->piece_count; i++)
        alto_buffer_add_slice(&self.body, answer->piece(answer->owner, i));
    fuzz_check(self.body.status == ALTO_OK && (answer->piece_count == 0 || self.body.size == answer->size));
    if (answer->release)
        answer->release(answer->owner);
    return self;
}

/* ---- what has to be so ---- */

static bool is_json(const char *type)
{
    return type && strstr(type, "json");
}

static void check_answer(const alto_http_request *request, const answered *self)
{
    unsigned status = self->answer.status;
    const char *type = header(self, "Content-Type");
    fuzz_check(status >= 200 && status < 600 && status != 500);
    if (status >= 400)
        fuzz_check(header(self, "Cache-Control") && strcmp(header(self, "Cache-Control"), "no-store") == 0);
    if (status == 202) /* to /notify */
        fuzz_check(request->authorization && strcmp(request->authorization, "Bearer x") == 0);
    if (status == 405)
        fuzz_check(header(self, "Allow"));
    fuzz_check(self->body.size == 0 || type);
    for (size_t i = 0; i < self->answer.header_count; i++)
        fuzz_check(!strpbrk(self->answer.headers[i].value, "\r\n"));
    if (is_json(type) && self->body.size > 0 && !header(self, "Content-Encoding")) {
        alto_buffer canonical = alto_buffer_make(LARGEST);
        fuzz_check(alto_json_canonical(alto_buffer_slice(&self->body), &canonical, NULL) == ALTO_OK);
        alto_buffer_fini(&canonical);
    }
}

static void check_again(const alto_http_request *request, const answered *first)
{
    answered second = ask(request);
    fuzz_check(second.answer.status == first->answer.status);
    fuzz_check(alto_slice_equal(alto_buffer_slice(&second.body), alto_buffer_slice(&first->body)));
    alto_buffer_fini(&second.body);
}

static void check_head(const alto_http_request *request, const answered *got)
{
    alto_http_request head = *request;
    head.method = "HEAD";
    answered self = ask(&head);
    fuzz_check(self.answer.status == got->answer.status && self.answer.size == got->answer.size);
    alto_buffer_fini(&self.body);
}

static void check_tag(const alto_http_request *request, const answered *got)
{
    const char *tag = header(got, "ETag");
    alto_http_request same = *request;
    same.if_none_match = tag;
    if (!tag || got->answer.status != 200)
        return;
    answered self = ask(&same);
    fuzz_check(self.answer.status == 304 && strcmp(header(&self, "ETag"), tag) == 0);
    alto_buffer_fini(&self.body);
}

/* ---- requests ---- */

static const char *choose_path(alto_reader *in)
{
    unsigned which = fuzz_below(in, PATHS + 8);
    if (which >= path_count)
        return fuzz_text(fuzz_part(in));
    char path[PATH + 64];
    size_t size = (size_t)snprintf(path, sizeof path, "%s", paths[which]);
    for (unsigned count = fuzz_below(in, 4); count > 0; count--)
        path[fuzz_below(in, 512) % size] = (char)alto_reader_u8(in);
    if (fuzz_below(in, 4) == 3)
        snprintf(path + size, sizeof path - size, "%.60s", fuzz_text(fuzz_part(in)));
    return fuzz_text(alto_slice_of(path, strlen(path)));
}

static const char *maybe(alto_reader *in, const char *usual)
{
    switch (fuzz_below(in, 4)) {
    case 0:
        return usual;
    case 1:
        return fuzz_text(fuzz_part(in));
    default:
        return NULL;
    }
}

static const char *choose_type(alto_reader *in)
{
    static const char *const types[] = {"application/alto-networkmapfilter+json", "application/alto-costmapfilter+json",
                                        "application/alto-endpointpropparams+json",
                                        "application/alto-endpointcostparams+json"};
    return maybe(in, types[fuzz_below(in, countof(types))]);
}

void fuzz_one(alto_slice input)
{
    prepare();
    static const char *const methods[] = {"GET", "POST", "OPTIONS", "PUT", "HEAD", "DELETE"};
    alto_reader in = alto_reader_make(input);
    alto_http_request request = {.method = methods[fuzz_below(&in, 2 + (unsigned)fuzz_below(&in, 5))],
                                 .base = "",
                                 .query = "",
                                 .peer = fuzz_flag(&in) ? "127.0.0.1:1" : ""};
    request.path = choose_path(&in);
    request.if_none_match = maybe(&in, "*");
    request.accept = maybe(&in, "application/*");
    request.accept_encoding = maybe(&in, "gzip");
    request.content_type = choose_type(&in);
    request.authorization = maybe(&in, "Bearer x");
    if (strcmp(request.method, "POST") == 0)
        request.body = fuzz_rest(&in);
    answered got = ask(&request);
    check_answer(&request, &got);
    check_again(&request, &got);
    if (strcmp(request.method, "GET") == 0) {
        check_head(&request, &got);
        check_tag(&request, &got);
    }
    alto_buffer_fini(&got.body);
}
