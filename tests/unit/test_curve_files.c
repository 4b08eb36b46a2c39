/* SPDX-License-Identifier: Apache-2.0 */
#include "io/curve_files.h"

#include "cmocka_all.h"
#include "io/push_gate.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static char base[256];

static int setup(void **state)
{
    (void)state;
    snprintf(base, sizeof base, "%s/test_curve_files.XXXXXX", getenv("TMPDIR") ? getenv("TMPDIR") : P_tmpdir);
    return alto_crypto_init() == ALTO_OK && mkdtemp(base) ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    char command[300];
    snprintf(command, sizeof command, "rm -r '%s'", base);
    return system(command); /* NOLINT(cert-env33-c): a path of our own */
}

static const char *path(const char *name)
{
    static char paths[2][400]; /* so that two can be named at a time */
    static int turn;
    turn = !turn;
    snprintf(paths[turn], sizeof paths[turn], "%s/%s", base, name);
    return paths[turn];
}

static void write_text(const char *name, mode_t mode, const char *text)
{
    FILE *file = fopen(path(name), "w");
    assert_non_null(file);
    assert_int_equal(fputs(text, file) >= 0, 1);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(chmod(path(name), mode), 0);
}

/* Of the worked example in zmq_curve(7), and another. */
#define OPEN "Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hID"
#define SECRET "D:)Q[IlAW!ahhC2ac:9*A}h:p?([4%wOTJ%JR%cs"
#define OTHER "rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7"

static void a_pair_is_made_once_and_read_again(void **state)
{
    (void)state;
    alto_curve_key made, read;
    alto_curve_pair *pair = NULL;
    alto_error error;
    struct stat about;
    assert_int_equal(alto_curve_files_make(path("r1"), &made, &error), ALTO_OK);
    assert_int_equal(stat(path("r1.key_secret"), &about), 0);
    assert_int_equal(about.st_mode & 0777, 0600);
    assert_int_equal(alto_curve_files_public(path("r1.key"), &read, &error), ALTO_OK);
    assert_memory_equal(&read, &made, sizeof made);
    assert_int_equal(alto_curve_files_pair(path("r1.key_secret"), &pair, &error), ALTO_OK);
    assert_memory_equal(alto_curve_pair_public(pair), &made, sizeof made);
    alto_curve_pair_destroy(&pair);
    assert_int_equal(alto_curve_files_make(path("r1"), &read, &error), ALTO_DUPLICATE);
    assert_int_equal(alto_curve_files_public(path("r1.key"), &read, &error), ALTO_OK);
    assert_memory_equal(&read, &made, sizeof made);
    assert_int_equal(alto_curve_files_make(path("no/r1"), &read, &error), ALTO_NOT_FOUND);
}

static void a_secret_file_is_taken_when_it_is_whole_and_secret(void **state)
{
    (void)state;
    static const struct {
        const char *label;
        mode_t mode;
        const char *text;
        alto_status status;
    } cases[] = {
        {"as czmq writes it", 0600,
         "#  comment\nmetadata\n    name = \"x\"\ncurve\n    public-key = \"" OPEN "\"\n    secret-key = \"" SECRET
         "\"\n",
         ALTO_OK},
        {"without quotes, blanks and last line feed", 0400, "public-key=" OPEN "\r\nsecret-key=" SECRET, ALTO_OK},
        {"others may read it", 0640, "public-key=" OPEN "\nsecret-key=" SECRET, ALTO_CONFIG},
        {"the public half alone", 0600, "public-key=" OPEN, ALTO_CONFIG},
        {"the secret half alone", 0600, "secret-key=" SECRET, ALTO_CONFIG},
        {"halves of two", 0600, "public-key=" OTHER "\nsecret-key=" SECRET, ALTO_CONFIG},
        {"a cut key", 0600,
         "public-key=" OPEN "\nsecret-key=\""
         "D:)Q\"",
         ALTO_CONFIG},
        {"a quote alone", 0600, "public-key=\"", ALTO_CONFIG},
        {"nothing", 0600, "", ALTO_CONFIG},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        alto_curve_pair *pair = NULL;
        alto_error error;
        print_message("  case: %s\n", cases[i].label);
        write_text("x.key_secret", cases[i].mode, cases[i].text);
        assert_int_equal(alto_curve_files_pair(path("x.key_secret"), &pair, &error), cases[i].status);
        assert_int_equal(pair != NULL, cases[i].status == ALTO_OK);
        alto_curve_pair_destroy(&pair);
        assert_int_equal(unlink(path("x.key_secret")), 0);
    }
}

static void peers_are_lines_of_a_file(void **state)
{
    (void)state;
    static const struct {
        const char *label, *text;
        alto_status status;
        size_t count;
    } cases[] = {
        {"two", "# who\n\n  isp-a " OPEN "\nisp_b@x.y\t" OTHER "\r\n", ALTO_OK, 2},
        {"nobody", "# nobody\n", ALTO_OK, 0},
        {"the same key twice", "a " OPEN "\nb " OPEN, ALTO_OK, 2},
        {"no name", OPEN "\n", ALTO_CONFIG, 0},
        {"no key", "isp-a\n", ALTO_CONFIG, 0},
        {"a key and more", "isp-a " OPEN " x\n", ALTO_CONFIG, 0},
        {"a name with blanks", "isp a " OPEN "\n", ALTO_CONFIG, 0},
        {"a name of a control character", "isp\x1b " OPEN "\n", ALTO_CONFIG, 0},
        {"one line wrong among others", "a " OPEN "\nb\nc " OTHER "\n", ALTO_CONFIG, 0},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        alto_curve_peers peers;
        alto_error error;
        alto_curve_key key;
        print_message("  case: %s\n", cases[i].label);
        write_text("list", 0644, cases[i].text);
        assert_int_equal(alto_curve_files_peers(path("list"), &peers, &error), cases[i].status);
        assert_int_equal(peers.count, cases[i].count);
        assert_true(alto_z85_read(alto_slice_text(OPEN), key.bytes));
        assert_int_equal(alto_curve_peers_find(&peers, &key) != NULL, cases[i].count == 2);
        key.bytes[31] ^= 1;
        assert_null(alto_curve_peers_find(&peers, &key));
        alto_curve_peers_fini(&peers);
    }
}

