/* SPDX-License-Identifier: Apache-2.0 */
#include "io/pull.h"

#include "io/release.h"

#include <assert.h>
#include <ctype.h>
#include <curl/curl.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

enum {
    CONNECT_TIMEOUT_MS = 5000,
    SILENCE_S = 30, /* without any byte */
    PER_HOST = 8,   /* connections at once; more requests wait */
    IDLE_CONNECTIONS = 16,
    EVENTS = 64,
    RETRY_MS = 1000,       /* when there was no memory to begin */
    ERROR_BODY_MAX = 65536 /* bytes of the body of a refusal that are read so that the connection can stay */
};

struct alto_pull {
    alto_puller *puller;
    CURL *easy;
    struct curl_slist *headers;
    alto_pull_data_fn *data; /* NULL: gather into body */
    alto_pull_done_fn *done;
    void *context;
    uint64_t max_size, size; /* bytes of a wanted body: allowed, come so far */
    uint64_t refused_size;   /* bytes of another body */
    alto_buffer body;
    alto_status status; /* why we ended it ourselves; ALTO_OK: we did not */
    bool waiting;       /* not handed to libcurl yet */
    bool cancelled;
    bool any_body; /* not only that of a 200 */
    bool has_credentials;
    unsigned redirects;            /* that may still be followed */
    unsigned total_s;              /* 0: no bound */
    uint64_t begun_ms;             /* monotonic */
    char why[2 * CURL_ERROR_SIZE]; /* libcurl's words, then with ours before them */
    alto_pull *next;               /* list of the puller */
};

struct alto_puller {
    alto_loop *loop;
    CURLM *multi;
    alto_timer *timer; /* as libcurl wants it */
    alto_timer *soon;  /* for what could not be done at once: see work_off */
    int epoll_fd;      /* libcurl's sockets; watched by the loop */
    bool watched;
    alto_pull *pulls;
    unsigned inside; /* libcurl is on the stack: it must not be called */
};

/* ---- hosts ---- */

static bool host_character(char character, bool bracketed)
{
    if (bracketed)
        return isxdigit((unsigned char)character) || character == ':' || character == '.';
    return isalnum((unsigned char)character) || character == '.' || character == '-' || character == '_';
}

/* The part of an authority that names the host; brackets removed. */
static alto_slice host_part(const char *authority, size_t size, bool *bracketed)
{
    const char *at = memrchr(authority, '@', size), *end = authority + size;
    const char *host = at ? at + 1 : authority;
    *bracketed = host < end && *host == '[';
    if (*bracketed) {
        const char *close = memchr(host, ']', (size_t)(end - host));
        bool whole = close && (close + 1 == end || close[1] == ':');
        return whole ? alto_slice_of(host + 1, (size_t)(close - host - 1)) : alto_slice_of(NULL, 0);
    }
    const char *colon = memchr(host, ':', (size_t)(end - host));
    return alto_slice_of(host, (size_t)((colon ? colon : end) - host));
}

bool alto_url_host(const char *url, char *host, size_t room)
{
    const char *scheme_end = strstr(url, "://");
    if (!scheme_end || scheme_end == url)
        return false;
    const char *authority = scheme_end + 3;
    bool bracketed;
    alto_slice part = host_part(authority, strcspn(authority, "/?#"), &bracketed);
    if (part.size == 0 || part.size >= room)
        return false;
    for (size_t i = 0; i < part.size; i++) {
        if (!host_character((char)part.data[i], bracketed))
            return false;
        host[i] = (char)tolower(part.data[i]);
    }
    host[part.size] = 0;
    return true;
}

static bool loopback(const char *url)
{
    char host[256];
    return alto_url_host(url, host, sizeof host) &&
           (strcmp(host, "localhost") == 0 || strcmp(host, "::1") == 0 || strncmp(host, "127.", 4) == 0);
}

/* ---- bodies ---- */

static bool body_wanted(const alto_pull *self)
{
    long code = 0;
    curl_easy_getinfo(self->easy, CURLINFO_RESPONSE_CODE, &code);
    return code == 200 || self->any_body;
}

