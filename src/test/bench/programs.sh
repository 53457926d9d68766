#!/usr/bin/env bash
# Five programs as a user would write them, beside the same with mpi4py and numpy: a halo exchange, a sample sort, k-means, a
# task farm, and stochastic gradient descent whose gradients are all-reduced. Four ranks each, by turns. By hand after a
# build (launch/setup.sh), with Debian's python3-mpi4py, python3-numpy and openmpi-bin (--no-install-recommends):
#
#   src/test/bench/programs.sh [TURNS [PROGRAM...]]      3 turns of Jacobi SampleSort KMeans TaskFarm Sgd
#
# Prints, of each pair, lines of code without blanks and comments, the seconds that the programs measure themselves, from
# their data on, and those of the whole command, the median of the turns each, and ratios. Ends with 1 when a pair does not
# compute the same. LARGE=yes gives them about four times as much to do, ten times as many tasks. DEV=niodev takes that device, BTL=self,tcp Open MPI's TCP instead of shared memory. Java programs are
# compiled beforehand, so that the command does not wait for that; nothing is warm.
set -euo pipefail

home=$(cd -P "$(dirname "${BASH_SOURCE[0]}")/../../.." && pwd)
turns=${1:-3}
programs=("${@:2}")
[ ${#programs[@]} -gt 0 ] || programs=(Jacobi SampleSort KMeans TaskFarm Sgd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 # there are more ranks than processors
declare -A java arguments=([Jacobi]="" [SampleSort]="" [KMeans]="" [TaskFarm]="" [Sgd]="")
[ -z "${LARGE:-}" ] || arguments=([Jacobi]="1000 2000" [SampleSort]=16000000 [KMeans]=800000 [TaskFarm]=200000 [Sgd]="20000 2000")
for program in "${programs[@]}"; do
  for place in "$home/examples" "$home/src/test/bench/programs"; do
    [ ! -e "$place/$program.java" ] || java[$program]=$place/$program.java
  done
done
javac -cp "$home/target/lockstep.jar:$home/target/lib/*" -d "$work/classes" "${java[@]}"

lines() { # FILE
  case $1 in
    *.java) sed -E 's,^ *(//|/?\*).*,,' "$1" ;;
    *) sed -E 's,^ *(#|""").*,,' "$1" ;;
  esac | grep -c '[^[:space:]]'
}
timed() { # WHO PROGRAM COMMAND...
  local begin
  begin=$(date +%s%3N)
  "${@:3}" >"$work/out"
  echo "$1 $2 $(sed -E 's/^(.*) in ([0-9.]+) s$/\2 \1/' "$work/out" | awk -v wall=$(($(date +%s%3N) - begin)) '{ print $1, wall / 1000, $3 }')" \
    >>"$work/all"
}
for ((turn = 0; turn < turns; turn++)); do
  for program in "${programs[@]}"; do
    # shellcheck disable=SC2086
    timed ours "$program" "$home/launch/mpjrun.sh" -q -np 4 --device cpu --dev "${DEV:-auto}" -cp "$work/classes" "$program" \
      ${arguments[$program]}
    # shellcheck disable=SC2086
    timed theirs "$program" mpirun --allow-run-as-root --oversubscribe --mca pml ob1 --mca btl "${BTL:-self,vader}" -np 4 \
      /usr/bin/python3 "$home/src/test/bench/programs/${program,,}.py" ${arguments[$program]}
  done
done
echo "$(date +%F), $(nproc --all) cores, $(awk -F': ' '/model name/ { print $2; exit }' /proc/cpuinfo), load $(cut -d ' ' -f 1 /proc/loadavg)," \
  "${DEV:-auto} beside ${BTL:-self,vader}, $turns turns${LARGE:+, large}"
printf '%-12s %6s %7s %6s   %10s %9s %6s   %10s %9s %6s   %s\n' program lines mpi4py ratio seconds mpi4py ratio command mpi4py ratio result
for program in "${programs[@]}"; do
  awk -v program="$program" -v ours="$(lines "${java[$program]}")" -v theirs="$(lines "$home/src/test/bench/programs/${program,,}.py")" '
    function median(who, what,   i, j, t, m) {
      m = count[who]
      for (i = 1; i <= m; i++) for (j = i + 1; j <= m; j++) if (v[who, what, j] < v[who, what, i]) {
        t = v[who, what, i]; v[who, what, i] = v[who, what, j]; v[who, what, j] = t
      }
      return m % 2 ? v[who, what, (m + 1) / 2] : (v[who, what, m / 2] + v[who, what, m / 2 + 1]) / 2
    }
    $2 == program {
      n = ++count[$1]; v[$1, "own", n] = $3 + 0; v[$1, "command", n] = $4 + 0
      if (result == "") result = $5
      if ($5 != result) differ = 1
    }
    END {
      printf "%-12s %6d %7d %6.2f   %10.2f %9.2f %6.2f   %10.2f %9.2f %6.2f   %s\n", program, ours, theirs, ours / theirs,
        median("ours", "own"), median("theirs", "own"), median("ours", "own") / median("theirs", "own"),
        median("ours", "command"), median("theirs", "command"), median("ours", "command") / median("theirs", "command"),
        result (differ ? " AND OTHERS" : "")
      exit differ
    }' "$work/all"
done
