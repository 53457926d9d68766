#!/usr/bin/env bash
# Mutated files: config.json, tokenizer.json, the safetensors header, generation_config.json, chat templates and prompts
# with something changed at random, each read as a job reads it. Run by hand after a build with tests (mvn test-compile):
#
#   src/test/soak/files.sh [N [SEED]]   N mutations (5,000); the process that reads them has a heap of 512 MB, and is
#                                       started again behind a mutation that ends it or takes more than ten seconds.
#
# Each must be read or refused in a sentence. Prints what came out, by kind of file, and ends with 1 where there were
# stack traces, hangs, dead processes or full heaps; the files that failed stay in the directory it names. A tokenizer.json
# that ends the process is counted by itself: that is what `model --check` is for.
#
# Measured 2026-11-26 on 2 cores: 4 times 5,000 mutations in 6 to 16 s, seeds 1, 11, 12, 13: 0 stack traces, 0 hangs, 0 full
# heaps, 0 processes that ended.
set -euo pipefail

home=$(cd -P "$(dirname "${BASH_SOURCE[0]}")/../../.." && pwd)
count=${1:-5000} seed=${2:-1}
work=$(mktemp -d)
classes=$home/target/test-classes:$home/target/classes
for jar in "$home"/target/lib/*.jar "$home"/target/lib-cpu/*.jar; do classes=$classes:$jar; done
export DJL_CACHE_DIR=${DJL_CACHE_DIR:-${LOCKSTEP_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/lockstep}/djl}

next=0 failures=0 aborts=0 hangs=0
begin=$SECONDS
while [ "$next" -lt "$count" ]; do
  code=0
  java -Xmx512m -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -XX:-CreateCoredumpOnCrash -XX:ErrorFile=/dev/null \
    -Dlockstep.home="$home" -Dlogback.configurationFile="$home/conf/logback.xml" -cp "$classes" \
    dev.lockstep.fixtures.MutatedFiles "$work" "$seed" "$next" "$((count - next))" >"$work/log" 2>"$work/errors" || code=$?

  grep '^FAILED' "$work/log" || true
  cat "$work/log" >>"$work/all"
  last=$(sed -n 's/^next //p' "$work/log" | tail -n 1)
  case $code in
    0 | 1) next=$count ;;
    3) hangs=$((hangs + 1)) next=$((last + 1)) ;;
    *)
      file=$(find "$work" -maxdepth 1 -name '*.json*' -newer "$work/config.json" | head -n 1)
      echo "ended with $code at $last (${file##*/}): $(grep -m 1 -E 'panicked|OutOfMemory|SIG' "$work/errors" || head -n 1 "$work/errors")"
      cp "$work/tokenizer.json" "$work/failed-$last-tokenizer.json"
      aborts=$((aborts + 1)) next=$((last + 1))
      ;;
  esac
done
failures=$(grep -c '^FAILED' "$work/all" || true)
grep '^outcome' "$work/all" | awk '{ n[$2 " " $3]++ } END { for (k in n) print n[k], k }' | sort -k2 || true
echo "$count mutations in $((SECONDS - begin)) s: $failures failed, of them $hangs hangs; $aborts processes ended; seed $seed"
if [ "$failures" -gt 0 ] || [ "$aborts" -gt 0 ]; then
  echo "the files are in $work"
  exit 1
fi
rm -rf "$work"
