#!/usr/bin/env bash
# Does a job survive a journal that was damaged? Run by hand after a build (launch/test.sh, or mvn package -DskipTests
# and mvn test-compile):
#
#   src/test/soak/journal.sh [CASES] [SEED]   CASES (2000) journals of a job that was killed three times, each damaged in
#                                             one place or several, single bits and edits by hand, and gone on with.
#
# In one process and without a model; everything around the journal is the real thing. Each job has to end with the results
# that it would have had, or to refuse in a sentence that says what to remove. Prints how many did what, and ends with 1 at
# the first that did neither.
set -euo pipefail

home=$(cd -P "$(dirname "${BASH_SOURCE[0]}")/../../.." && pwd)
exec java -Dlockstep.home="$home" -cp "$home/target/test-classes:$home/target/classes:$home/target/lib/*:$(find "${HOME}/.m2/repository" \
  -name 'assertj-core-*.jar' | tail -n 1)" dev.lockstep.batch.JournalFuzz "${1:-2000}" "${2:-1}"
