#!/usr/bin/env bash
# Runs a program as N ranks: launch/mpjrun.sh [options] JOB [job options]; -h tells all.
set -euo pipefail

. "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/setup.sh"

# DJL unpacks its native libraries there; beside what else Lockstep fetched, unless the user has a place for them
export DJL_CACHE_DIR=${DJL_CACHE_DIR:-${LOCKSTEP_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/lockstep}/djl}

terminal=false
[ -t 2 ] && terminal=true
lib=$LOCKSTEP_HOME/target/lib
picocli=("$lib"/picocli-*.jar)

# exec: the launcher has this script's pid, so signals reach it. The flags are for a fast start of a small program.
exec "$JAVA" -XX:TieredStopAtLevel=1 -XX:+UseSerialGC -XX:-UsePerfData -Xshare:auto -Xmx256m -Dfile.encoding=UTF-8 \
  -Dsun.stdout.encoding=UTF-8 -Dsun.stderr.encoding=UTF-8 -Dlockstep.home="$LOCKSTEP_HOME" -Dlockstep.mpj.jar="$MPJ_JAR" \
  -Dlockstep.terminal="$terminal" -cp "$LOCKSTEP_HOME/target/lockstep.jar:${picocli[0]}" dev.lockstep.launch.Mpjrun "$@"
