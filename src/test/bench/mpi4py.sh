#!/usr/bin/env bash
# Collectives of Lockstep beside those of mpi4py over Open MPI, over shared memory and over TCP, in turns on this host: the
# same values, the same numbers of calls. By hand after a build (launch/setup.sh and mvn test-compile), with Debian's
# python3-mpi4py and openmpi-bin (apt-get install --no-install-recommends):
#
#   src/test/bench/mpi4py.sh [TURNS [CALLS [ROWS]]]      3 turns; warm after 10,000 calls, fewer where values are large;
#                                                        ROWS: only those that begin so, "gather objects 10000"
#
# OLD=DIR measures another build of Lockstep too, in the same turns; DEV=niodev takes that device. Collectives are of four
# ranks; send is one way between two, by themselves. A call takes as long as the slowest rank is in it; the cold figure is the
# median of a row's first 10 calls, the warm one of a tenth of those that came before; then the median of the turns. Objects
# are results of generate, dicts in Python, as JSON here and pickled there; floats are arrays.
set -euo pipefail

home=$(cd -P "$(dirname "${BASH_SOURCE[0]}")/../../.." && pwd)
turns=${1:-3} calls=${2:-10000} rows=${3:-}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
ours() { # NAME DIR N
  "$2/launch/mpjrun.sh" -np "$3" --device cpu --dev "${DEV:-auto}" -cp "$home/target/test-classes" \
    dev.lockstep.fixtures.CompareCollectives "$calls" "$rows" | sed -u "s/^/$1 /" >>"$work/all"
}
theirs() { # NAME BTL N
  mpirun --allow-run-as-root --oversubscribe --mca pml ob1 --mca btl "$2" -np "$3" /usr/bin/python3 \
    "$home/src/test/bench/mpi4py_collectives.py" "$calls" "$rows" | sed -u "s/^/$1 /" >>"$work/all"
}
for ((turn = 0; turn < turns; turn++)); do
  for n in 4 2; do
    [ "$n" = 4 ] || [ -z "$rows" ] || [[ $rows == send* ]] || continue
    [ "$n" = 2 ] || [[ $rows != send* ]] || continue
    ours ours "$home" "$n"
    [ -z "${OLD:-}" ] || ours old "$OLD" "$n"
    theirs sm self,vader "$n"
    theirs tcp self,tcp "$n"
  done
done
echo "$(date +%F), $(nproc) cores, $(awk -F': ' '/model name/ { print $2; exit }' /proc/cpuinfo), load $(cut -d ' ' -f 1 /proc/loadavg), ${DEV:-auto}"
printf '%-13s %-7s %8s %-5s %11s %11s %11s %7s %7s' verb kind per-rank '' 'Lockstep us' 'shared us' 'TCP us' /shared /TCP
[ -z "${OLD:-}" ] || printf ' %11s %7s' 'old us' /old
echo
awk '
  function median(key,   i, j, t, m) {
    m = count[key]
    for (i = 1; i <= m; i++) for (j = i + 1; j <= m; j++) if (value[key, j] < value[key, i]) { t = value[key, i]; value[key, i] = value[key, j]; value[key, j] = t }
    return m % 2 ? value[key, (m + 1) / 2] : (value[key, m / 2] + value[key, m / 2 + 1]) / 2
  }
  function ratio(a, b) { return b ? sprintf("%.2f", a / b) : "-" }
  { name = $2 " " $3 " " $4 " " $5; key = $1 " " name; value[key, ++count[key]] = $6 + 0; if (!seen[name]++) names[++n] = name; if ($1 == "old") old = 1 }
  END {
    for (i = 1; i <= n; i++) {
      split(names[i], f, " ")
      ours = median("ours " names[i]); sm = median("sm " names[i]); tcp = median("tcp " names[i])
      printf "%-13s %-7s %8d %-5s %11.1f %11.1f %11.1f %7s %7s", f[1], f[2], f[3], f[4], ours, sm, tcp, ratio(ours, sm), ratio(ours, tcp)
      if (old) { before = median("old " names[i]); printf " %11.1f %7s", before, ratio(ours, before) }
      print ""
    }
  }' "$work/all"