static alto_status take_bytes(alto_pull *self, alto_slice bytes)
{
    curl_off_t announced = -1;
    curl_easy_getinfo(self->easy, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &announced);
    if (announced > 0 && (uint64_t)announced > self->max_size)
        return ALTO_TOO_LARGE;
    if (bytes.size > self->max_size - self->size)
        return ALTO_TOO_LARGE;
    self->size += bytes.size;
    if (self->data)
        return self->data(self->context, bytes);
    alto_buffer_add_slice(&self->body, bytes);
    return self->body.status;
}

/* libcurl has a piece of a body; anything but `size` ends the transfer. */
static size_t on_body(char *bytes, size_t one, size_t size, void *context)
{
    alto_pull *self = context;
    assert(one == 1);
    (void)one;
    if (self->cancelled)
        return CURL_WRITEFUNC_ERROR;
    if (!body_wanted(self)) {
        self->refused_size += size;
        return self->refused_size <= ERROR_BODY_MAX ? size : CURL_WRITEFUNC_ERROR;
    }
    self->status = take_bytes(self, alto_slice_of(bytes, size));
    return self->status == ALTO_OK && !self->cancelled ? size : CURL_WRITEFUNC_ERROR;
}

/* ---- the end of a pull ---- */

static void free_pull(alto_pull *self)
{
    curl_slist_free_all(self->headers);
    if (self->easy)
        curl_easy_cleanup(self->easy);
    alto_buffer_fini(&self->body);
    free(self);
}

/* Take it out of the list and from libcurl. */
static void detach(alto_pull *self)
{
    alto_pull **link = &self->puller->pulls;
    while (*link != self)
        link = &(*link)->next;
    *link = self->next;
    if (!self->waiting)
        curl_multi_remove_handle(self->puller->multi, self->easy);
}

static alto_status status_of(long http_status)
{
    switch (http_status) {
    case 200:
        return ALTO_OK;
    case 304:
        return ALTO_KNOWN;
    case 404:
    case 410:
        return ALTO_NOT_FOUND;
    case 429:
    case 503:
        return ALTO_BUSY;
    default:
        return ALTO_IO;
    }
}

/* ---- headers ---- */

/* The value of the `index`th header of that name in the last answer; NULL when there is none. */
static const char *header_at(const alto_pull *self, const char *name, size_t index)
{
    struct curl_header *header;
    if (curl_easy_header(self->easy, name, index, CURLH_HEADER, -1, &header) != CURLHE_OK)
        return NULL;
    return header->value;
}

static const char *header_or_empty(const alto_pull *self, const char *name)
{
    const char *value = header_at(self, name, 0);
    return value ? value : "";
}

/* Each header once more, for what it says about caching. */
static void read_caching(const alto_pull *self, alto_cache_told *out)
{
    struct curl_header *header = NULL;
    while ((header = curl_easy_nextheader(self->easy, CURLH_HEADER, -1, header)))
        alto_cache_told_add(out, header->name, header->value);
}

static void read_headers(const alto_pull *self, alto_pull_headers *out)
{
    char *url = NULL;
    curl_easy_getinfo(self->easy, CURLINFO_EFFECTIVE_URL, &url);
    *out = (alto_pull_headers){.url = url ? url : "",
                               .content_type = header_or_empty(self, "Content-Type"),
                               .content_encoding = header_or_empty(self, "Content-Encoding"),
                               .etag = header_or_empty(self, "ETag"),
                               .last_modified = header_or_empty(self, "Last-Modified")};
    long wanted = 0;
    curl_easy_getinfo(self->easy, CURLINFO_HTTPAUTH_AVAIL, &wanted);
    out->caching.authorized = self->has_credentials && wanted; /* it was asked for them */
    read_caching(self, &out->caching);
}

/* ---- the answer ---- */

/* Where it sends us, absolute; NULL: nowhere. */
static const char *redirect_of(const alto_pull *self)
{
    char *target = NULL;
    curl_easy_getinfo(self->easy, CURLINFO_REDIRECT_URL, &target);
    return target;
}

