/* SPDX-License-Identifier: Apache-2.0 */
#include "cmocka_all.h"
#include "core/crypto.h"
#include "files.h"
#include "random.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static int set_up(void **state)
{
    (void)state;
    return alto_crypto_init() == ALTO_OK ? 0 : -1;
}

static void write_file(const char *path, alto_slice content)
{
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(content.data, 1, content.size, file), content.size);
    assert_int_equal(fclose(file), 0);
}

static void assert_hex(const void *data, size_t size, const char *expected)
{
    char hex[2 * 64 + 1];
    assert_true(size <= 64);
    alto_hex(hex, data, size);
    assert_string_equal(hex, expected);
}

/* ---- digests ---- */

static void a_digest_is_blake2b_over_domain_nul_and_bytes(void **state)
{
    (void)state;
    /* hashlib.blake2b(b"domain\0" + message, digest_size=32) */
    alto_hash hash = alto_hash_of("domain", alto_slice_text("message"));
    assert_hex(hash.bytes, sizeof hash.bytes, "9e52bde0ac1d7574a6ee56e7580f51c96c29671c6c24aeae6bd7c0c85d3c080e");
    hash = alto_hash_of("domain", alto_slice_of(NULL, 0));
    assert_hex(hash.bytes, sizeof hash.bytes, "3ebefaf189fe1ef91c006ba3b2b75f57040ca56226983224172307641fbe219f");
}

static void a_streamed_digest_equals_that_of_the_whole(void **state)
{
    (void)state;
    uint8_t bytes[1000];
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)(i * 7);
    alto_hash whole = alto_hash_of("d", alto_slice_of(bytes, sizeof bytes));
    for (size_t step = 1; step < 300; step += 37) {
        alto_hasher hasher;
        alto_hasher_init(&hasher, "d");
        for (size_t at = 0; at < sizeof bytes; at += step)
            alto_hasher_add(&hasher, bytes + at, at + step < sizeof bytes ? step : sizeof bytes - at);
        alto_hash streamed = alto_hasher_end(&hasher);
        assert_true(alto_hash_equal(&whole, &streamed));
    }
}

static void integers_are_hashed_big_endian(void **state)
{
    (void)state;
    static const uint8_t bytes[] = {1, 2, 3, 4, 0, 0, 0, 0, 0, 0, 0xab, 0xcd};
    alto_hasher hasher;
    alto_hasher_init(&hasher, "d");
    alto_hasher_add_u32(&hasher, 0x01020304);
    alto_hasher_add_u64(&hasher, 0xabcd);
    alto_hash got = alto_hasher_end(&hasher);
    alto_hash expected = alto_hash_of("d", alto_slice_of(bytes, sizeof bytes));
    assert_true(alto_hash_equal(&got, &expected));
}

static void a_domain_does_not_run_into_what_follows(void **state)
{
    (void)state;
    alto_hash a = alto_hash_of("ab", alto_slice_text("c"));
    alto_hash b = alto_hash_of("a", alto_slice_text("bc"));
    assert_false(alto_hash_equal(&a, &b));
}

static void the_short_hash_is_siphash_with_the_fixed_key(void **state)
{
    (void)state;
    /* An independent SipHash-2-4 with the key "altocast-tree-v1". */
    static const struct {
        const char *text;
        uint64_t hash;
    } cases[] = {{"", UINT64_C(0x55b5599f35c40104)},
                 {"PID1", UINT64_C(0x4ac2af1b3f71e0d4)},
                 {"a longer text than one block", UINT64_C(0x7cace900875b56c6)}};
    for (size_t i = 0; i < countof(cases); i++)
        assert_int_equal(alto_short_hash(alto_slice_text(cases[i].text)), cases[i].hash);
    assert_int_equal(alto_short_hash(alto_slice_of(NULL, 0)), cases[0].hash);
}

static void fingerprints_tell_texts_apart_and_stay_after_another_init(void **state)
{
    (void)state;
    alto_fingerprint a = alto_fingerprint_of(alto_slice_text("a"));
    alto_fingerprint b = alto_fingerprint_of(alto_slice_text("b"));
    assert_true(a.low != b.low || a.high != b.high);
    assert_int_equal(alto_crypto_init(), ALTO_OK);
    alto_fingerprint again = alto_fingerprint_of(alto_slice_text("a"));
    assert_true(a.low == again.low && a.high == again.high);
}

