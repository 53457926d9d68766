#!/usr/bin/env bash
# Collectives of Lockstep beside those of mpi4py over Open MPI and TCP, four ranks each on this host, the same values and
# repeats, in turns. By hand after a build (mvn package), with Debian's python3-mpi4py and openmpi-bin:
#
#   src/test/bench/mpi4py.sh [TURNS [WARM [REPEATS [ROWS]]]]      3 turns of 10 calls that do not count and 10 that do;
#                                                                 ROWS: only those that begin so, "gather objects 10000"
#
# Prints for every verb, kind of value and number of them per rank the medians, and how often mpi4py's time Lockstep's is.
# Objects are results of generate, dicts in Python, as JSON here and pickled there; floats are arrays.
set -euo pipefail

home=$(cd -P "$(dirname "${BASH_SOURCE[0]}")/../../.." && pwd)
turns=${1:-3} warm=${2:-10} repeats=${3:-10} rows=${4:-}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
for ((turn = 0; turn < turns; turn++)); do
  "$home/launch/mpjrun.sh" -np 4 --device cpu -cp "$home/target/test-classes" dev.lockstep.fixtures.CompareCollectives \
    "$warm" "$repeats" "$rows" | sed 's/^/ours /' >>"$work/all"
  mpirun --allow-run-as-root --oversubscribe --mca btl tcp,self -np 4 /usr/bin/python3 \
    "$home/src/test/bench/mpi4py_collectives.py" "$warm" "$repeats" "$rows" | sed 's/^/theirs /' >>"$work/all"
done
echo "$(date +%F), $(nproc) cores, $(awk -F': ' '/model name/ { print $2; exit }' /proc/cpuinfo), load $(cut -d ' ' -f 1 /proc/loadavg)"
printf '%-10s %-8s %9s %14s %14s %7s\n' verb kind per-rank 'Lockstep us' 'mpi4py us' ratio
sort -k 2,2 -k 3,3 -k 4,4n -k 1,1 -k 5,5n "$work/all" | awk '
  function median(  m) { m = n % 2 ? value[(n + 1) / 2] : (value[n / 2] + value[n / 2 + 1]) / 2; n = 0; return m }
  function close_group() { if (n) result[last] = median() }
  { key = $1 " " $2 " " $3 " " $4; if (key != last) { close_group(); last = key; if ($1 == "ours") order[++rows] = $2 " " $3 " " $4 } value[++n] = $5 }
  END {
    close_group()
    for (i = 1; i <= rows; i++) {
      split(order[i], f, " ")
      ours = result["ours " order[i]]; theirs = result["theirs " order[i]]
      printf "%-10s %-8s %9d %14.0f %14.0f %7.2f\n", f[1], f[2], f[3], ours, theirs, ours / theirs
    }
  }'
