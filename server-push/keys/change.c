/* SPDX-License-Identifier: Apache-2.0 */
/* alto-keys renew, rotate, revoke, roots: what makes the next manifest. */
#include "commands.h"
#include "io/keyring_change.h"

#include <stdio.h>

#define KEYS_OPTION(target)                                                                                            \
    {                                                                                                                  \
        "keys", ALTO_OPTION_TEXT, target, "DIR",                                                                       \
            .required = true,                                                                                          \
            .help = "key directory: root.pub.pem, manifest, and root.pem where one root key is enough to sign"         \
    }
#define DAYS_OPTION(target)                                                                                            \
    {                                                                                                                  \
        "days", ALTO_OPTION_NUMBER, target, "N", .help = "how long the online key is good from now (90)", .min = 1,    \
                                                 .max = MAX_DAYS                                                       \
    }
#define DRAFT_OPTION(target)                                                                                           \
    {                                                                                                                  \
        "draft", ALTO_OPTION_FLAG, target, NULL,                                                                       \
            .help = "do not sign: write a draft, for alto-keys sign where the root key is"                             \
    }

/* Has the directory a list of root sets, which has to go where the manifest goes? */
static bool has_roots(const char *directory)
{
    alto_buffer list = alto_buffer_make(ALTO_MAX_ROOT_LIST);
    alto_error error;
    bool is_there = alto_keyring_read(directory, ALTO_KEYRING_ROOTS, &list, &error) == ALTO_OK;
    alto_buffer_fini(&list);
    return is_there;
}

/* What came of it, and what is next. more: files that server-push needs besides the manifest; "" for none. */
static int tell(const alto_key_job *job, const alto_key_outcome *outcome, const char *more)
{
    alto_draft_name draft = alto_keyring_draft_name(&outcome->manifest);
    const char *roots = !has_roots(job->directory) ? "" : more[0] ? ", roots" : " and roots";
    print_manifest(&outcome->manifest, job->now_ms);
    if (outcome->is_draft)
        printf("\n%s/%s has to be signed by root keys, each where it is:\n"
               "    alto-keys sign --root ROOT.pem %s\n"
               "and then: alto-keys combine --keys %s %s.*\n",
               job->directory, draft.text, draft.text, job->directory, draft.text);
    else
        printf(
            "\n%s/manifest is new: put it%s%s%s into the --keys directory of alto-server-push, and send that SIGHUP\n",
            job->directory, roots, more[0] ? " and " : "", more);
    return finish();
}

int run_renew(int argc, char **argv)
{
    alto_key_job job = {.now_ms = alto_clock_ms()};
    uint64_t days = DEFAULT_DAYS;
    bool raise_epoch = false;
    const alto_option options[] = {
        KEYS_OPTION(&job.directory),
        DAYS_OPTION(&days),
        DRAFT_OPTION(&job.draft),
        {"raise-epoch", ALTO_OPTION_FLAG, &raise_epoch, NULL,
         .help =
             "begin an epoch above all that was ever signed, after an online key was stolen or signed far ahead; it "
             "names the keys in signing*.pem, of which the stolen ones must be removed before, or a new one"},
        {0},
    };
    if (!parse_alone(argc, argv, options, "--keys DIR [--days N] [--draft] [--raise-epoch]",
                     "Sign a new version of the manifest, in which the newest online key is good for longer."))
        return EXIT_USAGE;
    alto_key_outcome outcome;
    alto_error error;
    alto_status status = raise_epoch ? alto_keyring_raise_epoch(&job, days, &outcome, &error)
                                     : alto_keyring_renew(&job, days, &outcome, &error);
    return status == ALTO_OK ? tell(&job, &outcome, raise_epoch ? "signing*.pem" : "") : complain(&error);
}

