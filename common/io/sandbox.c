/* SPDX-License-Identifier: Apache-2.0 */
#include "io/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Newer than the oldest headers that this is compiled with. */
#ifndef LANDLOCK_ACCESS_FS_TRUNCATE
#define LANDLOCK_ACCESS_FS_TRUNCATE (1ULL << 14)
#endif
#ifndef LANDLOCK_ACCESS_FS_IOCTL_DEV
#define LANDLOCK_ACCESS_FS_IOCTL_DEV (1ULL << 15)
#endif
#ifndef LANDLOCK_SCOPE_SIGNAL
#define LANDLOCK_SCOPE_SIGNAL (1ULL << 1)
#endif

#define ACCESS_OF_FIRST_VERSION ((LANDLOCK_ACCESS_FS_MAKE_SYM << 1) - 1)
#define ACCESS_OF_FILES (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_TRUNCATE)

static const uint64_t access_of[] = {
    [ALTO_SANDBOX_READ] = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR,
    [ALTO_SANDBOX_SOCKETS] = LANDLOCK_ACCESS_FS_MAKE_SOCK | LANDLOCK_ACCESS_FS_REMOVE_FILE,
    [ALTO_SANDBOX_WRITE] = ACCESS_OF_FILES | LANDLOCK_ACCESS_FS_READ_DIR | LANDLOCK_ACCESS_FS_MAKE_REG |
                           LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_REMOVE_FILE};

/* As the kernel has it; older ones know a beginning of it. */
typedef struct {
    uint64_t access_fs, access_net, scoped;
} rules_attributes;

/* What the kernel can refuse, by the version of its interface; returns the bytes of *rules that it knows. */
static size_t all_that_is_known(int version, rules_attributes *rules)
{
    *rules = (rules_attributes){.access_fs = ACCESS_OF_FIRST_VERSION};
    if (version >= 2)
        rules->access_fs |= LANDLOCK_ACCESS_FS_REFER;
    if (version >= 3)
        rules->access_fs |= LANDLOCK_ACCESS_FS_TRUNCATE;
    if (version >= 5)
        rules->access_fs |= LANDLOCK_ACCESS_FS_IOCTL_DEV;
    if (version < 6)
        return sizeof rules->access_fs;
    rules->scoped = LANDLOCK_SCOPE_SIGNAL;
    return sizeof *rules;
}

alto_status alto_sandbox_begin(alto_sandbox *self)
{
    rules_attributes rules;
    long version = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
    if (version < 1)
        return ALTO_NOT_FOUND;
    size_t size = all_that_is_known((int)version, &rules);
    self->handled = rules.access_fs;
    self->rules = (int)syscall(SYS_landlock_create_ruleset, &rules, size, 0);
    return self->rules >= 0 ? ALTO_OK : ALTO_IO;
}

static bool add_rule(const alto_sandbox *self, int fd, uint64_t access)
{
    struct landlock_path_beneath_attr rule = {.allowed_access = access & self->handled, .parent_fd = fd};
    return syscall(SYS_landlock_add_rule, self->rules, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) == 0;
}

alto_status alto_sandbox_allow(alto_sandbox *self, const char *path, alto_sandbox_right right)
{
    struct stat what;
    int fd = open(path, O_PATH | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT || errno == ENOTDIR || errno == EACCES ? ALTO_OK : ALTO_IO;
    uint64_t access = access_of[right];
    bool good = fstat(fd, &what) == 0;
    if (good && !S_ISDIR(what.st_mode))
        access &= ACCESS_OF_FILES;
    good = good && add_rule(self, fd, access);
    close(fd);
    return good ? ALTO_OK : ALTO_IO;
}

alto_status alto_sandbox_enter(alto_sandbox *self)
{
    bool entered =
        prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && syscall(SYS_landlock_restrict_self, self->rules, 0) == 0;
    return entered ? ALTO_OK : ALTO_IO;
}

void alto_sandbox_end(alto_sandbox *self)
{
    close(self->rules);
    self->rules = -1;
}