/* Of every size around those of blocks and of groups of them. */
static void fingerprints_depend_on_every_byte_and_on_the_size(void **state)
{
    (void)state;
    enum { MOST = 65536 + 2048 + 3, PROBES = 97 };
    static uint8_t bytes[MOST];
    static const size_t sizes[] = {1, 1023, 1024, 1025, 2048, 65535, 65536, 65537, MOST};
    alto_fingerprint shorter = alto_fingerprint_of(alto_slice_of(NULL, 0));
    for (size_t i = 0; i < countof(sizes); i++) {
        alto_slice text = alto_slice_of(bytes, sizes[i]);
        alto_fingerprint whole = alto_fingerprint_of(text);
        assert_true(whole.low != shorter.low && whole.high != shorter.high);
        for (size_t k = 0; k < PROBES; k++) {
            size_t at = k * (sizes[i] - 1) / (PROBES - 1);
            bytes[at] ^= 1;
            alto_fingerprint other = alto_fingerprint_of(text);
            bytes[at] ^= 1;
            assert_true(whole.low != other.low && whole.high != other.high);
        }
        shorter = whole;
    }
}

/* ---- keys and signatures ---- */

/* The value of the next `"name": "..."` at or after *at; *at moves past it. false when there is none. */
static bool next_value(const char **at, const char *name, alto_slice *value)
{
    char mark[32];
    snprintf(mark, sizeof mark, "\"%s\": \"", name);
    const char *found = strstr(*at, mark);
    if (!found)
        return false;
    found += strlen(mark);
    const char *end = strchr(found, '"');
    *value = alto_slice_of(found, (size_t)(end - found));
    *at = end;
    return true;
}

static void check_vector(alto_slice secret, alto_slice public_half, alto_slice message, alto_slice signature)
{
    uint8_t seed[ALTO_KEY_SIZE], text[2048];
    alto_public_key key;
    alto_signature expected;
    assert_true(alto_unhex(seed, sizeof seed, secret));
    assert_true(alto_unhex(key.bytes, sizeof key.bytes, public_half));
    assert_true(alto_unhex(expected.bytes, sizeof expected.bytes, signature));
    assert_true(message.size / 2 <= sizeof text);
    assert_true(alto_unhex(text, message.size / 2, message));
    alto_slice bytes = alto_slice_of(text, message.size / 2);

    alto_signing_key *signer = alto_signing_key_from_seed(seed);
    assert_non_null(signer);
    alto_public_key own = alto_signing_key_public(signer);
    assert_memory_equal(own.bytes, key.bytes, sizeof key.bytes);
    alto_signature made = alto_sign(signer, bytes);
    assert_memory_equal(made.bytes, expected.bytes, sizeof expected.bytes);
    assert_true(alto_verify(&key, bytes, &expected));
    expected.bytes[0] ^= 1;
    assert_false(alto_verify(&key, bytes, &expected));
    alto_signing_key_destroy(&signer);
    assert_null(signer);
    alto_signing_key_destroy(&signer);
}

static void the_vectors_of_rfc_8032_come_out(void **state)
{
    (void)state;
    alto_buffer vectors = test_example("rfc8032-7.1-ed25519-vectors.json");
    if (vectors.size == 0)
        skip();
    alto_buffer_add_u8(&vectors, 0);
    const char *at = (const char *)vectors.data;
    alto_slice secret, public_half, message, signature;
    size_t count = 0;
    for (; next_value(&at, "secret", &secret); count++) {
        assert_true(next_value(&at, "public", &public_half));
        assert_true(next_value(&at, "message", &message));
        assert_true(next_value(&at, "signature", &signature));
        check_vector(secret, public_half, message, signature);
    }
    assert_true(count >= 4);
    alto_buffer_fini(&vectors);
}

static void a_signature_fits_one_message_and_one_key(void **state)
{
    (void)state;
    alto_signing_key *one = test_key(1), *two = test_key(2);
    alto_public_key first = alto_signing_key_public(one), second = alto_signing_key_public(two);
    alto_signature signature = alto_sign(one, alto_slice_text("hello"));
    assert_true(alto_verify(&first, alto_slice_text("hello"), &signature));
    assert_false(alto_verify(&first, alto_slice_text("hallo"), &signature));
    assert_false(alto_verify(&second, alto_slice_text("hello"), &signature));
    alto_signing_key_destroy(&one);
    alto_signing_key_destroy(&two);
}

