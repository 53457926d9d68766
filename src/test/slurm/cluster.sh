#!/usr/bin/env bash
# cluster.sh up DIR | down DIR: a Slurm of its own on this machine, node1 and node2 with four GPUs each that are only
# null devices; clients find it by SLURM_CONF=DIR/slurm.conf. "pids DIR" prints what the daemons run as. DIR is short: it
# holds sockets. Needs root (for the device files), Slurm and munge; without, "up" says why and exits with 3.
set -euo pipefail
dir=$2
export SLURM_CONF=$dir/slurm.conf PATH=$PATH:/usr/sbin:/sbin
skip() { echo "$*"; exit 3; }

pids() { cat "$dir"/*.pid 2>/dev/null || true; }

down() {
  timeout 5 scancel --full --user="$(id -un)" 2>/dev/null || true
  local pid all
  all=$(pids)
  for pid in $all; do kill "$pid" 2>/dev/null || true; done
  for _ in {1..60}; do
    local alive=
    for pid in $all; do kill -0 "$pid" 2>/dev/null && alive=1; done
    [ -n "$alive" ] || return 0
    read -r -t 0.05 <> <(:) || true
  done
  for pid in $all; do kill -KILL "$pid" 2>/dev/null || true; done
}

case $1 in
  up)
    [ "$(id -u)" = 0 ] || skip "making GPUs for a Slurm takes root"
    for tool in slurmctld slurmd srun sbatch munged mknod; do command -v "$tool" >/dev/null || skip "there is no $tool"; done
    mkdir -p "$dir/state" "$dir/spool" "$dir/munge" && chmod 711 "$dir" "$dir/munge"
    (umask 077 && head -c 1024 /dev/urandom >"$dir/key")
    for gpu in 0 1 2 3; do mknod "$dir/gpu$gpu" c 1 3 || skip "device files cannot be made"; done
    me=$(id -un) host=$(hostname)
    port=$((20000 + $$ % 9000))
    cat >"$SLURM_CONF" <<EOF
ClusterName=lockstep
SlurmctldHost=$host(127.0.0.1)
SlurmctldPort=$port
SlurmUser=$me
SlurmdUser=$me
AuthInfo=socket=$dir/munge/socket
StateSaveLocation=$dir/state
SlurmdSpoolDir=$dir/spool/%n
SlurmctldPidFile=$dir/slurmctld.pid
SlurmdPidFile=$dir/slurmd-%n.pid
SlurmctldLogFile=$dir/slurmctld.log
SlurmdLogFile=$dir/slurmd-%n.log
MailProg=/bin/true
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SchedulerParameters=batch_sched_delay=0,sched_interval=1
SlurmdParameters=config_overrides
GresTypes=gpu
JobAcctGatherType=jobacct_gather/none
ReturnToService=2
KillWait=2
MinJobAge=60
NodeName=node1 NodeHostname=$host NodeAddr=127.0.1.1 Port=$((port + 1)) CPUs=8 Gres=gpu:4
NodeName=node2 NodeHostname=$host NodeAddr=127.0.1.2 Port=$((port + 2)) CPUs=8 Gres=gpu:4
PartitionName=all Nodes=node[1-2] Default=YES MaxTime=10 State=UP
EOF
    printf 'AutoDetect=off\nName=gpu File=%s/gpu[0-3]\n' "$dir" >"$dir/gres.conf"
    echo CgroupPlugin=cgroup/v1 >"$dir/cgroup.conf"
    trap '[ $? = 0 ] || { grep -hE "error|fatal" "$dir"/*.log 2>/dev/null | tail -n 5; down; }' EXIT
    munged --key-file="$dir/key" --socket="$dir/munge/socket" --pid-file="$dir/munged.pid" --log-file="$dir/munged.log" \
      --seed-file="$dir/munged.seed"
    slurmctld -c
    slurmd -N node1
    slurmd -N node2
    for _ in {1..200}; do
      [ "$(timeout 5 sinfo -h -t idle -o %D 2>/dev/null || true)" != 2 ] || exit 0
      read -r -t 0.05 <> <(:) || true
    done
    echo "Slurm's nodes did not come up"
    exit 1
    ;;
  pids) pids ;;
  down) down ;;
esac
