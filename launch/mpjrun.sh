#!/usr/bin/env bash
# Runs a program as N ranks: launch/mpjrun.sh [options] JOB [job options]; -h tells all.
set -euo pipefail

# for the report; in bash before 5 it is not known
begun=${EPOCHREALTIME:-}
self=$(readlink -f "${BASH_SOURCE[0]}")
. "${self%/*}/setup.sh"

terminal=false
[ -t 2 ] && terminal=true
lockstep_launcher_jvm
lockstep_use_class_data
# exec: the launcher has this script's pid, so signals reach it
exec "${lockstep_jvm[@]}" -Dlockstep.terminal="$terminal" -Dlockstep.command.millis="${begun:0:10}${begun:11:3}" \
  dev.lockstep.launch.Mpjrun "$@"
