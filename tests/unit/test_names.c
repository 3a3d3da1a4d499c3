/* SPDX-License-Identifier: Apache-2.0 */
/* What the command line calls enclaves. */
#include "unit.h"

#include "base/check.h"
#include "cli/names.h"

#define ID_A "0x1111111100000000000000000000000000000000"
#define ID_B "0x2222222200000000000000000000000000000000"
#define ID_C "0x3333333300000000000000000000000000000000"

static void learn(struct cli_names *names, const char *first, const char *second)
{
    json_t *list = json_pack("[s,{s:s}]", first, "id", second);
    assert_non_null(list);
    cli_names_learn(names, list);
    json_decref(list);
}

static void letters_go_by_the_order_and_stay(void **state)
{
    (void)state;
    struct cli_names names = {.n = 0};
    char name[CLI_NAME_SIZE];
    assert_string_equal(cli_names_of(&names, ID_B, name), "0x22222222");
    learn(&names, ID_B, ID_A);
    learn(&names, ID_A, ID_C);
    learn(&names, "0x12", "no id");
    assert_int_equal(names.n, 3);
    assert_string_equal(cli_names_of(&names, ID_B, name), "A 0x22222222");
    assert_string_equal(cli_names_of(&names, ID_A, name), "B 0x11111111");
    assert_string_equal(cli_names_letter(&names, ID_C, name), "C");
    assert_string_equal(cli_names_letter(&names, "0x12", name), "");
}

static void there_are_more_than_letters(void **state)
{
    (void)state;
    struct cli_names names = {.n = 0};
    char name[CLI_NAME_SIZE], first[43], second[43];
    for (unsigned i = 0; i < CLI_NAMES + 2; i += 2) {
        snprintf(first, sizeof(first), "0x%08x00000000000000000000000000000000", i);
        snprintf(second, sizeof(second), "0x%08x00000000000000000000000000000000", i + 1);
        learn(&names, first, second);
    }
    assert_int_equal(names.n, CLI_NAMES);
    assert_string_equal(cli_names_of(&names, names.ids[25], name), "Z 0x00000019");
    assert_string_equal(cli_names_of(&names, names.ids[26], name), "27 0x0000001a");
    assert_string_equal(cli_names_of(&names, second, name), "0x00000081");
}

static void sentences_have_the_letter_too(void **state)
{
    (void)state;
    struct cli_names names = {.n = 0};
    char text[80];
    learn(&names, ID_A, ID_B);
    assert_string_equal(cli_names_in(&names, "enclave 0x22222222 took over from 0x11111111 at 0x9",
                                     text, sizeof(text)),
                        "enclave B (0x22222222) took over from A (0x11111111) at 0x9");
    assert_string_equal(cli_names_in(&names, "0x22222222", text, 6), "B (0x");
    assert_string_equal(cli_names_in(&names, "0x", text, sizeof(text)), "0x");
    assert_string_equal(cli_names_in(&names, "", text, sizeof(text)), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(letters_go_by_the_order_and_stay),
        cmocka_unit_test(there_are_more_than_letters),
        cmocka_unit_test(sentences_have_the_letter_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
