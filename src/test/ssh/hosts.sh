#!/usr/bin/env bash
# hosts.sh up DIR | down DIR: three hosts on this machine, each a network namespace with its own address, name and
# sshd: lsone 10.213.N.2, lstwo 10.213.N.3, lsthree 10.213.N.4; this machine is 10.213.N.1 to them. "ssh -F DIR/config lsone" goes
# there; this machine's own ssh is neither used nor changed. Both see "two GPUs" of their own; lsone knows its own name,
# the others do not and lack the directory DIR/here/work. "pids DIR" prints what runs on them; "cut DIR" takes lstwo off the
# network, "mend DIR" puts it back. Needs root, iproute2, util-linux and sshd; without, "up" says why and exits with 3.
set -euo pipefail
dir=$2
tag=$(printf '%s' "$dir" | cksum | cut -d ' ' -f 1 | rev | cut -c 1-6) # so that two runs on one machine do not meet
net=10.213.$((10#$tag % 250))
skip() { echo "$*"; exit 3; }

pids() { for name in lsone lstwo lsthree; do ip netns pids "ls$tag$name" 2>/dev/null || true; done; }

down() {
  local name pid link
  for pid in $(pids); do kill -KILL "$pid" 2>/dev/null || true; done
  for name in lsone lstwo lsthree; do ip netns del "ls$tag$name" 2>/dev/null || true; done
  # a namespace lives on while a connection in it is being closed, and with it the link into it
  for link in "ls${tag}2" "ls${tag}3" "ls${tag}4" "ls$tag"; do ip link del "$link" 2>/dev/null || true; done
}

case $1 in
  up)
    [ "$(id -u)" = 0 ] || skip "making hosts takes root"
    for tool in ip unshare ssh ssh-keygen; do command -v "$tool" >/dev/null || skip "there is no $tool"; done
    sshd=$(PATH=$PATH:/usr/sbin command -v sshd) || skip "there is no sshd"
    trap '[ $? = 0 ] || down' EXIT
    mkdir -p /run/sshd # sshd wants it, and drops its rights there
    ssh-keygen -q -t ed25519 -N '' -f "$dir/key"
    cp "$dir/key.pub" "$dir/authorized"
    chmod 700 "$dir" && chmod 600 "$dir/authorized"
    ssh-keygen -q -t ed25519 -N '' -f "$dir/other"
    # lsnokey is a host that does not let us in, lsclosed one that listens elsewhere
    printf '%s\n' 'Host *' '  User root' '  IdentitiesOnly yes' "  UserKnownHostsFile $dir/known" 'Host * !lsnokey' \
      "  IdentityFile $dir/key" 'Host lsnokey' "  HostName $net.2" "  IdentityFile $dir/other" 'Host lsclosed' \
      "  HostName $net.2" '  Port 9' >"$dir/config"
    mkdir -p "$dir/here/work" "$dir/empty"
    printf 'nameserver 127.0.0.1\n' >"$dir/resolv" # answers at once that nobody is there
    printf '127.0.0.1 localhost\n%s.2 lsone\n' "$net" >"$dir/hosts.lsone"
    printf '127.0.0.1 localhost\n' | tee "$dir/hosts.lstwo" >"$dir/hosts.lsthree"
    ip link add "ls$tag" type bridge 2>"$dir/why" || skip "no bridge can be made: $(cat "$dir/why")"
    ip addr add "$net.1/24" dev "ls$tag"
    ip link set "ls$tag" up
    last=2
    for name in lsone lstwo lsthree; do
      space=ls$tag$name
      ip netns add "$space" 2>"$dir/why" || skip "no network namespace can be made: $(cat "$dir/why")"
      ip link add "ls$tag$last" type veth peer name eth0 netns "$space" 2>"$dir/why" || skip "no veth pair can be made: $(cat "$dir/why")"
      ip link set "ls$tag$last" master "ls$tag" up
      ip -n "$space" addr add "$net.$last/24" dev eth0
      ip -n "$space" link set eth0 up
      ip -n "$space" link set lo up
      ssh-keygen -q -t ed25519 -N '' -f "$dir/host.$name"
      printf '%s %s\n' "$net.$last" "$(cut -d ' ' -f 1,2 "$dir/host.$name.pub")" >>"$dir/known"
      printf 'Host %s\n  HostName %s\n' "$name" "$net.$last" >>"$dir/config"
      printf '%s\n' "ListenAddress $net.$last" "HostKey $dir/host.$name" "AuthorizedKeysFile $dir/authorized" \
        "PidFile $dir/$name.pid" "StrictModes no" "UsePAM no" "PermitRootLogin prohibit-password" "MaxStartups 3" \
        "SetEnv CUDA_VISIBLE_DEVICES=GPU-$name-a,MIG-$name/1/0" >"$dir/sshd.$name"
      # shellcheck disable=SC2016
      ip netns exec "$space" unshare --uts --mount sh -c '
        hostname "$1" && mount --bind "$3/resolv" /etc/resolv.conf && mount --bind "$3/hosts.$1" /etc/hosts || exit 1
        [ "$1" = lsone ] || mount --bind "$3/empty" "$3/here" || exit 1
        exec "$2" -f "$3/sshd.$1"' sh "$name" "$sshd" "$dir" >"$dir/why" 2>&1 || skip "no sshd in a namespace: $(cat "$dir/why")"
      last=$((last + 1))
    done
    ;;
  pids) pids ;;
  cut) ip link set "ls${tag}3" down ;;
  mend) ip link set "ls${tag}3" up ;;
  down) down ;;
esac
