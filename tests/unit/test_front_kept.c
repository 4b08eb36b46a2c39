/* SPDX-License-Identifier: Apache-2.0 */
/* Questions that were put before have their answers, of the same state and within the memory; what is asked once costs none. */
#include "cmocka_all.h"
#include "io/front_kept.h"

#include <pthread.h>
#include <stdlib.h>

enum { THREADS = 4, ROUNDS = 20000, QUESTIONS = 64, LARGE = ALTO_KEPT_ANSWERS_BYTES / 16 };

static int set_up(void **state)
{
    *state = alto_front_kept_new();
    return alto_crypto_init() == ALTO_OK && *state ? 0 : -1;
}

static int tear_down(void **state)
{
    alto_front_kept *self = *state;
    alto_front_kept_destroy(&self);
    return 0;
}

/* The question of that number about a state; those with numbers ALTO_KEPT_QUESTIONS apart have one place. */
static alto_question question_of(uint8_t state, uint64_t number)
{
    return (alto_question){.state.bytes = {state}, .request = {.low = number, .high = ~number}};
}

/* An answer whose bytes tell the question. */
static void add(alto_front_kept *self, const alto_question *question, size_t size, alto_coding coding)
{
    uint8_t *bytes = malloc(size);
    assert_non_null(bytes);
    memset(bytes, (uint8_t)(question->request.low * 7 + question->state.bytes[0]), size);
    alto_front_kept_add(self, question, alto_slice_of(bytes, size), coding);
    free(bytes);
}

typedef enum { NEW, AGAIN, KEPT } found;

static found look(alto_front_kept *self, const alto_question *question)
{
    alto_known_question known = alto_front_kept_look(self, question);
    if (!known.answer)
        return known.again ? AGAIN : NEW;
    uint8_t wanted = (uint8_t)(question->request.low * 7 + question->state.bytes[0]);
    for (size_t i = 0; i < known.answer->size; i++)
        if (known.answer->data[i] != wanted)
            abort(); /* in a thread cmocka's assertions would not do */
    alto_blob_release(known.answer);
    return KEPT;
}

/* Asked twice, and answered. */
static void ask_and_keep(alto_front_kept *self, const alto_question *question, size_t size)
{
    look(self, question);
    if (look(self, question) == AGAIN)
        add(self, question, size, ALTO_IDENTITY);
}

static void an_answer_is_kept_when_it_is_asked_for_again(void **state)
{
    alto_front_kept *self = *state;
    const alto_question question = question_of(1, 5), other = question_of(1, 6);
    assert_int_equal(look(self, &question), NEW);
    assert_int_equal(look(self, &other), NEW);
    assert_int_equal(look(self, &question), AGAIN);
    assert_int_equal(alto_front_kept_bytes(self), 0);
    add(self, &question, 10, ALTO_ZSTD);
    alto_known_question known = alto_front_kept_look(self, &question);
    assert_int_equal(known.answer->size, 10);
    assert_int_equal(known.coding, ALTO_ZSTD);
    assert_int_equal(look(self, &other), AGAIN);
    assert_int_equal(alto_front_kept_bytes(self), 10);
    alto_front_kept_destroy(&self); /* who was given it has it all the same */
    assert_int_equal(known.answer->data[9], (uint8_t)(5 * 7 + 1));
    alto_blob_release(known.answer);
    *state = NULL;
}

static void another_state_has_other_answers(void **state)
{
    alto_front_kept *self = *state;
    const alto_question before = question_of(1, 5), after = question_of(2, 5);
    ask_and_keep(self, &before, 10);
    assert_int_equal(look(self, &before), KEPT);
    assert_int_equal(look(self, &after), NEW);
    assert_int_equal(alto_front_kept_bytes(self), 0);
    add(self, &before, 10, ALTO_IDENTITY); /* made of the state before, when the next was there */
    assert_int_equal(look(self, &after), AGAIN);
    assert_int_equal(alto_front_kept_bytes(self), 0);
}

static void an_answer_in_use_keeps_its_place_once(void **state)
{
    alto_front_kept *self = *state;
    const alto_question used = question_of(1, 5), rival = question_of(1, 5 + ALTO_KEPT_QUESTIONS);
    ask_and_keep(self, &used, 10);
    assert_int_equal(look(self, &used), KEPT);
    assert_int_equal(look(self, &rival), NEW);
    assert_int_equal(look(self, &used), KEPT);
    assert_int_equal(look(self, &rival), NEW);
    assert_int_equal(look(self, &rival), NEW); /* now the place is its own */
    assert_int_equal(alto_front_kept_bytes(self), 0);
    assert_int_equal(look(self, &rival), AGAIN);
    add(self, &used, 10, ALTO_IDENTITY); /* the place is another's */
    assert_int_equal(look(self, &rival), AGAIN);
    assert_int_equal(look(self, &used), NEW);
}

static void nothing_takes_more_memory_than_there_is(void **state)
{
    alto_front_kept *self = *state;
    const alto_question first = question_of(1, 0), huge = question_of(1, ALTO_KEPT_QUESTIONS - 1);
    ask_and_keep(self, &huge, ALTO_KEPT_ANSWER + 1);
    assert_int_equal(alto_front_kept_bytes(self), 0);
    ask_and_keep(self, &first, LARGE);
    for (uint64_t i = 1; i < 200; i++) {
        const alto_question question = question_of(1, i);
        ask_and_keep(self, &question, LARGE);
        assert_true(alto_front_kept_bytes(self) <= ALTO_KEPT_ANSWERS_BYTES);
        assert_int_equal(look(self, &first), KEPT); /* it is used all the time */
    }
    assert_int_equal(alto_front_kept_bytes(self), ALTO_KEPT_ANSWERS_BYTES);
    const alto_question last = question_of(1, 199);
    assert_int_equal(look(self, &last), KEPT);
}

typedef struct {
    alto_front_kept *kept;
    unsigned seed;
    unsigned kept_answers;
} asker;

static void *ask_all_the_time(void *context)
{
    asker *self = context;
    for (int i = 0; i < ROUNDS; i++) {
        self->seed = self->seed * 1664525 + 1013904223;
        const alto_question question = question_of((uint8_t)(1 + i / (ROUNDS / 4)), self->seed >> 16 & (QUESTIONS - 1));
        found was = look(self->kept, &question);
        self->kept_answers += was == KEPT;
        if (was == AGAIN)
            add(self->kept, &question, 100 + self->seed % 1000, ALTO_IDENTITY);
    }
    return NULL;
}

/* look() compares every byte. */
static void threads_get_the_answers_to_their_questions(void **state)
{
    pthread_t threads[THREADS];
    asker askers[THREADS];
    for (unsigned i = 0; i < THREADS; i++) {
        askers[i] = (asker){.kept = *state, .seed = i};
        assert_int_equal(pthread_create(&threads[i], NULL, ask_all_the_time, &askers[i]), 0);
    }
    for (unsigned i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        assert_true(askers[i].kept_answers > 0);
    }
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        T(an_answer_is_kept_when_it_is_asked_for_again), T(another_state_has_other_answers),
        T(an_answer_in_use_keeps_its_place_once),        T(nothing_takes_more_memory_than_there_is),
        T(threads_get_the_answers_to_their_questions),
    };
#undef T
    return cmocka_run_group_tests(tests, NULL, NULL);
}
