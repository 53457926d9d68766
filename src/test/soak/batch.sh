#!/usr/bin/env bash
# Large batches and uneven ones. Run by hand after a build (launch/test.sh or mvn package -DskipTests):
#
#   src/test/soak/batch.sh rows [N]     N prompts (1,000,000) x 1 new token on kjv-6m, two ranks: rows per second, and the
#                                       most memory each rank had resident; every row must be there, in order.
#   src/test/soak/batch.sh balance [N]  N prompts (400) of 10 to 1,000 new tokens each, four ranks: how much of the ranks'
#                                       time is idle at the end, for --split dynamic and block.
#
# Prints figures and ends with 1 where the answer is a bad one.
#
# Measured 2026-11-23 on CPU, 2 cores shared with other builds (load 6 to 8): 100,000 rows in 34 s, 2,931 rows per second,
# 406 and 396 MB with a heap of at most 512 MB; balance of 200 prompts, 106,228 tokens, dynamic: idle 0.4 % of 259 s.
set -euo pipefail

home=$(cd -P "$(dirname "${BASH_SOURCE[0]}")/../../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

generate() {
  "$home/launch/mpjrun.sh" --device cpu "$@" --prompts "$work/prompts.jsonl" --output "$work/results.jsonl" \
    --report "$work/report.json" --ignore-eos --greedy
}

# Prints "rank prompts seconds peak_memory_MB" for each rank.
ranks() {
  awk -F'[:,] *' '/"rank":/ { rank = $2 } /"prompts":/ { prompts = $2 } /"seconds":/ { seconds = $2 }
    /"peak_memory_bytes":/ { printf "%d %d %.2f %.0f\n", rank, prompts, seconds, $2 / 1048576 }' "$work/report.json"
}

rows() {
  local count=${1:-1000000}
  seq "$count" | sed 's/.*/{"prompt": "And", "id": "&"}/' >"$work/prompts.jsonl"
  # touched pages are what counts, not what the collector was free to take
  LOCKSTEP_JAVA_OPTS="-Xmx512m ${LOCKSTEP_JAVA_OPTS:-}" generate -np 2 generate --max-new-tokens 1 --batch-size 256
  echo "rank prompts seconds peak-MB"
  ranks
  sed -n 's/^{"index":\([0-9]*\),"id":"\([0-9]*\)",.*/\1 \2/p' "$work/results.jsonl" |
    awk -v count="$count" '$1 != NR - 1 || $2 != NR { print "row " NR " is " $0; exit 1 } END { exit NR != count }'
}

balance() {
  awk -v count="${1:-400}" 'BEGIN { srand(1); for (i = 0; i < count; i++)
    printf "{\"prompt\": \"In the beginning\", \"max_tokens\": %d}\n", 10 + int(rand() * 991) }' >"$work/prompts.jsonl"
  local split bad=0
  for split in dynamic block; do
    generate -q -np 4 generate --batch-size 8 --split "$split"
    ranks | awk -v how="$split" -v job="$(awk -F'[:,] *' '/^  "seconds":/ { print $2 }' "$work/report.json")" '
      { idle += job - $3; n++; line = line " " $2 "/" $3 "s" }
      END { share = idle / (n * job)
        printf "%s: prompts/seconds by rank%s; idle %.1f %% of %.1f s\n", how, line, 100 * share, job
        exit how == "dynamic" && share >= 0.05 }' || bad=1
    sed 's/"rank":[0-9]*//' "$work/results.jsonl" >"$work/$split"
  done
  cmp "$work/dynamic" "$work/block" && return "$bad"
}

case ${1:-} in
  rows | balance) ;;
  *) sed -n 's/^# \{0,1\}//p' "${BASH_SOURCE[0]}" | sed -n '2,10p' >&2; exit 2 ;;
esac
echo "$1, $(date +%F), $(nproc) cores, load $(cut -d' ' -f1 /proc/loadavg)"
"$@"
