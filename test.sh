#!/usr/bin/env bash
# Builds everything once, runs every test project, then the simulator, and says what the totals are.
# Runs from any directory and needs no environment variable.
#
#   SIMULATION_SEEDS   how many seeds to simulate (default 300)
#   SIMULATION_START   the first seed (default: derived from the commit, so that every commit tries others)
set -u -o pipefail

root="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)" || exit 1
cd "$root" || exit 1

solution="OrleansStreaming.sln"
simulation="tests/OrleansStreaming.Simulation"
minimum_tests=1100         # a run that finds fewer tests than this has lost some: raise it as the suite grows (not counting those on Azurite)
restore_limit=600        # seconds, as are the next four
build_limit=900
test_limit=1800
simulation_limit=900
exhaustion_limit=600

HOME="${HOME:-$(cd ~ 2>/dev/null && pwd)}"
export HOME
export DOTNET_CLI_TELEMETRY_OPTOUT=1
export DOTNET_NOLOGO=1
export DOTNET_CLI_UI_LANGUAGE=en      # the totals below are read from the output
export MSBUILDDISABLENODEREUSE=1      # leave no build processes behind

if ! command -v dotnet >/dev/null 2>&1; then
    echo "test.sh: 'dotnet' is not on the PATH. Install the .NET 10 SDK: https://dotnet.microsoft.com/download/dotnet/10.0" >&2
    exit 1
fi
if ! sdk="$(dotnet --version 2>&1)"; then
    echo "test.sh: no .NET SDK that global.json accepts (10.0.100 or a later 10.0 feature band):" >&2
    echo "$sdk" >&2
    exit 1
fi

limit() { # limit SECONDS COMMAND...: runs the command, with a time limit where the system has timeout(1)
    local seconds="$1"
    shift
    if command -v timeout >/dev/null 2>&1; then
        timeout --kill-after=20 "$seconds" "$@"
    else
        "$@"
    fi
}

stage() { # stage NAME SECONDS COMMAND...: runs a stage that everything after it needs
    local name="$1" status=0
    shift
    echo "== $name"
    limit "$@" || status=$?
    if [ "$status" -ne 0 ]; then
        [ "$status" -eq 124 ] && echo "test.sh: $name exceeded its limit of $1 seconds." >&2
        echo "test.sh: $name failed (exit code $status)." >&2
        exit 1
    fi
}

logs="$root/artifacts/test-logs"
mkdir -p "$logs" || exit 1
failed=0

echo "== .NET SDK $sdk"
stage restore "$restore_limit" dotnet restore "$solution" -nodeReuse:false
stage build "$build_limit" dotnet build "$solution" -c Release --no-restore -warnaserror -nodeReuse:false -p:UseSharedCompilation=false

echo "== tests"
test_status=0
limit "$test_limit" dotnet test --solution "$solution" -c Release --no-build --no-progress --no-ansi \
    --minimum-expected-tests "$minimum_tests" 2>&1 | tee "$logs/tests.log" || test_status=$?
[ "$test_status" -eq 124 ] && echo "test.sh: the tests exceeded their limit of $test_limit seconds." >&2
[ "$test_status" -ne 0 ] && failed=1