static void new_keys_differ_and_key_ids_are_the_digest_of_the_key(void **state)
{
    (void)state;
    alto_signing_key *one = alto_signing_key_new(), *two = alto_signing_key_new();
    assert_true(one && two);
    alto_public_key first = alto_signing_key_public(one), second = alto_signing_key_public(two);
    assert_memory_not_equal(first.bytes, second.bytes, sizeof first.bytes);
    alto_hash hash = alto_hash_of("altocast-key-1", alto_slice_of(first.bytes, sizeof first.bytes));
    alto_key_id id = alto_key_id_of(&first);
    assert_memory_equal(id.bytes, hash.bytes, sizeof id.bytes);
    alto_signing_key_destroy(&one);
    alto_signing_key_destroy(&two);
}

static void keys_survive_pem(void **state)
{
    (void)state;
    alto_signing_key *key = test_key(7), *again = NULL;
    alto_buffer pem = alto_buffer_make(4096);
    alto_signing_key_pem(key, &pem);
    assert_int_equal(alto_signing_key_from_pem(alto_buffer_slice(&pem), &again), ALTO_OK);
    alto_public_key ours = alto_signing_key_public(key), theirs = alto_signing_key_public(again), read;
    assert_memory_equal(ours.bytes, theirs.bytes, sizeof ours.bytes);
    alto_wipe(pem.data, pem.size);
    alto_buffer_clear(&pem);

    size_t count = 0;
    alto_public_key_pem(&ours, &pem);
    assert_int_equal(alto_public_keys_from_pem(alto_buffer_slice(&pem), &read, 1, &count), ALTO_OK);
    assert_int_equal(count, 1);
    assert_memory_equal(ours.bytes, read.bytes, sizeof ours.bytes);
    alto_buffer_fini(&pem);
    alto_signing_key_destroy(&key);
    alto_signing_key_destroy(&again);
}

#define PRIVATE_BEGIN "-----BEGIN PRIVATE KEY-----"
#define PRIVATE_END "-----END PRIVATE KEY-----"
/* The example of RFC 8410 10.3, and parts of it. */
#define PRIVATE_BASE64 "MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC"

static void private_pem_is_read_leniently_outside_and_strictly_inside(void **state)
{
    (void)state;
    static const struct {
        const char *label, *text;
        alto_status status;
    } cases[] = {
        {"as openssl writes it", PRIVATE_BEGIN "\n" PRIVATE_BASE64 "\n" PRIVATE_END "\n", ALTO_OK},
        {"CRLF", PRIVATE_BEGIN "\r\n" PRIVATE_BASE64 "\r\n" PRIVATE_END "\r\n", ALTO_OK},
        {"no newline at the end", PRIVATE_BEGIN "\n" PRIVATE_BASE64 "\n" PRIVATE_END, ALTO_OK},
        {"text around", "my key\n\n" PRIVATE_BEGIN "\n" PRIVATE_BASE64 "\n" PRIVATE_END "\nmore", ALTO_OK},
        {"wrapped", PRIVATE_BEGIN "\nMC4CAQAwBQYDK2VwBCIEINTuctv5E1hK\n1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n" PRIVATE_END,
         ALTO_OK},
        {"empty", "", ALTO_MALFORMED},
        {"not at the beginning of a line", " " PRIVATE_BEGIN "\n" PRIVATE_BASE64 "\n" PRIVATE_END "\n", ALTO_MALFORMED},
        {"no end", PRIVATE_BEGIN "\n" PRIVATE_BASE64 "\n", ALTO_MALFORMED},
        {"nothing after the beginning", PRIVATE_BEGIN, ALTO_MALFORMED},
        {"too short", PRIVATE_BEGIN "\nMC4CAQAwBQYDK2VwBCIEINTuctv5E1hK\n" PRIVATE_END "\n", ALTO_MALFORMED},
        {"too long", PRIVATE_BEGIN "\n" PRIVATE_BASE64 "AAAA\n" PRIVATE_END "\n", ALTO_MALFORMED},
        {"not base64", PRIVATE_BEGIN "\n*C4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n" PRIVATE_END,
         ALTO_MALFORMED},
        {"X25519", PRIVATE_BEGIN "\nMC4CAQAwBQYDK2VuBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n" PRIVATE_END,
         ALTO_MALFORMED},
        {"encrypted",
         "-----BEGIN ENCRYPTED PRIVATE KEY-----\n" PRIVATE_BASE64 "\n-----END ENCRYPTED PRIVATE KEY-----\n",
         ALTO_MALFORMED},
        {"a public key",
         "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n"
         "-----END PUBLIC KEY-----\n",
         ALTO_MALFORMED},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        print_message("  case: %s\n", cases[i].label);
        alto_signing_key *key = NULL;
        assert_int_equal(alto_signing_key_from_pem(alto_slice_text(cases[i].text), &key), cases[i].status);
        assert_true((key != NULL) == (cases[i].status == ALTO_OK));
        if (!key)
            continue;
        alto_public_key public_half = alto_signing_key_public(key);
        assert_hex(public_half.bytes, sizeof public_half.bytes,
                   "19bf44096984cdfe8541bac167dc3b96c85086aa30b6b6cb0c5c38ad703166e1");
        alto_signing_key_destroy(&key);
    }
}

