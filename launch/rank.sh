#!/usr/bin/env bash
# One task of a Slurm step: srun --mpi=pmi2 launch/rank.sh [options] JOB [job options] runs JOB with srun's tasks as its
# ranks; the options are those of mpjrun.sh. (launch/mpjrun.sh uses it too, with --agent, on every host it starts ranks on.)
case ${1:-} in -h | --help) sed -n '2,/^[^#]/s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"; exit ;; esac
set -euo pipefail
# shellcheck source=launch/setup.sh
. "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/setup.sh"

if [ "${1:-}" = --agent ]; then
  shift
  lockstep_launcher_jvm
  lockstep_use_class_data
  exec "${lockstep_jvm[@]}" dev.lockstep.launch.remote.Agent "$@"
fi

[ -n "${SLURM_STEP_ID:-}" ] && [ -n "${SLURM_PROCID:-}" ] ||
  lockstep_stop "launch/rank.sh is for srun, which starts it once for each rank: srun --mpi=pmi2 launch/rank.sh JOB; without srun it is launch/mpjrun.sh JOB"
if [ "${SLURM_STEP_NUM_TASKS:-1}" = 1 ]; then
  exec "$LOCKSTEP_HOME/launch/mpjrun.sh" -np 1 "$@"
fi
if [ -z "${PMI_FD:-}" ]; then
  [ "$SLURM_PROCID" = 0 ] || exit 2
  lockstep_stop "srun gives its tasks no way to find each other: srun --mpi=pmi2 launch/rank.sh JOB does, and launch/mpjrun.sh JOB inside the job needs none"
fi

# PMI-1: one line to the step's daemon, one line back. The tasks exchange nothing but where rank 0's launcher is.
pmi() {
  printf '%s\n' "$1" >&"$PMI_FD"
  IFS= read -r -t 120 -u "$PMI_FD" pmi_reply || lockstep_stop "Slurm's PMI did not answer to $1"
}
pmi 'cmd=init pmi_version=1 pmi_subversion=1'
pmi 'cmd=get_my_kvsname'
kvs=${pmi_reply##*kvsname=}
kvs=${kvs%% *}
lockstep_launcher_jvm
lockstep_use_class_data
if [ "$SLURM_PROCID" = 0 ]; then
  # it writes one line to stdout, and says on stderr how the job ended; what ranks write stays with their tasks
  exec {launcher}< <(exec "${lockstep_jvm[@]}" dev.lockstep.launch.Mpjrun --serve "$@" </dev/null {PMI_FD}>&-)
  if ! IFS= read -r -u "$launcher" where; then
    where=none
  fi
  pmi "cmd=put kvsname=$kvs key=lockstep value=${where// /;}"
fi
pmi 'cmd=barrier_in'
pmi "cmd=get kvsname=$kvs key=lockstep"
where=${pmi_reply##*value=}
pmi 'cmd=finalize'
[ "$where" != none ] || exit 2 # the launcher has said why
export LOCKSTEP_LAUNCHER=${where//;/ }
exec "${lockstep_jvm[@]}" dev.lockstep.launch.remote.Agent slurm {PMI_FD}>&-
