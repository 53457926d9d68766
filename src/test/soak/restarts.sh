#!/usr/bin/env bash
# Does a job outlive its ranks by itself? Run by hand after a build (launch/test.sh or mvn package -DskipTests), for long:
#
#   src/test/soak/restarts.sh [KILLS] [SEED] [here|hosts]   until KILLS (100) kills have hit, on this host or over ssh.
#
# The job of kills.sh (500 rows of 20 to 150 sampled tokens on a tiny model) runs to its end undisturbed. Then it runs again and
# again under --max-restarts, and every few moments something of it gets a SIGKILL: a rank, or the launcher, after which --resume
# goes on; with "hosts", three network namespaces with an sshd each (src/test/ssh/hosts.sh, which takes root), also an agent,
# and a host is taken off the network until the others go on without it. Checked:
#   - the finished file is byte for byte the undisturbed one's, but for "rank"; a row may differ only by being set aside;
#   - the launcher says each restart, and ends with 0 or 3, and with 137 where it was killed itself;
#   - once the job is over no process of it is left, on no host, and no file but the results.
# Prints a line for each kill, with the time until a row was finished by the ranks after it, and a summary; ends with 1 at the
# first thing that is wrong, and keeps its directory.
set -euo pipefail

home=$(cd -P "$(dirname "${BASH_SOURCE[0]}")/../../.." && pwd)
kills=${1:-100}
seed=${2:-1}
mode=${3:-here}
RANDOM=$seed
golden=$home/src/test/resources/golden
work=$(mktemp -d)
hosts=$home/src/test/ssh/hosts.sh
tag=soak-$$-$RANDOM
export LOCKSTEP_HEARTBEAT_TIMEOUT=4
cd "$work"
mkdir model job net
cp "$golden"/llama-gqa/{config,generation_config}.json "$golden"/llama-gqa/model.safetensors "$golden"/tokenizer*.json model
awk 'BEGIN { srand(1); for (i = 0; i < 500; i++)
  printf "{\"prompt\": \"In the beginning %d\", \"max_tokens\": %d}\n", i, 20 + int(rand() * 131) }' >prompts.jsonl
at=(-np 3)
if [ "$mode" = hosts ]; then
  "$hosts" up "$work/net" || exit
  trap '"$hosts" down "$work/net"' EXIT
  export LOCKSTEP_SSH="ssh -F $work/net/config"
  at=(-H lsone,lstwo,lsthree --min-ranks 1)
fi

fail() {
  echo "restarts: $*; see $work" >&2
  exit 1
}

launch() { # OUTPUT [OPTION...]
  exec "$home/launch/mpjrun.sh" -q --device cpu -x "SOAK=$tag" "${at[@]}" --max-restarts 1000 generate --model model \
    --prompts prompts.jsonl --ignore-eos --temperature 0.9 --batch-size 4 --output "$1" "${@:2}" >out 2>>err
}

unranked() { sed -E 's/"rank":[0-9]+//' "$1"; }

now() { date +%s%3N; }

pause() { sleep "$(($1 / 1000)).$(printf %03d $(($1 % 1000)))"; }

ranks() { # that are alive
  local each
  for each in /proc/[0-9]*; do
    if tr '\0' '\n' <"$each/environ" 2>/dev/null | grep -qx "SOAK=$tag"; then echo "${each#/proc/}"; fi
  done 2>/dev/null || true
}

rows() { cat job/results.jsonl.journal/rank-*.jsonl 2>/dev/null | grep -c '^{"index":.*} [0-9a-f]\{8\}$' || true; }

run() { sed -n 's/^ *"run": *\([0-9]*\).*/\1/p' job/results.jsonl.journal/job.json 2>/dev/null || true; }

alive() { [ "$(cut -d' ' -f3 "/proc/$1/stat" 2>/dev/null || echo Z)" != Z ]; }

# Waits until ranks after the kill at $1, when the run was $2 with $3 rows, have finished a row; says how long it took.
recovered() {
  local mine
  while alive "$launcher"; do
    mine=$(run)
    if [ "${mine:-0}" -gt "${2:-0}" ] && [ "$(rows)" -gt "$3" ]; then
      echo $(($(now) - $1))
      return
    fi
    sleep 0.05
  done
  echo -
}

echo "restarts, $(date +%F), $(nproc) cores, load $(cut -d' ' -f1 /proc/loadavg), seed $seed, $mode, $work"
begin=$(now)
(launch whole.jsonl) || fail "the undisturbed run failed"
echo "undisturbed: $(($(now) - begin)) ms, $(tail -n 1 out)"
unranked whole.jsonl >whole
[ "$(wc -l <whole)" = 500 ] || fail "the undisturbed run has $(wc -l <whole) rows"

