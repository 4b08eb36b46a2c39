/* SPDX-License-Identifier: Apache-2.0 */
#include "command.h"

#include <stdio.h>

/* One or two addresses, and what was found for them. */
typedef struct {
    const command_options *options;
    altocast_address from, to;
    unsigned found;
} looking;

static void print_json(const looking *self, const altocast_resource_info *info, const char *pid, double cost)
{
    printf("{\"resource\":");
    print_json_text(info->id);
    printf(pid ? ",\"address\":" : ",\"source\":");
    print_json_text(self->options->operand);
    if (pid) {
        printf(",\"pid\":");
        print_json_text(pid);
    } else {
        printf(",\"destination\":");
        print_json_text(self->options->second_operand);
        printf(",\"cost\":%.17g", cost);
    }
    printf("}\n");
}

/* What one resource says: the PID, or the cost where there is a second address. */
static void look(looking *self, const altocast_view *view, const altocast_resource_info *info)
{
    const char *pid = NULL;
    double cost = 0;
    altocast_result result = self->options->second_operand
                                 ? altocast_address_cost(view, info->id, &self->from, &self->to, &cost)
                                 : altocast_pid(view, info->id, &self->from, &pid);
    if (result != ALTOCAST_OK)
        return;
    self->found++;
    if (self->options->json)
        print_json(self, info, pid, cost);
    else if (pid)
        printf("%-24s %s\n", info->id, pid);
    else
        printf("%-24s %.10g\n", info->id, cost);
}

static int look_everywhere(looking *self, altocast *maps)
{
    altocast_view *view = altocast_acquire(maps);
    for (size_t i = 0; i < altocast_resource_count(view); i++) {
        altocast_resource_info info;
        altocast_describe(altocast_resource_at(view, i), &info);
        look(self, view, &info);
    }
    altocast_release(view);
    if (self->found > 0)
        return fflush(stdout) == 0 ? 0 : 1;
    if (self->options->second_operand)
        fprintf(stderr, "alto-subscriber: no cost map has a cost from %s to %s\n", self->options->operand,
                self->options->second_operand);
    else
        fprintf(stderr, "alto-subscriber: %s is in no PID of any network map\n", self->options->operand);
    return 1;
}

static bool read_address(const char *text, altocast_address *address)
{
    if (altocast_parse_address(text, address) == ALTOCAST_OK)
        return true;
    fprintf(stderr, "alto-subscriber: %s: not an IPv4 or IPv6 address\n", text);
    return false;
}

int command_lookup(const command_options *options)
{
    session self;
    looking what = {.options = options};
    if (!read_address(options->operand, &what.from) ||
        (options->second_operand && !read_address(options->second_operand, &what.to)))
        return 1;
    if (!session_open(&self, options, NULL, NULL, NULL))
        return 1;
    int code = session_wait(&self, options);
    if (code == 0)
        code = look_everywhere(&what, self.maps);
    return session_close(&self, options, code);
}
