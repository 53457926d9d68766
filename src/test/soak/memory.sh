#!/usr/bin/env bash
# What ranks take of a host's memory. Run by hand after a build (launch/test.sh or mvn package -DskipTests):
#
#   src/test/soak/memory.sh growth     2,000 prompts on kjv-6m, two ranks, some minutes: does a rank's resident set go on
#                                      growing? The mean of the 4th quarter of the run against that of the 3rd.
#   src/test/soak/memory.sh weights    a bfloat16 checkpoint of 2.2 GB, made in TMPDIR and deleted at the end: is it mapped,
#                                      or is there a copy of it? A rank's anonymous memory against kjv-6m's on the same path.
#
# Prints a table and ends with 1 where the answer is a bad one.
#
# Measured 2026-11-23 on CPU, 2 shared cores, 24 GB: growth 0.996 and 0.998 of the 3rd quarter (359 and 350 MB);
# weights of 2,080 MB: 2,169 MB of file pages, 167 MB of anonymous memory, as with the small model.
set -euo pipefail

home=$(cd -P "$(dirname "${BASH_SOURCE[0]}")/../../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
interval=0.1
tolerated_growth=1.02  # of the mean resident set, third quarter to fourth
tolerated_share=0.10   # of the weights, as anonymous memory beyond the small model's

# Runs the launcher with these arguments and writes a line "rank VmRSS RssAnon RssFile Private_Dirty", all kB, for each
# rank and sample into $work/samples.
sampled() {
  "$home/launch/mpjrun.sh" -q --device cpu "$@" >"$work/out" 2>"$work/err" &
  local launcher=$!
  : >"$work/samples"
  while kill -0 "$launcher" 2>/dev/null; do
    local pid
    for pid in $(pgrep -P "$launcher" || true); do
      # a process that ends between two reads leaves no line
      {
        rank=$(tr '\0' '\n' <"/proc/$pid/environ" | sed -n 's/^LOCKSTEP_RANK=//p')
        status=$(awk '/^(VmRSS|RssAnon|RssFile):/ { printf "%s ", $2 }' "/proc/$pid/status")
        dirty=$(awk '/^Private_Dirty:/ { print $2 }' "/proc/$pid/smaps_rollup")
        [ -z "$rank" ] || [ -z "$dirty" ] || echo "$rank $status $dirty" >>"$work/samples"
      } 2>/dev/null || true
    done
    sleep "$interval"
  done
  wait "$launcher" || { cat "$work/err" >&2; exit 1; }
  tail -n 1 "$work/out"
}

growth() {
  interval=0.5
  for _ in $(seq 20); do cat "$home/examples/first-lines.jsonl"; done >"$work/prompts.jsonl"
  # by default garbage takes untouched pages until a first collection, which this run would not live to see
  LOCKSTEP_JAVA_OPTS="-Xmn16m ${LOCKSTEP_JAVA_OPTS:-}" sampled -np 2 generate --prompts "$work/prompts.jsonl" --output "$work/results.jsonl"
  awk -v tolerated="$tolerated_growth" '
    { n = ++count[$1]; rss[$1, n] = $2 }
    END {
      print "rank  samples  mean VmRSS by quarter of the run, MB      4th / 3rd"
      for (rank = 0; rank in count; rank++) {
        line = ""
        for (q = 0; q < 4; q++) {
          sum = number = 0
          for (i = int(count[rank] * q / 4) + 1; i <= int(count[rank] * (q + 1) / 4); i++) { sum += rss[rank, i]; number++ }
          mean[q] = sum / number
          line = line sprintf("%9.1f", mean[q] / 1024)
        }
        printf "%4d  %7d  %s   %.4f\n", rank, count[rank], line, mean[3] / mean[2]
        if (mean[3] > mean[2] * tolerated) bad = 1
      }
      exit bad
    }' "$work/samples"
}

# Prints the largest sample of each kind of memory, in MB.
largest() {
  awk '{ for (i = 2; i <= 5; i++) if ($i > most[i]) most[i] = $i }
    END { for (i = 2; i <= 5; i++) printf "%.0f ", most[i] / 1024 }' "$work/samples"
}

weights() {
  echo '{"prompt": "In the beginning"}' >"$work/prompts.jsonl"
  local java_bin model=$work/model small large megabytes odd
  java_bin=${JAVA_HOME:+$JAVA_HOME/bin/}java
  local options=(--dtype bfloat16 --greedy --max-new-tokens 2 --ignore-eos --prompts "$work/prompts.jsonl"
    --output "$work/results.jsonl")
  printf '%-28s %9s %9s %9s %9s %9s\n' 'largest sample, MB' weights VmRSS RssAnon RssFile Priv_Dirty
  sampled -np 1 generate "${options[@]}" >/dev/null
  small=$(largest)
  # shellcheck disable=SC2086
  printf '%-28s %9s %9s %9s %9s %9s\n' 'kjv-6m' 12 $small
  "$java_bin" -Dlockstep.home="$home" -cp "$home/target/test-classes:$home/target/lockstep.jar:$home/target/lib/*" \
    dev.lockstep.fixtures.RandomCheckpoint "$model" layers=16 hidden=2048 dtype=bfloat16 >/dev/null
  sync "$model/model.safetensors" # pages not yet on disk would count as private and dirty
  megabytes=$(($(stat -c %s "$model/model.safetensors") / 1048576))
  sampled -np 1 generate --model "$model" "${options[@]}" >/dev/null
  large=$(largest)
  # shellcheck disable=SC2086
  printf '%-28s %9s %9s %9s %9s %9s\n' 'random, mapped' "$megabytes" $large
  awk -v weights="$megabytes" -v tolerated="$tolerated_share" -v small="$small" -v large="$large" 'BEGIN {
    split(small, s, " "); split(large, l, " ")
    share = (l[2] - s[2]) / weights
    printf "anonymous memory beyond the small model: %d MB, %.1f %% of the weights\n", l[2] - s[2], 100 * share
    if (l[3] < weights) { print "the weights were never resident as file pages: the sampling missed them"; exit 1 }
    exit share > tolerated
  }'
}

case ${1:-} in
  growth | weights) ;;
  *) sed -n 's/^# \{0,1\}//p' "${BASH_SOURCE[0]}" | sed -n '2,9p' >&2; exit 2 ;;
esac
echo "$1, $(date +%F), $(nproc) cores, $(awk '/MemTotal/ { printf "%.0f GB", $2 / 1048576 }' /proc/meminfo)"
"$1"