/* Follow a redirect, where that is wanted and leads to the same server: libcurl would go to any. */
static bool follow(alto_pull *self)
{
    const char *target = redirect_of(self), *from = NULL;
    curl_easy_getinfo(self->easy, CURLINFO_EFFECTIVE_URL, &from);
    if (self->redirects == 0 || !target || !from || !alto_url_same_server(from, target) ||
        curl_easy_setopt(self->easy, CURLOPT_URL, target) != CURLE_OK)
        return false;
    uint64_t spent_ms = alto_monotonic_ms() - self->begun_ms, most_ms = (uint64_t)self->total_s * 1000;
    if (most_ms)
        curl_easy_setopt(self->easy, CURLOPT_TIMEOUT_MS, (long)(spent_ms < most_ms ? most_ms - spent_ms : 1));
    curl_multi_remove_handle(self->puller->multi, self->easy);
    self->redirects--;
    self->refused_size = 0;
    self->why[0] = 0;
    self->waiting = true;
    alto_timer_arm(self->puller->soon, 0);
    return true;
}

/* What is wrong with a certificate. libcurl's own words differ from one TLS library to the other. */
static const char *wrong_certificate(const char *said)
{
    if (strstr(said, "subject name") || strstr(said, "not match"))
        return "is for other names";
    return strstr(said, "expired") ? "has expired" : "is not signed by an authority that is believed here";
}

/* What TLS has to do with it, in words before those of libcurl. */
static void explain_tls(alto_pull *self, const char *url, CURLcode code)
{
    char host[256] = "", said[CURL_ERROR_SIZE];
    alto_url_host(url, host, sizeof host);
    snprintf(said, sizeof said, "%.255s", self->why[0] ? self->why : curl_easy_strerror(code));
    if (code == CURLE_PEER_FAILED_VERIFICATION)
        snprintf(self->why, sizeof self->why, "the certificate of %.100s %s (%s)", host, wrong_certificate(said), said);
    else if (code == CURLE_SSL_CERTPROBLEM)
        snprintf(self->why, sizeof self->why, "our certificate for clients, or its key, cannot be used (%s)", said);
    else if (code == CURLE_SSL_CACERT_BADFILE)
        snprintf(self->why, sizeof self->why, "the file of authorities to believe cannot be used (%s)", said);
    else if (code == CURLE_SSL_CONNECT_ERROR || code == CURLE_GOT_NOTHING || code == CURLE_RECV_ERROR)
        snprintf(self->why, sizeof self->why,
                 "the server ended TLS: is HTTPS spoken there, and does it ask for a certificate of clients? (%s)",
                 said);
}

static void explain(alto_pull *self, alto_pull_result *result, CURLcode code)
{
    bool answered = result->http_status != 200 && result->http_status != 0;
    if (self->status != ALTO_OK)
        snprintf(self->why, sizeof self->why, "%s", alto_status_text(self->status));
    else if (answered && redirect_of(self))
        snprintf(self->why, sizeof self->why, "the answer has status %ld, a redirect that is not followed",
                 result->http_status);
    else if (answered)
        snprintf(self->why, sizeof self->why, "the answer has status %ld", result->http_status);
    else if (strncasecmp(result->headers.url, "https:", 6) == 0)
        explain_tls(self, result->headers.url, code);
    if (!self->why[0])
        snprintf(self->why, sizeof self->why, "%s", curl_easy_strerror(code));
    result->why = self->why;
}

static alto_status judge(const alto_pull *self, CURLcode code, long http_status)
{
    if (self->status != ALTO_OK)
        return self->status;
    bool broken = code != CURLE_OK && (http_status == 200 || http_status == 0 || self->any_body);
    return broken ? ALTO_IO : status_of(http_status);
}