static void peers_are_the_certificates_of_a_directory(void **state)
{
    (void)state;
    alto_curve_peers peers;
    alto_curve_key one, other;
    alto_error error;
    assert_int_equal(mkdir(path("peers"), 0700), 0);
    assert_int_equal(alto_curve_files_peers(path("peers"), &peers, &error), ALTO_OK);
    assert_int_equal(peers.count, 0);
    assert_int_equal(alto_curve_files_make(path("peers/one"), &one, &error), ALTO_OK);
    assert_int_equal(alto_curve_files_make(path("peers/other"), &other, &error), ALTO_OK);
    write_text("peers/.hidden.key", 0644, "");
    write_text("peers/README", 0644, "");
    assert_int_equal(alto_curve_files_peers(path("peers"), &peers, &error), ALTO_OK);
    assert_int_equal(peers.count, 2);
    assert_string_equal(alto_curve_peers_find(&peers, &one)->name, "one");
    assert_string_equal(alto_curve_peers_find(&peers, &other)->name, "other");
    alto_curve_peers_fini(&peers);
    write_text("peers/bad.key", 0644, "public-key = \"x\"\n");
    assert_int_equal(alto_curve_files_peers(path("peers"), &peers, &error), ALTO_CONFIG);
    assert_non_null(strstr(error.where, "peers/bad.key"));
    assert_int_equal(alto_curve_files_peers(path("nowhere"), &peers, &error), ALTO_NOT_FOUND);
}

static void a_gate_lets_in_who_is_listed_at_the_moment(void **state)
{
    (void)state;
    alto_push_gate *gate = NULL;
    alto_error error;
    alto_curve_key listed, other;
    assert_true(alto_z85_read(alto_slice_text(OPEN), listed.bytes));
    assert_true(alto_z85_read(alto_slice_text(OTHER), other.bytes));
    write_text("server.key_secret", 0600, "public-key=" OPEN "\nsecret-key=" SECRET);
    write_text("list", 0644, "a " OPEN "\n");
    char key[400], list[400];
    snprintf(key, sizeof key, "%s", path("server.key_secret"));
    snprintf(list, sizeof list, "%s", path("list"));
    assert_int_equal(alto_push_gate_new(&(alto_push_gate_options){.key = key, .allow = list}, &gate, &error), ALTO_OK);
    assert_true(alto_push_gate_admit(gate, &listed, "test") && alto_push_gate_knows(gate, OPEN));
    assert_false(alto_push_gate_admit(gate, &other, "test") || alto_push_gate_knows(gate, OTHER));
    assert_false(alto_push_gate_knows(gate, "no key"));
    write_text("list", 0644, "nonsense");
    assert_false(alto_push_gate_reload(gate).peers);
    assert_true(alto_push_gate_admit(gate, &listed, "test"));
    write_text("list", 0644, "b " OTHER "\n");
    assert_true(alto_push_gate_reload(gate).peers);
    assert_true(alto_push_gate_admit(gate, &other, "test"));
    assert_false(alto_push_gate_admit(gate, &listed, "test") || alto_push_gate_knows(gate, OPEN));
    assert_int_equal(alto_push_gate_counts_now(gate).listed, 1);
    assert_int_equal(alto_push_gate_counts_now(gate).refused, 2);
    alto_push_gate_destroy(&gate);
}

static void a_gate_takes_another_pair_or_keeps_its_own(void **state)
{
    (void)state;
    alto_push_gate *gate = NULL;
    alto_error error;
    alto_curve_key fresh, key;
    write_text("server.key_secret", 0600, "public-key=" OPEN "\nsecret-key=" SECRET);
    char file[400], name[400];
    snprintf(file, sizeof file, "%s", path("server.key_secret"));
    snprintf(name, sizeof name, "%s", path("server"));
    assert_int_equal(alto_push_gate_new(&(alto_push_gate_options){.key = file}, &gate, &error), ALTO_OK);
    const alto_curve_pair *held = alto_push_gate_pair(gate);
    assert_false(alto_push_gate_reload(gate).pair);
    write_text("server.key_secret", 0600, "nonsense");
    assert_false(alto_push_gate_reload(gate).pair);
    assert_ptr_equal(alto_push_gate_pair(gate), held);
    remove(file);
    assert_int_equal(alto_curve_files_make(name, &fresh, &error), ALTO_OK);
    assert_true(alto_push_gate_reload(gate).pair);
    key = alto_push_gate_key(gate);
    assert_memory_equal(key.bytes, fresh.bytes, sizeof key.bytes);
    alto_push_gate_destroy(&gate);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_pair_is_made_once_and_read_again, setup, teardown),
        cmocka_unit_test_setup_teardown(a_secret_file_is_taken_when_it_is_whole_and_secret, setup, teardown),
        cmocka_unit_test_setup_teardown(peers_are_lines_of_a_file, setup, teardown),
        cmocka_unit_test_setup_teardown(peers_are_the_certificates_of_a_directory, setup, teardown),
        cmocka_unit_test_setup_teardown(a_gate_lets_in_who_is_listed_at_the_moment, setup, teardown),
        cmocka_unit_test_setup_teardown(a_gate_takes_another_pair_or_keeps_its_own, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
