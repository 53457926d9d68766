#!/usr/bin/env bash
# Runs the tests: units, then the real thing through launch/mpjrun.sh. Arguments go to Maven: -Dit.test=GenerateIT
# With --long as the first argument: those too that are left out otherwise, of more ranks, families and moments, which takes
# two to three times as long.
# With --gpu as the first argument: the tests that need an NVIDIA GPU, and those of the units that can use one.
case ${1:-} in -h | --help) sed -n '2,/^[^#]/s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"; exit ;; esac
set -euo pipefail
on_gpu=()
if [ "${1:-}" = --long ]; then
  shift
  set -- -Dlockstep.test.long=true "$@"
elif [ "${1:-}" = --gpu ]; then
  shift
  if [ ! -e /dev/nvidia0 ]; then
    echo "test.sh: --gpu needs an NVIDIA GPU, and this host has none (no /dev/nvidia0)" >&2
    exit 2
  fi
  on_gpu=(-Dgroups='gpu | device' -Dlockstep.test.device=cuda:0 -DskipITs
    -Dmaven.test.dependency.excludes=ai.djl.pytorch:pytorch-native-cpu) # which DJL would prefer
fi
# shellcheck source=launch/setup.sh
. "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/setup.sh"
cd "$LOCKSTEP_HOME"
export JAVA_HOME=${JAVA%/bin/java}
rm -rf target/surefire-reports target/failsafe-reports
if [ -e target/not-analysed ]; then # launch/setup.sh has compiled since
  rm -rf target/classes target/not-analysed
fi
start=$SECONDS
status=0
mvn -B --no-transfer-progress verify ${on_gpu[@]+"${on_gpu[@]}"} "$@" </dev/null || status=$?

# Maven counts units and integration tests apart; this is the sum, with the reason of every test that was skipped.
awk -v seconds=$((SECONDS - start)) -v status=$status '
  function attribute(name) { return match($0, " " name "=\"[^\"]*\"") ? substr($0, RSTART + length(name) + 3, RLENGTH - length(name) - 4) : "" }
  /<testsuite / { tests += attribute("tests"); bad += attribute("errors") + attribute("failures"); skipped += attribute("skipped") }
  /<testcase / { name = attribute("classname") "." attribute("name") }
  /<skipped/ {
    why = attribute("message")
    if (why == "") { why = $0; sub(/^.*(Assumption failed|TestAbortedException): /, "", why) } # from an assumption
    if (why ~ /^long: /) { long++ } else { print "skipped: " name ": " why }
  }
  END {
    if (long) { printf "lockstep: %d long tests, or tests of many cases, are left out: launch/test.sh --long runs them\n", long }
    printf "lockstep: %d tests, %d passed, %d failed, %d skipped, %d s%s\n", tests - long, tests - bad - skipped, bad,
        skipped - long, seconds, status == 0 ? "" : ", build FAILED"
  }' /dev/null $(find target/surefire-reports target/failsafe-reports -name 'TEST-*.xml' 2>/dev/null)
exit "$status"
