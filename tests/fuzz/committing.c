/* SPDX-License-Identifier: Apache-2.0 */
#include "committing.h"

#include "fuzz.h"

#define FOR_EVER (UINT64_C(1) << 50)

static alto_signing_key *key; /* made once, as the manifest */
static alto_manifest manifest;

static void prepare(void)
{
    if (key)
        return;
    key = alto_signing_key_from_seed((const uint8_t[ALTO_KEY_SIZE]){9});
    fuzz_check(key);
    alto_public_key public = alto_signing_key_public(key);
    manifest = (alto_manifest){.origin = alto_origin_of(1, &public, 1),
                               .epoch = 1,
                               .version = 1,
                               .not_after_ms = FOR_EVER,
                               .threshold = 1,
                               .root_count = 1,
                               .roots = {public},
                               .online_count = 1,
                               .online = {{.key = public, .not_after_ms = FOR_EVER}},
                               .max_pushed_payload = 4096};
}

static void on_applied(void *context, const alto_applied *applied)
{
    (void)context, (void)applied;
}

alto_committer *fuzz_committer(void)
{
    prepare();
    const alto_signing_key *const keys[] = {key};
    alto_committer_options options = {.manifest = &manifest,
                                      .keys = keys,
                                      .key_count = 1,
                                      .chain = 1,
                                      .valid_for_s = 60,
                                      .interval_ms = 1000,
                                      .applied = on_applied};
    alto_committer *made = NULL;
    fuzz_check(alto_committer_new(&options, &made) == ALTO_OK);
    return made;
}
