#!/usr/bin/env bash
# Large batches and uneven ones. Run by hand after a build (launch/test.sh or mvn package -DskipTests):
#
#   src/test/soak/batch.sh rows [N]     N prompts (1,000,000) x 1 new token on a tiny model, two ranks: what launcher and
#                                       ranks have resident over time, which has to stay flat but for 16 bytes a row on
#                                       rank 0; every row must be there, in order.
#   src/test/soak/batch.sh balance [N]  N prompts (400) of 10 to 1,000 new tokens each, four ranks: how much of the ranks'
#                                       time is idle at the end, for --split dynamic and block.
#
# Prints figures and ends with 1 where the answer is a bad one.
#
# Measured 2026-11-24 on CPU, 2 cores shared with other builds (load 9 to 18), ranks with a heap of at most 256 MB:
# 1,000,000 rows in 199 s, 5,021 rows per second; resident at a tenth, at half and at nine tenths of the time: rank 0 288,
# 282 and 283 MB (297 while it merges), rank 1 295, 276 and 267 MB, launcher 55, 58 and 62 MB.
# 2026-11-23: balance of 200 prompts, 106,228 tokens, dynamic: idle 0.4 % of 259 s.
# 2026-11-24, load 29: balance of 120 prompts, 65,090 tokens: dynamic idle 3.1 % of 240 s, block 8.1 % of 124 s.
set -euo pipefail

home=$(cd -P "$(dirname "${BASH_SOURCE[0]}")/../../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

generate() {
  exec "$home/launch/mpjrun.sh" --device cpu "$@" --prompts "$work/prompts.jsonl" --output "$work/results.jsonl" \
    --report "$work/report.json" --ignore-eos --greedy
}

# Prints "rank prompts seconds peak_memory_MB" for each rank.
ranks() {
  awk -F'[:,] *' '/"rank":/ { rank = $2 } /"prompts":/ { prompts = $2 } /"seconds":/ { seconds = $2 }
    /"peak_memory_bytes":/ { printf "%d %d %.2f %.0f\n", rank, prompts, seconds, $2 / 1048576 }' "$work/report.json"
}

# Writes "seconds name VmRSS" of the launcher and its ranks into $work/memory every second until the launcher ends.
watch() { # LAUNCHER
  local pid name begin=$SECONDS
  while kill -0 "$1" 2>/dev/null; do
    for pid in "$1" $(pgrep -P "$1" || true); do
      # a process that ends between two reads leaves no line
      {
        name=$(tr '\0' '\n' <"/proc/$pid/environ" | sed -n 's/^LOCKSTEP_RANK=/rank-/p')
        awk -v at=$((SECONDS - begin)) -v name="${name:-launcher}" '/^VmRSS:/ { print at, name, $2 }' "/proc/$pid/status"
      } 2>/dev/null >>"$work/memory" || true
    done
    sleep 1
  done
}

rows() {
  local count=${1:-1000000} golden=$home/src/test/resources/golden
  mkdir "$work/model"
  cp "$golden"/llama-gqa/*.json "$golden"/llama-gqa/model.safetensors "$golden"/tokenizer*.json "$work/model"
  seq "$count" | sed 's/.*/{"prompt": "And", "id": "&"}/' >"$work/prompts.jsonl"
  # touched pages are what counts, not what the collector was free to take
  LOCKSTEP_JAVA_OPTS="-Xmx256m -Xmn32m ${LOCKSTEP_JAVA_OPTS:-}" generate -q -np 2 generate --model "$work/model" \
    --max-new-tokens 1 --batch-size 256 &
  watch $!
  wait $!
  echo "rank prompts seconds peak-MB"
  ranks
  awk -v rows="$count" '
    { at[$2, ++n[$2]] = $1; mb[$2, n[$2]] = $3 / 1024 }
    END {
      print "resident MB (seconds) at tenths of the run:"
      for (name in n) {
        line = sprintf("%-9s", name)
        for (i = 1; i <= 10; i++) { k = int((n[name] - 1) * i / 10) + 1; line = line sprintf(" %4.0f (%d)", mb[name, k], at[name, k]) }
        second = fourth = 0
        quarter = int(n[name] / 4)
        for (k = 1; k <= quarter; k++) { second += mb[name, quarter + k]; fourth += mb[name, 3 * quarter + k] }
        # what the launcher has not collected yet is garbage: its heap takes minutes to fill for the first time
        may = name == "rank-0" ? rows * 16 / 2 / 1048576 : name == "launcher" ? 16 : 0
        printf "%s; last quarter of the time over the second: %+.1f MB\n", line, (fourth - second) / quarter
        if (fourth / quarter > second / quarter * 1.05 + may) bad = 1
      }
      exit bad
    }' "$work/memory"
  sed -n 's/^{"index":\([0-9]*\),"id":"\([0-9]*\)",.*/\1 \2/p' "$work/results.jsonl" |
    awk -v count="$count" '$1 != NR - 1 || $2 != NR { print "row " NR " is " $0; exit 1 } END { exit NR != count }'
}

balance() {
  awk -v count="${1:-400}" 'BEGIN { srand(1); for (i = 0; i < count; i++)
    printf "{\"prompt\": \"In the beginning\", \"max_tokens\": %d}\n", 10 + int(rand() * 991) }' >"$work/prompts.jsonl"
  local split bad=0
  for split in dynamic block; do
    (generate -q -np 4 generate --batch-size 8 --split "$split")
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
  *) sed -n 's/^# \{0,1\}//p' "${BASH_SOURCE[0]}" | sed -n '2,11p' >&2; exit 2 ;;
esac
echo "$1, $(date +%F), $(nproc) cores, load $(cut -d' ' -f1 /proc/loadavg)"
"$@"
