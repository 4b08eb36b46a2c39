/* SPDX-License-Identifier: Apache-2.0 */
/* cmocka_all.h - cmocka with the headers that it wants before it. */
#ifndef TEST_CMOCKA_ALL_H
#define TEST_CMOCKA_ALL_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define countof(array) (sizeof(array) / sizeof((array)[0]))

#endif