static void finish(alto_pull *self, CURLcode code)
{
    alto_pull_result result = {.why = ""};
    curl_off_t retry_after = 0;
    curl_easy_getinfo(self->easy, CURLINFO_RESPONSE_CODE, &result.http_status);
    curl_easy_getinfo(self->easy, CURLINFO_RETRY_AFTER, &retry_after);
    result.retry_after_s = retry_after > 0 ? (uint64_t)retry_after : 0;
    result.status = judge(self, code, result.http_status);
    result.whole = self->status == ALTO_OK && code == CURLE_OK;
    result.timed_out = code == CURLE_OPERATION_TIMEDOUT;
    read_headers(self, &result.headers);
    if (result.status != ALTO_OK)
        explain(self, &result, code);
    if (result.whole)
        result.body = alto_buffer_slice(&self->body);
    detach(self);
    self->done(self->context, &result);
    free_pull(self);
}

/* ---- libcurl on the loop ---- */

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *context, void *known)
{
    (void)easy;
    alto_puller *self = context;
    if (what == CURL_POLL_REMOVE) {
        epoll_ctl(self->epoll_fd, EPOLL_CTL_DEL, fd, NULL);
        return 0;
    }
    struct epoll_event event = {.data.fd = fd};
    event.events = (what & CURL_POLL_IN ? (uint32_t)EPOLLIN : 0) | (what & CURL_POLL_OUT ? (uint32_t)EPOLLOUT : 0);
    if (epoll_ctl(self->epoll_fd, known ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, fd, &event) != 0)
        return -1;
    curl_multi_assign(self->multi, fd, self); /* any pointer says: known */
    return 0;
}

static int on_timer(CURLM *multi, long timeout_ms, void *context)
{
    (void)multi;
    alto_puller *self = context;
    if (timeout_ms < 0)
        alto_timer_disarm(self->timer);
    else
        alto_timer_arm(self->timer, (uint64_t)timeout_ms);
    return 0;
}

static void hand_over(alto_pull *self)
{
    self->puller->inside++;
    self->waiting = curl_multi_add_handle(self->puller->multi, self->easy) != CURLM_OK;
    self->puller->inside--;
    if (self->waiting)
        alto_timer_arm(self->puller->soon, RETRY_MS);
}

/* Hand over what was asked for, and take back what was cancelled while libcurl was on the stack. */
static void work_off(alto_puller *self)
{
    alto_pull *next;
    for (alto_pull *at = self->pulls; at; at = next) {
        next = at->next;
        if (at->cancelled) {
            detach(at);
            free_pull(at);
        } else if (at->waiting) {
            hand_over(at);
        }
    }
}

static void finish_done(alto_puller *self)
{
    CURLMsg *message;
    int left;
    while ((message = curl_multi_info_read(self->multi, &left))) {
        alto_pull *pull = NULL;
        CURLcode code = message->data.result;
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &pull);
        if (pull->cancelled) {
            detach(pull);
            free_pull(pull);
        } else if (code != CURLE_OK || !follow(pull)) {
            finish(pull, code);
        }
    }
}

static void act(alto_puller *self, curl_socket_t fd, int what)
{
    int running;
    self->inside++;
    curl_multi_socket_action(self->multi, fd, what, &running);
    self->inside--;
}

static void after_action(void *context)
{
    alto_puller *self = context;
    work_off(self);
    finish_done(self);
}

static void on_ready(void *context)
{
    alto_puller *self = context;
    struct epoll_event events[EVENTS];
    int count = epoll_wait(self->epoll_fd, events, EVENTS, 0);
    for (int i = 0; i < count; i++) {
        int what = (events[i].events & EPOLLIN ? CURL_CSELECT_IN : 0) |
                   (events[i].events & EPOLLOUT ? CURL_CSELECT_OUT : 0) |
                   (events[i].events & (EPOLLERR | EPOLLHUP) ? CURL_CSELECT_ERR : 0);
        act(self, events[i].data.fd, what);
    }
    after_action(self);
}

static void on_timeout(void *context)
{
    alto_puller *self = context;
    act(self, CURL_SOCKET_TIMEOUT, 0);
    after_action(self);
}

/* ---- pullers ---- */

static void init_curl(void)
{
    curl_global_init(CURL_GLOBAL_DEFAULT);
}