static void all_public_keys_of_a_text_are_read_up_to_the_maximum(void **state)
{
    (void)state;
    alto_buffer pem = alto_buffer_make(4096);
    alto_public_key keys[3], read[3];
    alto_buffer_add_text(&pem, "altocast-threshold: 2\r\n");
    for (uint8_t i = 0; i < 3; i++) {
        alto_signing_key *key = test_key((uint8_t)(i + 1));
        keys[i] = alto_signing_key_public(key);
        alto_public_key_pem(&keys[i], &pem);
        alto_buffer_add_text(&pem, "a remark between\n");
        alto_signing_key_destroy(&key);
    }
    size_t count = 0;
    assert_int_equal(alto_public_keys_from_pem(alto_buffer_slice(&pem), read, 3, &count), ALTO_OK);
    assert_int_equal(count, 3);
    assert_memory_equal(keys, read, sizeof keys);
    assert_int_equal(alto_public_keys_from_pem(alto_buffer_slice(&pem), read, 2, &count), ALTO_TOO_LARGE);
    /* One damaged block spoils the whole: a key that is silently missing could lower a threshold. */
    alto_buffer_add_text(&pem, "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n");
    alto_public_key four[4];
    assert_int_equal(alto_public_keys_from_pem(alto_buffer_slice(&pem), four, 4, &count), ALTO_MALFORMED);
    assert_int_equal(alto_public_keys_from_pem(alto_slice_text("nothing here"), read, 3, &count), ALTO_MALFORMED);
    assert_int_equal(alto_public_keys_from_pem(alto_slice_of(NULL, 0), read, 3, &count), ALTO_MALFORMED);
    alto_buffer_fini(&pem);
}

static void damaged_pem_never_does_harm(void **state)
{
    (void)state;
    alto_signing_key *key = test_key(9);
    alto_buffer good = alto_buffer_make(4096);
    alto_public_key public_half = alto_signing_key_public(key), read[2];
    alto_public_key_pem(&public_half, &good);
    alto_signing_key_pem(key, &good);
    alto_signing_key_destroy(&key);
    test_random random = test_random_make(12345);
    for (unsigned round = 0; round < 5000; round++) {
        /* A heap copy of the exact size, so that a read past it is seen. */
        size_t size = round % 3 ? good.size : test_random_below(&random, good.size) + 1;
        uint8_t *text = malloc(size);
        assert_non_null(text);
        memcpy(text, good.data, size);
        for (unsigned i = 0; i < 2; i++)
            text[test_random_below(&random, size)] = (uint8_t)test_random_next(&random);
        size_t count;
        alto_public_keys_from_pem(alto_slice_of(text, size), read, 2, &count);
        alto_signing_key *again = NULL;
        alto_signing_key_from_pem(alto_slice_of(text, size), &again);
        alto_signing_key_destroy(&again);
        free(text);
    }
    alto_buffer_fini(&good);
}

/* ---- openssl agrees ---- */

/* In a directory of its own; the names are ours and need no quoting. */
static bool run_in(const char *directory, const char *command)
{
    char line[1024];
    snprintf(line, sizeof line, "cd %s && %s", directory, command);
    return system(line) == 0;
}

static char *path_in(const char *directory, const char *name)
{
    static char path[1024];
    snprintf(path, sizeof path, "%s/%s", directory, name);
    return path;
}

