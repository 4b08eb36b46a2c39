/* SPDX-License-Identifier: Apache-2.0 */
#include "cmocka_all.h"

#include "io/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

/* Each attempt gives 0, or errno. They are made in a directory with: in/file, may be read; out, may be written; sockets; other/file. */

static int outcome(int result)
{
    return result < 0 ? errno : 0;
}

static int open_and_close(const char *path, int flags)
{
    int fd = open(path, flags | O_CLOEXEC, 0600), result = outcome(fd);
    if (fd >= 0)
        close(fd);
    return result;
}

static int read_input(void)
{
    return open_and_close("in/file", O_RDONLY);
}

static int change_input(void)
{
    return open_and_close("in/file", O_WRONLY);
}

static int remove_input(void)
{
    return outcome(unlink("in/file"));
}

static int make_output(void)
{
    return open_and_close("out/new", O_RDWR | O_CREAT | O_TRUNC);
}

static int rename_output(void)
{
    return outcome(rename("out/new", "out/newer"));
}

static int carry_output_away(void)
{
    return outcome(rename("out/newer", "other/newer"));
}

static int remove_output(void)
{
    return outcome(unlink("out/newer"));
}

static int make_directory_in_output(void)
{
    return outcome(mkdir("out/directory", 0700));
}

static int make_link_in_output(void)
{
    return outcome(symlink("/etc/passwd", "out/link"));
}

static int read_other(void)
{
    return open_and_close("other/file", O_RDONLY);
}

static int make_other(void)
{
    return open_and_close("other/new", O_WRONLY | O_CREAT);
}

static int bind_at(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    int result = outcome(bind(fd, (struct sockaddr *)&address, sizeof address));
    close(fd);
    return result;
}

static int bind_where_allowed(void)
{
    return bind_at("sockets/socket");
}

static int bind_in_output(void)
{
    return bind_at("out/socket");
}

static int execute(void)
{
    char *const words[] = {"true", NULL}, *const none[] = {NULL};
    return outcome(execve("/bin/true", words, none));
}

static int mount_over(void)
{
    return outcome(mount("none", "out", "tmpfs", 0, NULL));
}

static int trace_parent(void)
{
    return outcome((int)ptrace(PTRACE_ATTACH, getppid(), NULL, NULL));
}

static const struct {
    const char *name;
    int (*attempt)(void);
    int expected; /* -1: refused, whatever it is called */
} attempts[] = {
    {"read what may be read", read_input, 0},
    {"change what may be read", change_input, EACCES},
    {"remove what may be read", remove_input, EACCES},
    {"make a file where that may be", make_output, 0},
    {"rename it", rename_output, 0},
    {"carry it away", carry_output_away, -1},
    {"remove it", remove_output, 0},
    {"make a directory where files may be made", make_directory_in_output, 0},
    {"make a link there", make_link_in_output, EACCES},
    {"make a socket there", bind_in_output, EACCES},
    {"make a socket where that may be", bind_where_allowed, 0},
    {"read anything else", read_other, EACCES},
    {"make a file elsewhere", make_other, EACCES},
    {"execute a program", execute, EACCES},
    {"mount", mount_over, EPERM},
    {"look into the parent", trace_parent, EPERM},
};

static bool enter(void)
{
    alto_sandbox sandbox;
    bool good = alto_sandbox_begin(&sandbox) == ALTO_OK &&
                alto_sandbox_allow(&sandbox, "in", ALTO_SANDBOX_READ) == ALTO_OK &&
                alto_sandbox_allow(&sandbox, "in/file", ALTO_SANDBOX_READ) == ALTO_OK &&
                alto_sandbox_allow(&sandbox, "out", ALTO_SANDBOX_WRITE) == ALTO_OK &&
                alto_sandbox_allow(&sandbox, "sockets", ALTO_SANDBOX_SOCKETS) == ALTO_OK &&
                alto_sandbox_allow(&sandbox, "not/there", ALTO_SANDBOX_WRITE) == ALTO_OK &&
                alto_sandbox_enter(&sandbox) == ALTO_OK;
    alto_sandbox_end(&sandbox);
    return good;
}

/* In a child: how many attempts end as they should not. */
static int count_wrong(void)
{
    int wrong = 0;
    if (!enter())
        return (int)countof(attempts);
    for (size_t i = 0; i < countof(attempts); i++) {
        int got = attempts[i].attempt();
        if (got == attempts[i].expected || (got != 0 && attempts[i].expected < 0))
            continue;
        wrong++;
        fprintf(stderr, "%s: %s\n", attempts[i].name, strerror(got));
    }
    return wrong;
}

static void put_file(const char *path)
{
    assert_int_equal(open_and_close(path, O_WRONLY | O_CREAT), 0);
}

static void what_is_not_allowed_is_refused_and_all_else_works(void **state)
{
    (void)state;
    alto_sandbox sandbox;
    if (alto_sandbox_begin(&sandbox) == ALTO_NOT_FOUND) {
        print_message("  skipped: no Landlock in this kernel\n");
        skip();
    }
    alto_sandbox_end(&sandbox);
    char directory[] = "/tmp/altocast-sandbox-XXXXXX", command[64];
    assert_non_null(mkdtemp(directory));
    int before = open(".", O_PATH | O_CLOEXEC);
    assert_int_equal(chdir(directory), 0);
    static const char *const parts[] = {"in", "out", "sockets", "other"};
    for (size_t i = 0; i < countof(parts); i++)
        assert_int_equal(mkdir(parts[i], 0700), 0);
    put_file("in/file");
    put_file("other/file");
    fflush(NULL);
    pid_t child = fork();
    if (child == 0)
        _exit(count_wrong());
    int ended;
    assert_int_equal(waitpid(child, &ended, 0), child);
    assert_int_equal(fchdir(before), 0);
    close(before);
    snprintf(command, sizeof command, "rm -r %s", directory);
    assert_int_equal(system(command), 0);
    assert_true(WIFEXITED(ended));
    assert_int_equal(WEXITSTATUS(ended), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(what_is_not_allowed_is_refused_and_all_else_works)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
