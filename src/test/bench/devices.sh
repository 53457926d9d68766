#!/usr/bin/env bash
# What ranks of one host take to send each other something, over MPJ Express's niodev, Lockstep's TCP, the same encrypted,
# and UCX, by turns, and what a job takes of each. By hand after a build (mvn package):
#
#   src/test/bench/devices.sh [ROUNDS]      3 rounds unless said otherwise
#
# Prints the median of the rounds in microseconds (generate: milliseconds of wall clock), and its ratio to niodev's.
set -euo pipefail

home=$(cd -P "$(dirname "${BASH_SOURCE[0]}")/../../.." && pwd)
rounds=${1:-3}
all=$(mktemp)
trap 'rm -f "$all"' EXIT
echo "devices, $(date +%F), $(nproc) cores"
for round in $(seq "$rounds"); do
  for device in niodev tcp tcp,--encrypt ucx; do
    read -ra options <<<"--dev ${device//,/ }"
    for n in 2 4; do
      "$home/launch/mpjrun.sh" -np "$n" --device cpu "${options[@]}" -cp "$home/target/test-classes" \
        dev.lockstep.fixtures.DeviceTimes | sed "s/^/$device\tN=$n /" >>"$all"
    done
    begun=$(date +%s%N)
    "$home/launch/mpjrun.sh" -np 2 -q --device cpu "${options[@]}" generate \
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
    devices = split("niodev tcp tcp,--encrypt ucx", device, " ")
    printf "%-28s", ""
    for (d = 1; d <= devices; d++) printf d == 1 ? " %12s" : " %14s %6s", device[d], "ratio"
    printf "\n"
    for (i = 1; i <= n; i++) {
      printf "%-28s", names[i]
      for (d = 1; d <= devices; d++) {
        m = median(device[d] "\t" names[i])
        if (d == 1) { first = m; printf " %12.1f", m } else printf " %14.1f %6.3f", m, m / first
      }
      printf "\n"
    }
  }' "$all"