static void configure(alto_puller *self)
{
    curl_multi_setopt(self->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
    curl_multi_setopt(self->multi, CURLMOPT_SOCKETDATA, self);
    curl_multi_setopt(self->multi, CURLMOPT_TIMERFUNCTION, on_timer);
    curl_multi_setopt(self->multi, CURLMOPT_TIMERDATA, self);
    curl_multi_setopt(self->multi, CURLMOPT_MAX_HOST_CONNECTIONS, (long)PER_HOST);
    curl_multi_setopt(self->multi, CURLMOPT_MAXCONNECTS, (long)IDLE_CONNECTIONS);
}

alto_puller *alto_puller_new(alto_loop *loop)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, init_curl);
    alto_puller *self = calloc(1, sizeof *self);
    if (!self)
        return NULL;
    self->loop = loop;
    self->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    self->multi = curl_multi_init();
    self->timer = alto_timer_new(loop, on_timeout, self);
    self->soon = alto_timer_new(loop, after_action, self);
    if (self->epoll_fd < 0 || !self->multi || !self->timer || !self->soon)
        goto fail;
    configure(self);
    if (alto_loop_watch(loop, self->epoll_fd, on_ready, self) != ALTO_OK)
        goto fail;
    self->watched = true;
    return self;
fail:
    alto_puller_destroy(&self);
    return NULL;
}

void alto_puller_destroy(alto_puller **self)
{
    if (!*self)
        return;
    alto_puller *puller = *self;
    assert(puller->inside == 0);
    alto_pull *next;
    for (alto_pull *at = puller->pulls; at; at = next) {
        next = at->next;
        if (!at->waiting)
            curl_multi_remove_handle(puller->multi, at->easy);
        free_pull(at);
    }
    if (puller->multi)
        curl_multi_cleanup(puller->multi);
    alto_timer_destroy(&puller->timer);
    alto_timer_destroy(&puller->soon);
    if (puller->watched)
        alto_loop_unwatch(puller->loop, puller->epoll_fd);
    if (puller->epoll_fd >= 0)
        close(puller->epoll_fd);
    free(puller);
    *self = NULL;
}

/* ---- URLs ---- */

static bool valid_url(const char *url)
{
    char host[256];
    if ((strncasecmp(url, "http://", 7) != 0 && strncasecmp(url, "https://", 8) != 0) ||
        !alto_url_host(url, host, sizeof host))
        return false;
    CURLU *parsed = curl_url();
    bool valid = parsed && curl_url_set(parsed, CURLUPART_URL, url, 0) == CURLUE_OK;
    curl_url_cleanup(parsed);
    return valid;
}

bool alto_url_resolve(const char *base, const char *reference, char *url, size_t room)
{
    CURLU *parsed = curl_url();
    char *whole = NULL;
    bool fits = parsed && valid_url(base) && curl_url_set(parsed, CURLUPART_URL, base, 0) == CURLUE_OK &&
                (strcspn(reference, "#") == 0 || curl_url_set(parsed, CURLUPART_URL, reference, 0) == CURLUE_OK) &&
                curl_url_set(parsed, CURLUPART_FRAGMENT, NULL, 0) == CURLUE_OK &&
                curl_url_get(parsed, CURLUPART_URL, &whole, 0) == CURLUE_OK && strlen(whole) < room && valid_url(whole);
    if (fits)
        memcpy(url, whole, strlen(whole) + 1);
    curl_free(whole);
    curl_url_cleanup(parsed);
    return fits;
}

/* "https://host:443" of a URL; NULL when it is none, or out of memory. Freed by curl_free. */
static char *server_of(const char *url)
{
    static const CURLUPart rest[] = {CURLUPART_USER, CURLUPART_PASSWORD, CURLUPART_PATH, CURLUPART_QUERY,
                                     CURLUPART_FRAGMENT};
    CURLU *parsed = curl_url();
    char *server = NULL;
    bool cut = parsed && curl_url_set(parsed, CURLUPART_URL, url, 0) == CURLUE_OK;
    for (size_t i = 0; i < sizeof rest / sizeof rest[0]; i++)
        cut = cut && curl_url_set(parsed, rest[i], NULL, 0) == CURLUE_OK;
    if (cut)
        curl_url_get(parsed, CURLUPART_URL, &server, CURLU_DEFAULT_PORT);
    curl_url_cleanup(parsed);
    return server;
}

