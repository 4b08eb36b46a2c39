/* SPDX-License-Identifier: Apache-2.0 */
#include "io/confine.h"

#include "io/log.h"
#include "io/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

/* Whatever the C library, resolvers and TLS look at. /proc/self/exe: what explains a crash reads it. */
static const char *const systems[] = {"/etc",
                                      "/usr",
                                      "/lib",
                                      "/lib64",
                                      "/run",
                                      "/proc",
                                      "/sys/devices/system",
                                      "/var/lib/ca-certificates",
                                      "/dev/null",
                                      "/dev/urandom",
                                      "/proc/self/exe"};

/* ---- the state directory ---- */

/* It is the user's, whoever makes it. */
static alto_status give(const char *directory, const alto_user *user, alto_error *error)
{
    int fd = open(directory, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    bool given = fd >= 0 && fchown(fd, user->uid, user->gid) == 0;
    int why = errno;
    if (fd >= 0)
        close(fd);
    return given ? ALTO_OK : alto_fail(error, ALTO_IO, directory, "cannot be given to --user: %s", strerror(why));
}

static alto_status make_state(const char *directory, const alto_user *user, alto_error *error)
{
    if (mkdir(directory, S_IRWXU) == 0)
        return user->changes ? give(directory, user, error) : ALTO_OK;
    return errno == EEXIST ? ALTO_OK : alto_fail(error, ALTO_IO, directory, "cannot create it: %s", strerror(errno));
}

/* ---- the sandbox ---- */

typedef struct {
    alto_sandbox sandbox;
    const char *state;  /* stays where it is */
    alto_status status; /* first error */
} permits;

static void allow(permits *self, const char *path, alto_sandbox_right right)
{
    if (self->status == ALTO_OK)
        self->status = alto_sandbox_allow(&self->sandbox, path, right);
}

/* The directory that a path lies in, so that it is found again after it was replaced by rename; not of all files there are. */
static void allow_around(permits *self, const char *path, alto_sandbox_right right)
{
    char directory[PATH_MAX];
    const char *slash = strrchr(path, '/');
    if (slash == path || strlen(path) >= sizeof directory)
        return;
    snprintf(directory, sizeof directory, "%.*s", slash ? (int)(slash - path) : 1, slash ? path : ".");
    allow(self, directory, right);
}

/* A file or directory that the command line names. What a link leads to may be replaced, too. */
static void allow_named(void *context, const char *path)
{
    permits *self = context;
    char real[PATH_MAX];
    allow(self, path, ALTO_SANDBOX_READ);
    if (path == self->state)
        return;
    allow_around(self, path, ALTO_SANDBOX_READ);
    if (realpath(path, real))
        allow_around(self, real, ALTO_SANDBOX_READ);
}

static void allow_socket(permits *self, const char *endpoint)
{
    if (strncmp(endpoint, "ipc://", 6) == 0)
        allow_around(self, endpoint + 6, ALTO_SANDBOX_SOCKETS);
}

static alto_status enter_sandbox(const alto_confine_options *options)
{
    permits allowed = {.state = options->state};
    alto_status status = alto_sandbox_begin(&allowed.sandbox);
    if (status != ALTO_OK)
        return status;
    for (size_t i = 0; i < sizeof systems / sizeof systems[0]; i++)
        allow(&allowed, systems[i], ALTO_SANDBOX_READ);
    alto_options_each_path(options->table, allow_named, &allowed);
    for (size_t i = 0; i < options->push_count; i++)
        allow_socket(&allowed, options->push[i]);
    if (options->state)
        allow(&allowed, options->state, ALTO_SANDBOX_WRITE);
    if (allowed.status == ALTO_OK)
        allowed.status = alto_sandbox_enter(&allowed.sandbox);
    alto_sandbox_end(&allowed.sandbox);
    return allowed.status;
}

static alto_status choose_sandbox(const alto_confine_options *options, bool *entered, alto_error *error)
{
    alto_status status = options->words.no_sandbox ? ALTO_NOT_FOUND : enter_sandbox(options);
    *entered = status == ALTO_OK;
    if (status == ALTO_OK || status == ALTO_NOT_FOUND)
        return ALTO_OK;
    return alto_fail(error, status, "Landlock", "%s; --no-sandbox does without", strerror(errno));
}

/* ---- all of it ---- */

bool alto_confine_memory(void)
{
    const struct rlimit none = {0, 0};
    return setrlimit(RLIMIT_CORE, &none) == 0 && prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == 0;
}

static alto_status forbid_the_general(const alto_confine_words *words, alto_error *error)
{
    umask(S_IRWXG | S_IRWXO);
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && (words->core_dumps || alto_confine_memory()))
        return ALTO_OK;
    return alto_fail(error, ALTO_IO, "process", "cannot give up core dumps or new privileges: %s", strerror(errno));
}

alto_status alto_confine(const alto_confine_options *options, alto_confined *out, alto_error *error)
{
    const alto_confine_words *words = &options->words;
    *out = (alto_confined){.in_sandbox = false};
    alto_status status = forbid_the_general(words, error);
    if (status == ALTO_OK && words->user)
        status = alto_user_take(words->user, &out->user, error);
    if (status == ALTO_OK && options->state)
        status = make_state(options->state, &out->user, error);
    return status == ALTO_OK ? choose_sandbox(options, &out->in_sandbox, error) : status;
}

void alto_confine_log(const alto_confine_options *options, const alto_confined *confined)
{
    const alto_confine_words *words = &options->words;
    if (!words->user && geteuid() == 0)
        alto_log(ALTO_LOG_WARN, "root", "why=\"runs as root, which it does not need: --user NAME\"");
    alto_log(ALTO_LOG_INFO, "confined", "user=%s sandbox=%s core-dumps=%s", words->user ? words->user : "unchanged",
             confined->in_sandbox ? "landlock" : "none", words->core_dumps ? "allowed" : "no");
}
