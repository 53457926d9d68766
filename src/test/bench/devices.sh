#!/usr/bin/env bash
# What ranks of one host take to send each other something, over UCX and over MPJ Express's niodev, by turns, and what a
# job takes of either. By hand after a build (mvn package):
#
#   src/test/bench/devices.sh [ROUNDS]      3 rounds unless said otherwise
#
# Prints the median of the rounds in microseconds (generate: milliseconds of wall clock), niodev's, ucx's, and the ratio.
set -euo pipefail

home=$(cd -P "$(dirname "${BASH_SOURCE[0]}")/../../.." && pwd)
rounds=${1:-3}
all=$(mktemp)
trap 'rm -f "$all"' EXIT
echo "devices, $(date +%F), $(nproc) cores"
for round in $(seq "$rounds"); do
  for device in niodev ucx; do
    for n in 2 4; do
      "$home/launch/mpjrun.sh" -np "$n" --device cpu --dev "$device" -cp "$home/target/test-classes" \
        dev.lockstep.fixtures.DeviceTimes | sed "s/^/$device\tN=$n /" >>"$all"
    done
    begun=$(date +%s%N)
    "$home/launch/mpjrun.sh" -np 2 -q --device cpu --dev "$device" generate \
      --output /dev/null >/dev/null
    printf '%s\tN=2 generate (wall, ms)\t%s\n' "$device" $((($(date +%s%N) - begun) / 1000000)) >>"$all"
  done
done
awk -F'\t' '
  { key = $1 "\t" $2; count[key]++; value[key, count[key]] = $3; if (!seen[$2]++) names[++n] = $2 }
  function median(key,   i, j, t, m) {
    m = count[key]
    for (i = 1; i <= m; i++) for (j = i + 1; j <= m; j++) if (value[key, j] + 0 < value[key, i] + 0) { t = value[key, i]; value[key, i] = value[key, j]; value[key, j] = t }
    return value[key, int((m + 1) / 2)]
  }
  END {
    printf "%-28s %12s %12s %8s\n", "", "niodev", "ucx", "ratio"
    for (i = 1; i <= n; i++) { a = median("niodev\t" names[i]); b = median("ucx\t" names[i]); printf "%-28s %12.1f %12.1f %8.3f\n", names[i], a, b, b / a }
  }' "$all"