bool alto_url_same_server(const char *one, const char *other)
{
    char *first = server_of(one), *second = server_of(other);
    bool same = first && second && strcasecmp(first, second) == 0;
    curl_free(first);
    curl_free(second);
    return same;
}

/* ---- trust ---- */

static alto_status check_readable(const char *file, alto_error *error)
{
    if (!file || access(file, R_OK) == 0)
        return ALTO_OK;
    return alto_fail(error, ALTO_CONFIG, file, "cannot be read: %s", strerror(errno));
}

alto_status alto_pull_trust_check(const alto_pull_trust *trust, alto_error *error)
{
    if (!trust->cert_file != !trust->key_file)
        return alto_fail(error, ALTO_CONFIG, trust->cert_file ? trust->cert_file : trust->key_file,
                         "a client's certificate and its key belong together: name both files");
    const char *const files[] = {trust->ca_file, trust->cert_file, trust->key_file};
    alto_status status = ALTO_OK;
    for (size_t i = 0; status == ALTO_OK && i < sizeof files / sizeof files[0]; i++)
        status = check_readable(files[i], error);
    return status;
}

/* ---- pulls ---- */

static bool add_header(alto_pull *self, const char *header)
{
    struct curl_slist *headers = curl_slist_append(self->headers, header);
    if (!headers)
        return false;
    self->headers = headers;
    return true;
}

/* "Name: value"; nothing when there is no value. */
static bool add_named(alto_pull *self, const char *name, const char *value)
{
    if (!value)
        return true;
    alto_buffer line = alto_buffer_make(8192);
    alto_buffer_print(&line, "%s: %s", name, value);
    alto_buffer_add_u8(&line, 0);
    bool added = line.status == ALTO_OK && add_header(self, (const char *)line.data);
    alto_buffer_fini(&line);
    return added;
}

static bool add_headers(alto_pull *self, const alto_pull_request *request, bool post)
{
    const char *type = request->content_type ? request->content_type : "application/octet-stream";
    bool added = add_named(self, "Cache-Control", request->no_cache ? "no-cache" : NULL) &&
                 add_named(self, "Accept", request->accept) &&
                 add_named(self, "Accept-Encoding", request->accept_encoding) &&
                 add_named(self, "If-None-Match", request->if_none_match) &&
                 add_named(self, "If-Modified-Since", request->if_modified_since) &&
                 add_named(self, "Content-Type", post ? type : NULL);
    if (post) /* no waiting for 100 Continue */
        added = added && add_header(self, "Expect:");
    for (size_t i = 0; i < request->header_count; i++)
        added = added && add_header(self, request->header[i]);
    curl_easy_setopt(self->easy, CURLOPT_HTTPHEADER, self->headers);
    return added;
}

static bool set_method(alto_pull *self, const alto_pull_request *request, bool *post)
{
    const char *method = request->method ? request->method : "GET";
    *post = strcmp(method, "POST") == 0;
    if (strcmp(method, "HEAD") == 0)
        return curl_easy_setopt(self->easy, CURLOPT_NOBODY, 1L) == CURLE_OK;
    if (!*post)
        return strcmp(method, "GET") == 0;
    curl_easy_setopt(self->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body.size);
    const char *body = request->body.size ? (const char *)request->body.data : "";
    return curl_easy_setopt(self->easy, CURLOPT_COPYPOSTFIELDS, body) == CURLE_OK;
}