int run_rotate(int argc, char **argv)
{
    alto_key_job job = {.now_ms = alto_clock_ms()};
    alto_key_rotation rotation = {.days = DEFAULT_DAYS, .lead_s = 86400, .overlap_s = 86400};
    const char *public_file = NULL;
    const alto_option options[] = {
        KEYS_OPTION(&job.directory),
        DAYS_OPTION(&rotation.days),
        {"lead", ALTO_OPTION_NUMBER, &rotation.lead_s, "S",
         .help = "seconds until it signs, in which everybody hears of it (86400)", .max = 31536000},
        {"overlap", ALTO_OPTION_NUMBER, &rotation.overlap_s, "S",
         .help = "seconds after that in which the keys before it are still good (86400)", .max = 31536000},
        {"public", ALTO_OPTION_TEXT, &public_file, "FILE",
         .help = "public half of a key that was made on the server (alto-keys new-key); without it one is made here"},
        DRAFT_OPTION(&job.draft),
        {0},
    };
    if (!parse_alone(argc, argv, options, "--keys DIR [--lead S] [--overlap S] [--days N] [--public FILE] [--draft]",
                     "Announce a new online key in the manifest, which signs after a while; the ones before it are "
                     "retired then."))
        return EXIT_USAGE;
    alto_public_key keys[ALTO_MAX_KEYS];
    alto_key_outcome outcome;
    alto_error error;
    size_t found = 0;
    if (public_file && read_public_keys(&public_file, 1, keys, &found, &error) != ALTO_OK)
        return complain(&error);
    rotation.key = found ? &keys[0] : NULL;
    alto_status status = alto_keyring_rotate(&job, &rotation, &outcome, &error);
    return status == ALTO_OK ? tell(&job, &outcome, rotation.made) : complain(&error);
}

int run_revoke(int argc, char **argv)
{
    alto_key_job job = {.now_ms = alto_clock_ms()};
    int operands;
    const alto_option options[] = {KEYS_OPTION(&job.directory), DRAFT_OPTION(&job.draft), {0}};
    alto_options_parse(argc, argv, options, "--keys DIR [--draft] KEY-ID",
                       "Take an online key out of the manifest: whoever has the new manifest refuses all that the key "
                       "signs from then on.",
                       &operands);
    alto_key_id id;
    if (operands != 1 || !alto_unhex(id.bytes, sizeof id.bytes, alto_slice_text(argv[1])))
        return misused(argv[0], "needs the ID of one online key, 16 hex digits as alto-keys show prints them");
    alto_key_outcome outcome;
    alto_error error;
    alto_status status = alto_keyring_revoke(&job, &id, &outcome, &error);
    return status == ALTO_OK ? tell(&job, &outcome, "") : complain(&error);
}

int run_roots(int argc, char **argv)
{
    alto_key_job job = {.now_ms = alto_clock_ms()};
    uint64_t threshold = 1;
    alto_list roots = {0};
    const alto_option options[] = {
        KEYS_OPTION(&job.directory),
        {"root", ALTO_OPTION_LIST, &roots, "FILE", .help = "public half of a root key of the new set; may be repeated",
         .required = true},
        {"threshold", ALTO_OPTION_NUMBER, &threshold, "K", .help = "how many of the new set have to sign (1)", .min = 1,
         .max = ALTO_MAX_KEYS},
        {0},
    };
    if (!parse_alone(argc, argv, options, "--keys DIR --root FILE... [--threshold K]",
                     "Draft a manifest with other root keys, which as many of the old and of the new ones have to sign "
                     "as each set asks for. The origin and root.pub.pem stay what they are."))
        return EXIT_USAGE;
    alto_public_key keys[ALTO_MAX_KEYS];
    alto_key_outcome outcome;
    alto_error error;
    size_t count;
    if (read_public_keys(roots.items, roots.count, keys, &count, &error) != ALTO_OK ||
        alto_keyring_change_roots(&job, (unsigned)threshold, keys, count, &outcome, &error) != ALTO_OK)
        return complain(&error);
    return tell(&job, &outcome, "");
}
