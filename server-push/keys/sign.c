/* SPDX-License-Identifier: Apache-2.0 */
/* alto-keys sign, combine: for root keys that lie in several places. */
#include "commands.h"
#include "io/keyring_change.h"

#include <stdio.h>

static int sign_draft(const char *draft, const char *root, const char *to)
{
    alto_manifest manifest;
    alto_error error;
    if (alto_keyring_sign(draft, root, to, &manifest, &error) != ALTO_OK)
        return complain(&error);
    print_whole_manifest(&manifest);
    printf(
        "\n%s: this manifest with your signature, for alto-keys combine. Is it not what you were asked to sign? Then "
        "remove it\n",
        to);
    return finish();
}

int run_sign(int argc, char **argv)
{
    const char *root = NULL, *to = NULL;
    int operands;
    const alto_option options[] = {
        {"root", ALTO_OPTION_TEXT, &root, "FILE", .help = "private root key", .required = true},
        {"out", ALTO_OPTION_TEXT, &to, "FILE",
         .help = "where the signed manifest goes (the draft's name and the ID of the key)"},
        {0},
    };
    alto_options_parse(argc, argv, options, "--root FILE [--out FILE] DRAFT",
                       "Sign a draft of a manifest with one root key, and show what it says.", &operands);
    if (operands != 1)
        return misused(argv[0], "needs one draft");
    alto_buffer name = alto_buffer_make(4096);
    alto_error error;
    alto_status status = to ? ALTO_OK : alto_keyring_signed_name(argv[1], root, &name, &error);
    alto_buffer_add_u8(&name, 0);
    int result = status == ALTO_OK ? sign_draft(argv[1], root, to ? to : (const char *)name.data) : complain(&error);
    alto_buffer_fini(&name);
    return result;
}

int run_combine(int argc, char **argv)
{
    alto_key_job job = {.now_ms = alto_clock_ms()};
    int operands;
    const alto_option options[] = {
        {"keys", ALTO_OPTION_TEXT, &job.directory, "DIR", .help = "key directory whose manifest it becomes",
         .required = true},
        {0},
    };
    alto_options_parse(
        argc, argv, options, "--keys DIR FILE...",
        "Put the signatures of several holders of root keys together (alto-keys sign): the new manifest, "
        "when they are enough.",
        &operands);
    if (operands < 1)
        return misused(argv[0], "needs what alto-keys sign made");
    alto_manifest manifest;
    alto_error error;
    if (alto_keyring_combine(&job, (const char *const *)(argv + 1), (size_t)operands, &manifest, &error) != ALTO_OK)
        return complain(&error);
    print_manifest(&manifest, job.now_ms);
    printf("\n%s/manifest is new, signed by enough root keys: put it, %s where that is there, and new signing*.pem "
           "into the "
           "--keys directory of alto-server-push, and send that SIGHUP\n",
           job.directory, ALTO_KEYRING_ROOTS);
    return finish();
}
