/* SPDX-License-Identifier: Apache-2.0 */
#include "io/user.h"

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { NAME_SIZE = 256 };

static alto_status fail_of_system(alto_error *error, const char *where)
{
    return alto_fail(error, ALTO_IO, where, "%s", strerror(errno));
}

static alto_status find_group(const char *name, alto_user *out, alto_error *error)
{
    const struct group *group = getgrnam(name);
    if (!group)
        return alto_fail(error, ALTO_CONFIG, name, "there is no such group");
    out->gid = group->gr_gid;
    return ALTO_OK;
}

/* `name`: up to the colon of `text`. */
static alto_status find(const char *text, char name[NAME_SIZE], alto_user *out, alto_error *error)
{
    size_t size = strcspn(text, ":");
    snprintf(name, NAME_SIZE, "%.*s", (int)(size < NAME_SIZE ? size : NAME_SIZE - 1), text);
    const struct passwd *user = getpwnam(name);
    if (!user)
        return alto_fail(error, ALTO_CONFIG, name, "there is no such user");
    *out = (alto_user){.uid = user->pw_uid, .gid = user->pw_gid};
    alto_status status = text[size] ? find_group(text + size + 1, out, error) : ALTO_OK;
    if (status == ALTO_OK && (out->uid == 0 || out->gid == 0))
        return alto_fail(error, ALTO_CONFIG, text, "has the rights of root; name a user and group without");
    return status;
}

alto_status alto_user_take(const char *text, alto_user *out, alto_error *error)
{
    char name[NAME_SIZE];
    alto_status status = find(text, name, out, error);
    if (status != ALTO_OK || (getuid() == out->uid && getgid() == out->gid))
        return status;
    if (geteuid() != 0)
        return alto_fail(error, ALTO_CONFIG, text, "only root can become another user");
    out->changes = true;
    out->dumpable = prctl(PR_GET_DUMPABLE);
    return initgroups(name, out->gid) == 0 ? ALTO_OK : fail_of_system(error, text);
}

alto_status alto_user_lend(const alto_user *self, alto_error *error)
{
    if (!self->changes || (setegid(self->gid) == 0 && seteuid(self->uid) == 0))
        return ALTO_OK;
    return fail_of_system(error, "--user");
}

alto_status alto_user_return(const alto_user *self, alto_error *error)
{
    if (!self->changes || (seteuid(0) == 0 && setegid(0) == 0))
        return ALTO_OK;
    return fail_of_system(error, "--user");
}

static bool has_capabilities(void)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct sets[_LINUX_CAPABILITY_U32S_3];
    if (syscall(SYS_capget, &header, sets) != 0)
        return true;
    for (size_t i = 0; i < _LINUX_CAPABILITY_U32S_3; i++)
        if (sets[i].effective || sets[i].permitted)
            return true;
    return false;
}

alto_status alto_user_become(const alto_user *self, alto_error *error)
{
    if (!self->changes)
        return ALTO_OK;
    if (setresgid(self->gid, self->gid, self->gid) != 0 || setresuid(self->uid, self->uid, self->uid) != 0)
        return fail_of_system(error, "--user");
    if (has_capabilities() || setuid(0) == 0 || setgid(0) == 0)
        return alto_fail(error, ALTO_IO, "--user", "root's rights cannot be given up");
    return prctl(PR_SET_DUMPABLE, self->dumpable == 1) == 0 ? ALTO_OK : fail_of_system(error, "--user");
}
