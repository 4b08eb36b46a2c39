#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# All tests, in stages: test.sh [gcc] [asan] [tsan] [clang] [format]; none named: all.
#
#   gcc     release build, unit tests, system tests
#   asan    address and undefined-behaviour sanitizer: unit tests, short system tests
#   tsan    thread sanitizer: the same, without unit tests labelled no-tsan
#   clang   builds without a warning
#   format  clang-format finds nothing to do
#
# A system test is an executable tests/system/test_*; it runs in the project's root with ALTO_BIN=<folder of the
# programs> and answers 0 (passed), 77 (skipped) or anything else (failed). One that mentions ALTO_QUICK
# has a short form: with ALTO_QUICK=1 it runs in the sanitizer stages too. Four run at a time, those that mention ALTO_SLOW first; those
# that mention ALTO_ALONE come last, one by one.
# A system test that fails is shown with all that it said. When that is not of a process that ended or a sanitizer, but of a wait
# in vain, it is put once more, alone, when the others are through: they share a machine. What passes only then is named.
# The last line is "N passed, N failed" or "N passed, N failed, N skipped".
set -euo pipefail
cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.."

passed=0 failed=0 skipped=0
unit_seconds=120   # for one unit test
system_seconds=300 # for one system test
together=4         # system tests at a time
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

line() { # label, result, seconds
    printf '  %-36s %-34s %4d s\n' "$1" "$2" "$3"
}

show() { # file: the end of what a failure had to say
    tail -n "${2:-200}" "$1" | sed 's/^/    | /'
}

build() { # preset
    local from=$SECONDS
    if cmake --preset "$1" >"$work/log" 2>&1 && cmake --build --preset "$1" >"$work/log" 2>&1; then
        line "build ($1)" "ok" $((SECONDS - from))
        return
    fi
    line "build ($1)" "FAILED" $((SECONDS - from))
    grep -A 12 -E 'error:|Error|undefined reference|FAILED' "$work/log" >"$work/errors" || cp "$work/log" "$work/errors"
    head -n 80 "$work/errors" | sed 's/^/    | /'
    failed=$((failed + 1))
    return 1
}

number() { # attribute: of the test suite in the JUnit file
    local value
    value=$(grep -o -m 1 "[[:space:]]$1=\"[0-9]*\"" "$work/junit.xml" | head -n 1 | tr -dc 0-9 || true)
    echo "${value:-0}"
}

unit_tests() { # build folder, then more words for ctest
    local folder=$1 from=$SECONDS code=0
    shift
    rm -f "$work/junit.xml"
    "${wrapper[@]}" ctest --test-dir "$folder" -j "$(nproc)" --timeout "$unit_seconds" --output-on-failure --no-tests=ignore \
        --output-junit "$work/junit.xml" "$@" >"$work/log" 2>&1 </dev/null || code=$?
    local all=0 bad=0 not_run=0
    if [ -f "$work/junit.xml" ]; then
        all=$(number tests) bad=$(number failures) not_run=$(($(number skipped) + $(number disabled)))
    fi
    if [ "$code" != 0 ] && [ "$bad" = 0 ]; then
        bad=1
    fi
    local good=$((all > bad + not_run ? all - bad - not_run : 0))
    passed=$((passed + good)) failed=$((failed + bad)) skipped=$((skipped + not_run))
    if [ "$bad" = 0 ]; then
        line "unit tests" "$good passed" $((SECONDS - from))
    else
        line "unit tests" "$good passed, $bad FAILED" $((SECONDS - from))
        show "$work/log" 300
    fi
}

# Leaves its output, exit code and seconds in $work.
system_test() { # file, folder of the programs
    local from=$SECONDS code=0 name=${1##*/}
    ALTO_BIN=$2 "${wrapper[@]}" timeout -k 10 "$system_seconds" "$1" >"$work/$name.log" 2>&1 </dev/null || code=$?
    [ "$code" != 124 ] || echo "not finished after $system_seconds s" >>"$work/$name.log"
    echo "$code $((SECONDS - from))" >"$work/$name.new"
    mv "$work/$name.new" "$work/$name.end"
}

# May it have been the machine?
may_try_again() { # name
    ! grep -qE 'sanitizer complains|exit code of|ended with -?[0-9]|Sanitizer' "$work/$1.log"
}

report_system_test() { # name; "again" at the second try
    local code seconds
    read -r code seconds <"$work/$1.end"
    case "$code" in
    0)
        passed=$((passed + 1))
        line "$1" "passed${2:+ at the second try, alone}" "$seconds"
        ;;
    77)
        skipped=$((skipped + 1))
        line "$1" "skipped" "$seconds"
        show "$work/$1.log" 2
        ;;
    *)
        if [ -z "${2-}" ] && may_try_again "$1"; then
            again+=("$1")
        else
            failed=$((failed + 1))
        fi
        line "$1" "FAILED ($code)" "$seconds"
        show "$work/$1.log"
        ;;
    esac
    rm -f "$work/$1".*
}