/* Whom to believe, and who we are. */
static bool set_trust(CURL *easy, const alto_pull_request *request)
{
    bool set = true;
    if (request->credentials) {
        curl_easy_setopt(easy, CURLOPT_HTTPAUTH, (long)(CURLAUTH_BASIC | CURLAUTH_DIGEST));
        set = curl_easy_setopt(easy, CURLOPT_USERPWD, request->credentials) == CURLE_OK;
    }
    const alto_pull_trust *trust = &request->trust;
    if (trust->ca_file) {
        set = set && curl_easy_setopt(easy, CURLOPT_CAINFO, trust->ca_file) == CURLE_OK;
        set = set && curl_easy_setopt(easy, CURLOPT_CAPATH, NULL) == CURLE_OK;
        curl_easy_setopt(easy, CURLOPT_CA_CACHE_TIMEOUT, 0L); /* libcurl would keep what it read for a day */
    }
    if (trust->cert_file) {
        set = set && curl_easy_setopt(easy, CURLOPT_SSLCERT, trust->cert_file) == CURLE_OK;
        set = set && curl_easy_setopt(easy, CURLOPT_SSLKEY, trust->key_file) == CURLE_OK;
    }
    return set;
}

static void set_limits(alto_pull *self, const alto_pull_request *request)
{
    curl_easy_setopt(self->easy, CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_TIMEOUT_MS);
    curl_easy_setopt(self->easy, CURLOPT_LOW_SPEED_LIMIT, 1L);
    curl_easy_setopt(self->easy, CURLOPT_LOW_SPEED_TIME, request->silence_s ? (long)request->silence_s : SILENCE_S);
    curl_easy_setopt(self->easy, CURLOPT_TIMEOUT, (long)request->total_s);
}

static bool set_options(alto_pull *self, const alto_pull_request *request)
{
    CURL *easy = self->easy;
    bool post, set = curl_easy_setopt(easy, CURLOPT_URL, request->url) == CURLE_OK;
    set = set && curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https") == CURLE_OK;
    set = set && curl_easy_setopt(easy, CURLOPT_USERAGENT, "altocast/" ALTO_RELEASE) == CURLE_OK;
    set = set && set_method(self, request, &post) && add_headers(self, request, post);
    set = set && set_trust(easy, request);
    if (set && loopback(request->url)) /* a proxy of the environment is not for this machine */
        set = curl_easy_setopt(easy, CURLOPT_PROXY, "") == CURLE_OK;
    set_limits(self, request);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, self);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, self->why);
    curl_easy_setopt(easy, CURLOPT_PRIVATE, self);
    return set;
}

alto_pull *alto_pull_start(alto_puller *puller, const alto_pull_request *request, alto_pull_data_fn *data,
                           alto_pull_done_fn *done, void *context)
{
    assert(done);
    if (!valid_url(request->url))
        return NULL;
    alto_pull *self = calloc(1, sizeof *self);
    if (!self)
        return NULL;
    *self = (alto_pull){.puller = puller, .data = data, .done = done, .context = context};
    self->max_size = request->max_size;
    self->any_body = request->any_body;
    self->has_credentials = request->credentials != NULL;
    self->redirects = request->max_redirects;
    self->total_s = request->total_s;
    self->begun_ms = alto_monotonic_ms();
    self->body = alto_buffer_make(request->max_size);
    self->waiting = true;
    self->easy = curl_easy_init();
    if (!self->easy || !set_options(self, request)) {
        free_pull(self);
        return NULL;
    }
    alto_pull **end = &puller->pulls;
    while (*end)
        end = &(*end)->next;
    *end = self;
    alto_timer_arm(puller->soon, 0);
    return self;
}

alto_pull *alto_pull_get(alto_puller *puller, const char *url, size_t max_size, bool no_cache, alto_pull_data_fn *data,
                         alto_pull_done_fn *done, void *context)
{
    alto_pull_request request = {.url = url, .max_size = max_size, .no_cache = no_cache};
    return alto_pull_start(puller, &request, data, done, context);
}

uint64_t alto_pull_received(const alto_pull *self)
{
    return self->size;
}

void alto_pull_cancel(alto_pull *self)
{
    self->cancelled = true;
    if (self->puller->inside) {
        alto_timer_arm(self->puller->soon, 0);
        return;
    }
    detach(self);
    free_pull(self);
}