simulation_line="not run: $simulation has no code"
kept_line="$simulation_line"
exhaustion_line="$simulation_line"
if compgen -G "$simulation/*.cs" >/dev/null; then
    seeds="${SIMULATION_SEEDS:-300}"
    start="${SIMULATION_START:-}"
    if [ -z "$start" ]; then
        commit="$(git rev-parse HEAD 2>/dev/null || true)"
        case "$commit" in
            [0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f]*) start=$((16#${commit:0:7})) ;;
            *) start=1 ;;
        esac
    fi

    echo "== simulation: $seeds seeds from $start"
    simulation_status=0
    limit "$simulation_limit" dotnet run -c Release --no-build --project "$simulation" -- --seeds "$seeds" --start "$start" \
        2>&1 | tee "$logs/simulation.log" || simulation_status=$?
    [ "$simulation_status" -eq 124 ] && echo "test.sh: the simulation exceeded its limit of $simulation_limit seconds." >&2

    # The console ends with "seeds: N passed, M failed". Without that line, or with fewer seeds than asked for, it did not do its work.
    counts="$(sed -nE 's/^seeds: ([0-9]+) passed, ([0-9]+) failed.*$/\1 \2/p' "$logs/simulation.log" | tail -n 1)"
    if [ -n "$counts" ]; then
        seeds_passed="${counts% *}"
        seeds_failed="${counts#* }"
        simulation_line="passed $seeds_passed, failed $seeds_failed, of $seeds from seed $start"
        [ "$seeds_failed" -ne 0 ] && simulation_status=1
        [ "$((seeds_passed + seeds_failed))" -ne "$seeds" ] && simulation_status=1
    else
        simulation_line="no totals (exit code $simulation_status), $seeds seeds from seed $start"
        simulation_status=1
    fi
    kept_line="$(sed -nE 's/^kept: ([0-9]+) passed, ([0-9]+) failed.*$/passed \1, failed \2/p' "$logs/simulation.log" | tail -n 1)"
    [ -z "$kept_line" ] && kept_line="no totals" && simulation_status=1
    [ "$simulation_status" -ne 0 ] && failed=1

    echo "== exhaustion: small schedules with a crash at every step"
    exhaustion_status=0
    limit "$exhaustion_limit" dotnet run -c Release --no-build --project "$simulation" -- --exhaust \
        2>&1 | tee "$logs/exhaustion.log" || exhaustion_status=$?
    [ "$exhaustion_status" -eq 124 ] && echo "test.sh: the exhaustion exceeded its limit of $exhaustion_limit seconds." >&2
    exhaustion_line="$(sed -nE 's/^seeds: ([0-9]+) passed, ([0-9]+) failed.*$/passed \1, failed \2/p' "$logs/exhaustion.log" | tail -n 1)"
    [ -z "$exhaustion_line" ] && exhaustion_line="no totals (exit code $exhaustion_status)" && exhaustion_status=1
    [ "$exhaustion_status" -ne 0 ] && failed=1

    echo "== directed scenarios and mutants"
    directed_status=0
    limit "$simulation_limit" dotnet run -c Release --no-build --project "$simulation" -- --scenario directed --seeds 60 --start "$start" \
        2>&1 | tee "$logs/directed.log" || directed_status=$?
    limit "$simulation_limit" dotnet run -c Release --no-build --project "$simulation" -- --mutants --seeds 3000 \
        2>&1 | tee "$logs/mutants.log" || directed_status=$?
    [ "$directed_status" -eq 124 ] && echo "test.sh: that exceeded its limit of $simulation_limit seconds." >&2
    [ "$directed_status" -ne 0 ] && failed=1
    directed_line="$(sed -nE 's/^seeds: ([0-9]+) passed, ([0-9]+) failed.*$/passed \1, failed \2/p' "$logs/directed.log" | tail -n 1)"
    mutants_line="$(sed -nE 's/^seeds: ([0-9]+) passed, ([0-9]+) failed.*$/caught \1, missed \2/p' "$logs/mutants.log" | tail -n 1)"
fi

total_of() { # total_of NAME: a number from the summary that ends the test output
    sed -nE "s/^ *$1: ([0-9]+)\$/\1/p" "$logs/tests.log" | tail -n 1
}
tests_total="$(total_of total)"

echo
echo "== totals"
if [ -n "$tests_total" ]; then
    echo "tests: total $tests_total, passed $(total_of succeeded), failed $(total_of failed), skipped $(total_of skipped)"
else
    echo "tests: no totals (exit code $test_status)"
    failed=1
fi
awk '
    /^failed / { print "  failed: " substr($0, 8); left = 8; next }
    left > 0 && /^ / { print "    " substr($0, 1, 240); left--; next }
    { left = 0 }
' "$logs/tests.log"
awk '
    skipped { reason = $0; sub(/^ +/, "", reason); count[reason]++; skipped = 0 }
    /^skipped / { skipped = 1 }
    END { for (reason in count) printf "  skipped %d: %s\n", count[reason], reason }
' "$logs/tests.log" | sort
echo "kept seeds: $kept_line"
echo "simulated seeds: $simulation_line"
echo "crash points: $exhaustion_line"
echo "directed scenarios: ${directed_line:-not run}"
echo "mutants: ${mutants_line:-not run}"

if [ "$failed" -ne 0 ]; then
    echo "FAILED"
    exit 1
fi
echo "PASSED"