# Report what has ended, and wait until fewer than so many still run.
settle() { # number
    local name still
    while true; do
        still=()
        for name in "${running[@]}"; do
            if [ -f "$work/$name.end" ]; then
                report_system_test "$name"
            else
                still+=("$name")
            fi
        done
        running=("${still[@]}")
        [ ${#running[@]} -ge "$1" ] || return 0
        sleep 0.2
    done
}

# Those of this stage, one a line: first those that mention ALTO_SLOW, so that none of them is left over at the end.
list_system_tests() { # quick or nothing, ALTO_ALONE or nothing
    local file alone
    for file in $(grep -l ALTO_SLOW tests/system/test_*) $(grep -L ALTO_SLOW tests/system/test_*); do
        alone=$(grep -o -m 1 ALTO_ALONE "$file" || true)
        if [ -x "$file" ] && [ "$alone" = "$2" ] && { [ "$1" != quick ] || grep -q ALTO_QUICK "$file"; }; then
            echo "$file"
        fi
    done
}

# Most of them mostly wait, so some run together; one that mentions ALTO_ALONE has the machine to itself.
system_tests() { # build folder, quick or nothing
    local file name running=() again=()
    [ "${2-}" != quick ] || export ALTO_QUICK=1
    for file in $(list_system_tests "${2-}" ""); do
        settle "$together"
        system_test "$file" "$PWD/$1/bin" &
        running+=("${file##*/}")
    done
    settle 1
    for file in $(list_system_tests "${2-}" ALTO_ALONE); do
        system_test "$file" "$PWD/$1/bin"
        report_system_test "${file##*/}"
    done
    for name in "${again[@]}"; do
        system_test "tests/system/$name" "$PWD/$1/bin"
        report_system_test "$name" again
    done
    unset ALTO_QUICK
}

stage_gcc() {
    build release || return 0
    unit_tests build
    system_tests build
}

# To find uses of a local after its function returned, the address sanitizer moves locals off the stack; gcc 13.2 of
# Ubuntu 24.04 forgets there that some want to begin at a multiple of 64.
moves_locals_well() {
    cat >"$work/probe.c" <<'TEXT'
#include <stdint.h>
static int misplaced(const char *local) { return (uintptr_t)local % 64 != 0; }
int main(void) { _Alignas(64) char local[64] = {0}; return misplaced(local); }
TEXT
    cc -fsanitize=address "$work/probe.c" -o "$work/probe" 2>/dev/null || return 0 # the build says why
    ASAN_OPTIONS=detect_stack_use_after_return=1 "$work/probe"
}

stage_asan() {
    local after_return=1
    build asan || return 0
    if ! moves_locals_well; then
        echo "  this compiler misplaces locals when their use after return is looked for: that is left out"
        after_return=0
    fi
    export ASAN_OPTIONS=detect_leaks=1:detect_stack_use_after_return=$after_return UBSAN_OPTIONS=print_stacktrace=1
    unit_tests build-asan
    system_tests build-asan quick
    unset ASAN_OPTIONS UBSAN_OPTIONS
}

# Some kernels lay memory out in a way that the thread sanitizer of an older gcc refuses; without randomised
# addresses it starts. Sets `wrapper`; false when it cannot run here.
tsan_starts() {
    echo 'int main(void) { return 0; }' >"$work/probe.c"
    cc -fsanitize=thread "$work/probe.c" -o "$work/probe" 2>/dev/null || return 1
    if "$work/probe" 2>/dev/null; then
        return
    fi
    wrapper=(setarch "$(uname -m)" -R)
    "${wrapper[@]}" "$work/probe" 2>/dev/null
}

stage_tsan() {
    if ! tsan_starts; then
        echo "  the thread sanitizer does not run on this machine: stage skipped"
        skipped=$((skipped + 1)) wrapper=()
        return
    fi
    if build tsan; then
        # The libraries of the system are not instrumented: what they do among themselves looks like races.
        export TSAN_OPTIONS=ignore_noninstrumented_modules=1:halt_on_error=1:second_deadlock_stack=1
        unit_tests build-tsan -LE no-tsan
        system_tests build-tsan quick
        unset TSAN_OPTIONS
    fi
    wrapper=()
}

stage_clang() {
    if ! command -v clang >/dev/null; then
        echo "  no clang on this machine: stage skipped"
        skipped=$((skipped + 1))
        return
    fi
    build clang || true
}

stage_format() {
    local from=$SECONDS code=0
    scripts/lint.sh --format-only >"$work/log" 2>&1 || code=$?
    case "$code" in
    0) line "clang-format" "ok" $((SECONDS - from)) ;;
    77)
        skipped=$((skipped + 1))
        line "clang-format" "skipped" $((SECONDS - from))
        show "$work/log" 2
        ;;
    *)
        failed=$((failed + 1))
        line "clang-format" "FAILED (clang-format -i helps)" $((SECONDS - from))
        show "$work/log" 40
        ;;
    esac
}

stages=("$@")
[ $# -gt 0 ] || stages=(gcc asan tsan clang format)
for stage in "${stages[@]}"; do
    if ! declare -F "stage_$stage" >/dev/null; then
        echo "no stage $stage; there are: gcc asan tsan clang format" >&2
        exit 2
    fi
done

scripts/deps.sh "the tests" build test
wrapper=()
for stage in "${stages[@]}"; do
    from=$SECONDS
    echo "== $stage"
    "stage_$stage"
    line "$stage" "done" $((SECONDS - from))
done

total="$passed passed, $failed failed"
[ "$skipped" = 0 ] || total+=", $skipped skipped"
echo "$total"
[ "$failed" = 0 ]
