#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Fuzz what sees bytes from outside (tests/fuzz/README.md): fuzz.sh [--for TIME] [--jobs N] [--keep] [TARGET...]
set -euo pipefail
cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.."

usage() {
    cat <<'TEXT'
usage: ./run fuzz [options] [TARGET...]

Puts made-up input to what decodes bytes from outside, with clang's libFuzzer, under the address and undefined-behaviour
sanitizers. Each TARGET (tests/fuzz/fuzz_TARGET.c; none named: all) runs until its time is over or something was found.

  --for TIME   how long each runs: 90s, 10m, 1h (10m)
  --jobs N     how many run at a time (2)
  --keep       then choose anew what is in tests/fuzz/corpus/, but for files with names of their own: few small
               inputs that reach all code that was reached
  --help       this text

Inputs that reach new code are gathered in build-fuzz/corpus/, findings in build-fuzz/findings/. Ends with a table;
the exit code is 1 when there are findings. To look at one again: build-fuzz/tests/fuzz_TARGET FILE
TEXT
}

seconds=600 jobs=2 keep='' targets=()
bad_usage() {
    echo "fuzz.sh: $1" >&2
    echo "Try: ./run fuzz --help" >&2
    exit 2
}
while [ $# -gt 0 ]; do
    case "$1" in
    --for)
        [[ ${2-} =~ ^([1-9][0-9]{0,5})([smh]?)$ ]] || bad_usage "--for wants a time such as 90s, 10m or 1h"
        seconds=${BASH_REMATCH[1]}
        case "${BASH_REMATCH[2]}" in m) seconds=$((seconds * 60)) ;; h) seconds=$((seconds * 3600)) ;; esac
        shift
        ;;
    --jobs)
        [[ ${2-} =~ ^[1-9][0-9]?$ ]] || bad_usage "--jobs wants a number from 1 to 99"
        jobs=$2
        shift
        ;;
    --keep) keep=yes ;;
    --help | -h)
        usage
        exit 0
        ;;
    -*) bad_usage "no option $1" ;;
    *)
        [ -f "tests/fuzz/fuzz_$1.c" ] || bad_usage "no target $1; there are: $(cd tests/fuzz && echo fuzz_*.c | sed 's/fuzz_//g; s/\.c//g')"
        targets+=("$1")
        ;;
    esac
    shift
done
if [ ${#targets[@]} = 0 ]; then
    for source in tests/fuzz/fuzz_*.c; do
        name=${source##*/fuzz_}
        targets+=("${name%.c}")
    done
fi

scripts/deps.sh "fuzzing" build fuzz
work=build-fuzz
mkdir -p "$work"
if ! { cmake --preset fuzz && cmake --build --preset fuzz --target "${targets[@]/#/fuzz_}"; } >"$work/build.log" 2>&1; then
    echo "The targets do not build; the end of $work/build.log:"
    tail -n 40 "$work/build.log"
    exit 1
fi

# What a target says of its input, in the comment on top: "Longest input: 4096. Dictionary: json."
said() { # target, words, default
    local found
    found=$(sed -n "1,12s/.*$2: \([a-z0-9]*\).*/\1/p" "tests/fuzz/fuzz_$1.c" | head -n 1)
    echo "${found:-$3}"
}

libfuzzer() { # target, then options and directories
    local target=$1 dictionary
    shift
    dictionary=$(said "$target" Dictionary "")
    ASAN_OPTIONS=detect_leaks=1:detect_stack_use_after_return=1 UBSAN_OPTIONS=print_stacktrace=1 nice -n 10 \
        "$work/tests/fuzz_$target" -max_len="$(said "$target" "Longest input" 4096)" -malloc_limit_mb=128 -rss_limit_mb=1500 \
        -timeout=10 ${dictionary:+-dict="tests/fuzz/$dictionary.dict"} "$@"
}

fuzz() { # target
    mkdir -p "$work/corpus/$1" "$work/findings" "tests/fuzz/corpus/$1"
    rm -f "$work/$1.end"
    libfuzzer "$1" -max_total_time="$seconds" -print_final_stats=1 -artifact_prefix="$work/findings/$1-" \
        "$work/corpus/$1" "tests/fuzz/corpus/$1" >"$work/$1.log" 2>&1 </dev/null || true
    # shellcheck disable=SC2012
    ls -t "$work/findings/$1-"* 2>/dev/null | head -n 20 >"$work/$1.findings" || true
    touch "$work/$1.end"
}

stat() { # target, name
    sed -n "s/^stat::$2: *//p" "$work/$1.log" | tail -n 1
}

report() { # target
    local coverage
    coverage=$(grep -ao 'cov: [0-9]*' "$work/$1.log" | tail -n 1 | tr -dc 0-9 || true)
    printf '%-14s %14s %10s %10s %9s\n' "$1" "$(stat "$1" number_of_executed_units)" "$(stat "$1" average_exec_per_sec)" \
        "${coverage:-?}" "$(wc -l <"$work/$1.findings")"
}

echo "$seconds s for each of: ${targets[*]} ($jobs at a time; what they say is in $work/<target>.log)"
running=0
for target in "${targets[@]}"; do
    if [ "$running" -ge "$jobs" ]; then
        wait -n
        running=$((running - 1))
    fi
    fuzz "$target" &
    running=$((running + 1))
done
wait

found=0
printf '%-14s %14s %10s %10s %9s\n' target executions exec/s coverage findings
for target in "${targets[@]}"; do
    report "$target"
    if [ -z "$(stat "$target" number_of_executed_units)" ]; then
        echo "  fuzz_$target did not run to its end; the end of $work/$target.log:"
        tail -n 5 "$work/$target.log" | sed 's/^/  | /'
        found=1
    fi
done
for target in "${targets[@]}"; do
    if [ -s "$work/$target.findings" ]; then
        found=1
        echo "FOUND by $target, newest first; the reason is at the end of $work/$target.log:"
        sed 's/^/  /' "$work/$target.findings"
    fi
done

# What libFuzzer gathered is named by its digest; what has a name of its own stays whatever happens.
if [ -n "$keep" ]; then
    for target in "${targets[@]}"; do
        kept=tests/fuzz/corpus/$target
        find "$kept" -type f -regextype posix-extended -regex '.*/[0-9a-f]{40}' -exec mv -t "$work/corpus/$target" {} +
        ASAN_OPTIONS=detect_leaks=0 "$work/tests/fuzz_$target" choose "$kept" "$work/corpus/$target" >"$work/$target.keep.log" 2>&1
        echo "$kept: $(find "$kept" -type f | wc -l) inputs, $(du -bs "$kept" | cut -f 1) bytes"
    done
fi
exit $found