hits=0 rounds=0 equal=0 aside=0
declare -A of=([rank]=0 [agent]=0 [host]=0 [launcher]=0)
: >times
while [ "$hits" -lt "$kills" ]; do
  rm -rf job
  mkdir job
  while true; do
    : >err
    launch job/results.jsonl --resume &
    launcher=$!
    ended=
    while alive "$launcher" && [ "$hits" -lt "$kills" ]; do
      pause $((RANDOM % 3000))
      victim='' what=rank
      case $((RANDOM % 12)) in
        0) what=launcher ;;
        1 | 2 | 3) [ "$mode" = here ] || what=agent ;;
        4) [ "$mode" = here ] || what=host ;;
      esac
      mapfile -t live < <(ranks)
      [ "${#live[@]}" != 0 ] || continue
      victim=${live[RANDOM % ${#live[@]}]}
      [ "$what" != agent ] || victim=$(cut -d' ' -f4 "/proc/$victim/stat" 2>/dev/null || true)
      [ "$what" != launcher ] || victim=$launcher
      before=$(rows) of_run=$(run) since=$(now) said=$(grep -c '; restart ' err || true)
      if [ "$what" = host ]; then
        "$hosts" cut "$work/net"
        for _ in $(seq 600); do
          if ! alive "$launcher" || [ "$(run)" != "$of_run" ]; then break; fi
          sleep 0.1
        done
        took=$(recovered "$since" "$of_run" "$before")
        "$hosts" mend "$work/net"
      else
        kill -9 "$victim" 2>/dev/null || continue
        [ "$what" != launcher ] || ended=1
        took=$(recovered "$since" "$of_run" "$before")
      fi
      [ "$took" = - ] || [ "$(grep -c '; restart ' err || true)" -gt "$said" ] || fail "a restart without a word: $(cat err)"
      hits=$((hits + 1))
      of[$what]=$((of[$what] + 1))
      [ "$took" = - ] || [ "$what" != rank ] || echo "$took" >>times
      echo "kill $hits: $what, $before rows kept, $took ms to the next row"
    done
    code=0
    wait "$launcher" 2>/dev/null || code=$?
    if [ -z "$ended" ]; then
      [ "$code" = 0 ] || [ "$code" = 3 ] || fail "the launcher ended with $code: $(cat err)"
      break
    fi
    for _ in $(seq 600); do
      [ -n "$(ranks)" ] || break
      sleep 0.05
    done
    [ -z "$(ranks)" ] || fail "30 s after the kill of the launcher these ranks live: $(ranks)"
    [ -e job/results.jsonl.journal ] || [ ! -e job/results.jsonl ] || break # the kill came when all was done
  done
  rounds=$((rounds + 1))
  unranked job/results.jsonl >done
  [ "$(wc -l <done)" = 500 ] || fail "the file has $(wc -l <done) rows"
  bad=$(diff --unchanged-line-format= --old-line-format= --new-line-format='%L' whole done || true)
  if [ -z "$bad" ]; then
    equal=$((equal + 1))
  else
    grep -vq '"error":"the row is set aside: its rank died [0-9]* times' <<<"$bad" && fail "rows differ: $bad"
    aside=$((aside + $(wc -l <<<"$bad")))
  fi
  [ "$(ls -A job)" = results.jsonl ] || fail "files stay behind: $(ls -A job | tr '\n' ' ')"
  for _ in $(seq 200); do
    left=$(ranks)
    if [ "$mode" = hosts ]; then
      left+=$("$hosts" pids "$work/net" | while read -r pid; do
        case $(cat "/proc/$pid/comm" 2>/dev/null) in sshd* | '') ;; *) echo " $pid" ;; esac
      done)
    fi
    [ -n "$left" ] || break
    sleep 0.05
  done
  [ -z "$left" ] || fail "these processes stay behind: $left"
  echo "round $rounds: done with exit code $code, $(grep -c '; restart ' err || true) restarts by the last launcher"
done
sort -n times | awk '{ t[NR] = $1 } END { if (NR) printf "from the kill of a rank to the next row: median %d ms, least %d, most %d, of %d\n", t[int((NR + 1) / 2)], t[1], t[NR], NR }'
echo "$hits kills (${of[rank]} of ranks, ${of[agent]} of agents, ${of[host]} of hosts, ${of[launcher]} of launchers) in $rounds jobs," \
  "$equal of them equal to the undisturbed one, $aside rows set aside"
cd /
[ "$mode" = here ] || "$hosts" down "$work/net"
trap - EXIT
rm -rf "$work"
