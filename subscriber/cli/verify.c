/* SPDX-License-Identifier: Apache-2.0 */
/* alto-subscriber verify: what saved objects prove, without asking anybody. */
#include "command.h"
#include "io/options.h"

#include <stdio.h>

static const char about[] =
    "Say what saved files prove, without asking anybody: manifests, lists of root sets (roots), commits and heads, "
    "catalogs,\n"
    "snapshots and payloads, as they are served under /redistribution/v1/ORIGIN/, and ALTO JSON. What is to be proved "
    "of one may\n"
    "need others: a signature the manifest that names its key, a catalog the commit or head that names its state root, "
    "JSON or a\n"
    "snapshot the catalog or commit that names its root. Whether there is anything newer cannot be proved.\n\n"
    "Ends with 0 when all was proved, 1 when not.";

typedef struct {
    bool json;
    size_t unproved;
} report;

static void print_verdict(void *context, const altocast_verdict *verdict)
{
    report *self = context;
    self->unproved += !verdict->proved;
    if (!self->json) {
        printf("%-10s  %s: %s\n", verdict->proved ? "proved" : "NOT PROVED", verdict->file, verdict->says);
        return;
    }
    printf("{\"file\":");
    print_json_text(verdict->file);
    printf(",\"type\":\"%s\",\"proved\":%s,\"says\":", verdict->type, verdict->proved ? "true" : "false");
    print_json_text(verdict->says);
    printf("}\n");
}

int command_verify(int argc, char **argv)
{
    const char *root_key = NULL;
    report told = {.json = false};
    int operands;
    const alto_option table[] = {{"root-key", ALTO_OPTION_TEXT, &root_key, "FILE",
                                  .help = "root.pub.pem of the ALTO server's operator: whom to believe",
                                  .required = true},
                                 {"json", ALTO_OPTION_FLAG, &told.json, NULL, .help = "print JSON, one object a line"},
                                 {.name = NULL}};
    alto_options_parse(argc, argv, table, "--root-key FILE [--json] FILE...", about, &operands);
    if (operands < 1) {
        fprintf(stderr, "alto-subscriber verify: needs files; see alto-subscriber verify --help\n");
        return 2;
    }
    char error[512];
    if (!altocast_verify(root_key, (const char *const *)(argv + 1), (size_t)operands, print_verdict, &told, error,
                         sizeof error)) {
        fprintf(stderr, "alto-subscriber: %s\n", error);
        return 1;
    }
    if (!told.json)
        printf("\n%zu of %d proved. That there is nothing newer cannot be proved without asking.\n",
               (size_t)operands - told.unproved, operands);
    return fflush(stdout) == 0 && told.unproved == 0 ? 0 : 1;
}