static void check_key_of_openssl(const char *directory)
{
    assert_true(run_in(directory, "openssl genpkey -algorithm ed25519 -out key.pem && "
                                  "openssl pkey -in key.pem -pubout -out pub.pem && printf 'signed there' > message && "
                                  "openssl pkeyutl -sign -rawin -inkey key.pem -in message -out signature"));
    alto_buffer pem = test_file(path_in(directory, "key.pem"));
    alto_buffer public_pem = test_file(path_in(directory, "pub.pem"));
    alto_buffer signature = test_file(path_in(directory, "signature"));
    alto_signing_key *key = NULL;
    alto_public_key read;
    size_t count;
    assert_int_equal(alto_signing_key_from_pem(alto_buffer_slice(&pem), &key), ALTO_OK);
    assert_int_equal(alto_public_keys_from_pem(alto_buffer_slice(&public_pem), &read, 1, &count), ALTO_OK);
    alto_public_key own = alto_signing_key_public(key);
    assert_memory_equal(own.bytes, read.bytes, sizeof own.bytes);
    assert_int_equal(signature.size, ALTO_SIGNATURE_SIZE);
    alto_signature theirs;
    memcpy(theirs.bytes, signature.data, sizeof theirs.bytes);
    assert_true(alto_verify(&read, alto_slice_text("signed there"), &theirs));
    alto_signing_key_destroy(&key);
    alto_buffer_fini(&pem);
    alto_buffer_fini(&public_pem);
    alto_buffer_fini(&signature);
}

static void check_key_of_ours(const char *directory)
{
    alto_signing_key *key = test_key(42);
    alto_public_key public_half = alto_signing_key_public(key);
    alto_slice message = alto_slice_text("signed here");
    alto_signature signature = alto_sign(key, message);
    alto_buffer pem = alto_buffer_make(4096);
    /* Lines before the block, as in a root.pub.pem. */
    alto_buffer_add_text(&pem, "altocast-origin: 00\naltocast-threshold: 1\n");
    alto_public_key_pem(&public_half, &pem);
    write_file(path_in(directory, "pub.pem"), alto_buffer_slice(&pem));
    alto_buffer_clear(&pem);
    alto_signing_key_pem(key, &pem);
    write_file(path_in(directory, "key.pem"), alto_buffer_slice(&pem));
    write_file(path_in(directory, "message"), message);
    write_file(path_in(directory, "signature"), alto_slice_of(signature.bytes, sizeof signature.bytes));
    assert_true(run_in(directory, "openssl pkeyutl -verify -rawin -pubin -inkey pub.pem -sigfile signature -in message"
                                  " > verdict"));
    /* What openssl writes of our private key is what it makes of its own. */
    assert_true(run_in(directory, "openssl pkey -in key.pem -out again.pem && cmp key.pem again.pem"));
    assert_true(run_in(directory,
                       "openssl pkey -in key.pem -pubout -out derived.pem && tail -n 3 pub.pem | cmp - derived.pem"));
    alto_signing_key_destroy(&key);
    alto_buffer_fini(&pem);
}

static void openssl_reads_our_keys_and_we_read_its(void **state)
{
    (void)state;
    if (system("openssl version > /dev/null 2>&1") != 0) {
        print_message("skipped: there is no openssl command\n");
        skip();
    }
    const char *base = getenv("TMPDIR");
    char directory[512];
    snprintf(directory, sizeof directory, "%s/test_crypto.XXXXXX", base ? base : P_tmpdir);
    assert_non_null(mkdtemp(directory));
    check_key_of_openssl(directory);
    check_key_of_ours(directory);
    assert_true(run_in(directory, "rm -f *.pem message signature verdict"));
    assert_int_equal(rmdir(directory), 0);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_digest_is_blake2b_over_domain_nul_and_bytes),
        cmocka_unit_test(a_streamed_digest_equals_that_of_the_whole),
        cmocka_unit_test(integers_are_hashed_big_endian),
        cmocka_unit_test(a_domain_does_not_run_into_what_follows),
        cmocka_unit_test(the_short_hash_is_siphash_with_the_fixed_key),
        cmocka_unit_test(fingerprints_tell_texts_apart_and_stay_after_another_init),
        cmocka_unit_test(fingerprints_depend_on_every_byte_and_on_the_size),
        cmocka_unit_test(the_vectors_of_rfc_8032_come_out),
        cmocka_unit_test(a_signature_fits_one_message_and_one_key),
        cmocka_unit_test(new_keys_differ_and_key_ids_are_the_digest_of_the_key),
        cmocka_unit_test(keys_survive_pem),
        cmocka_unit_test(private_pem_is_read_leniently_outside_and_strictly_inside),
        cmocka_unit_test(all_public_keys_of_a_text_are_read_up_to_the_maximum),
        cmocka_unit_test(damaged_pem_never_does_harm),
        cmocka_unit_test(openssl_reads_our_keys_and_we_read_its),
    };
    return cmocka_run_group_tests(tests, set_up, NULL);
}
