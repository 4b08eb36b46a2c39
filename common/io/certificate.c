/* SPDX-License-Identifier: Apache-2.0 */
#include "io/certificate.h"

#include "io/log.h"

#include <stdatomic.h>
#include <stdlib.h>

#define DAY_MS (UINT64_C(24) * 60 * 60 * 1000)

enum { WARN_DAYS = 30, ALARM_DAYS = 7 };

struct alto_certificate {
    alto_tls_files files;
    const alto_tls *tls;
    alto_http_server *server; /* borrowed */
    alto_timer *timer;        /* looks each day how long it is good */
    /* For info, which other threads ask for. */
    _Atomic uint64_t not_after_ms, read, refused;
};

static uint64_t days_left(const alto_tls *tls)
{
    uint64_t now_ms = alto_clock_ms();
    return tls->not_after_ms > now_ms ? (tls->not_after_ms - now_ms) / DAY_MS : 0;
}

static const char *trouble(const alto_tls *tls)
{
    uint64_t now_ms = alto_clock_ms();
    if (tls->not_after_ms <= now_ms)
        return "expired";
    return tls->not_before_ms > now_ms ? "not valid yet: is the clock right?" : NULL;
}

/* One line: what is used, for whom, how long, and whether somebody has to do something. */
static void tell(const alto_certificate *self)
{
    char name[2 * ALTO_TLS_NAME], file[1024], why[64];
    const alto_tls *tls = self->tls;
    const char *wrong = trouble(tls);
    uint64_t days = days_left(tls);
    alto_log_level level = wrong || days < ALARM_DAYS ? ALTO_LOG_ERROR
                           : days < WARN_DAYS         ? ALTO_LOG_WARN
                                                      : ALTO_LOG_INFO;
    if (!wrong && level != ALTO_LOG_INFO)
        wrong = "it ends soon: renew it and send SIGHUP";
    alto_log(level, "certificate", "file=%s name=%s days-left=%llu%s%s",
             alto_log_value(self->files.cert, file, sizeof file), alto_log_value(tls->name, name, sizeof name),
             (unsigned long long)days, wrong ? " why=" : "", wrong ? alto_log_value(wrong, why, sizeof why) : "");
}

static void take(alto_certificate *self, const alto_tls *fresh)
{
    alto_tls_release(self->tls);
    self->tls = fresh;
    atomic_store(&self->not_after_ms, fresh->not_after_ms);
    atomic_fetch_add(&self->read, 1);
}

static alto_status read_again(alto_certificate *self, alto_error *error)
{
    const alto_tls *fresh;
    alto_status status = alto_tls_read(&self->files, &fresh, error);
    if (status != ALTO_OK)
        return status;
    const char *wrong = trouble(fresh);
    status = wrong ? alto_fail(error, ALTO_EXPIRED, self->files.cert, "the certificate is %s", wrong)
                   : alto_http_server_set_tls(self->server, fresh, error);
    if (status == ALTO_OK)
        take(self, fresh);
    else
        alto_tls_release(fresh);
    return status;
}

static void on_hangup(void *context)
{
    alto_certificate *self = context;
    alto_error error;
    if (read_again(self, &error) == ALTO_OK) {
        tell(self);
        return;
    }
    atomic_fetch_add(&self->refused, 1);
    alto_log_error(ALTO_LOG_ERROR, "certificate-refused", &error);
}

static void on_day(void *context)
{
    alto_certificate *self = context;
    if (trouble(self->tls) || days_left(self->tls) < WARN_DAYS)
        tell(self);
    alto_timer_arm(self->timer, DAY_MS);
}

alto_status alto_certificate_new(alto_loop *loop, const alto_tls_files *files, alto_certificate **out,
                                 alto_error *error)
{
    const alto_tls *tls;
    alto_status status = alto_tls_read(files, &tls, error);
    if (status != ALTO_OK)
        return status;
    alto_certificate *self = calloc(1, sizeof *self);
    if (!self) {
        alto_tls_release(tls);
        return alto_fail(error, ALTO_NO_MEMORY, files->cert, "out of memory");
    }
    self->files = *files;
    take(self, tls);
    self->timer = alto_timer_new(loop, on_day, self);
    status = self->timer ? alto_loop_on_hangup(loop, on_hangup, self) : ALTO_NO_MEMORY;
    if (status == ALTO_OK) {
        *out = self;
        return ALTO_OK;
    }
    alto_certificate_destroy(&self);
    return alto_fail(error, status, "SIGHUP", "cannot be watched for: %s", alto_status_text(status));
}

void alto_certificate_destroy(alto_certificate **self)
{
    if (!*self)
        return;
    alto_timer_destroy(&(*self)->timer);
    alto_tls_release((*self)->tls);
    free(*self);
    *self = NULL;
}

const alto_tls *alto_certificate_tls(const alto_certificate *self)
{
    return self->tls;
}

void alto_certificate_serve(alto_certificate *self, alto_http_server *server)
{
    self->server = server;
    tell(self);
    alto_timer_arm(self->timer, DAY_MS);
}

void alto_certificate_info(const alto_certificate *self, alto_buffer *out)
{
    alto_buffer_print(out, ",\"certificate\":{\"not-after-ms\":%llu,\"read\":%llu,\"refused\":%llu}",
                      (unsigned long long)atomic_load(&self->not_after_ms),
                      (unsigned long long)atomic_load(&self->read), (unsigned long long)atomic_load(&self->refused));
}
