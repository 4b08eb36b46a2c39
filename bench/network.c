/* SPDX-License-Identifier: Apache-2.0 */
#include "network.h"

#include "bench.h"

#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

enum { NAME = 16 };
static const char control_file[] = "/proc/sys/net/ipv4/tcp_congestion_control";
static const char unpaced[] = "reno"; /* which every kernel has */

/* Of the namespace that this process is in. */
static void read_control(char name[NAME])
{
    FILE *file = fopen(control_file, "r");
    if (!file || !fgets(name, NAME, file))
        snprintf(name, NAME, "unknown");
    if (file)
        fclose(file);
    name[strcspn(name, "\n")] = 0;
}

static void set_control(void)
{
    FILE *file = fopen(control_file, "w");
    if (!file || fputs(unpaced, file) < 0 || fclose(file) != 0)
        bench_die("%s: %s", control_file, strerror(errno));
}

static void raise_loopback(void)
{
    struct ifreq loopback = {.ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING};
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || ioctl(fd, SIOCSIFFLAGS, &loopback) != 0)
        bench_die("cannot raise a loopback: %s", strerror(errno));
    close(fd);
}

void bench_network_apart(char *words, size_t room)
{
    char control[NAME];
    read_control(control);
    if (unshare(CLONE_NEWNET) != 0) {
        snprintf(words, room, "this machine's loopback, TCP with %s (only root may have one apart)", control);
        return;
    }
    raise_loopback();
    set_control();
    snprintf(words, room, "a loopback apart, TCP with %s (this machine's: %s)", unpaced, control);
}
