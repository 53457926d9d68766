#!/usr/bin/env bash
# hosts.sh up DIR | down DIR: two hosts on this machine, each a network namespace with its own address, its own name and
# its own sshd: lsone 10.213.X.2 and lstwo 10.213.Y.2. "ssh -F DIR/config lsone" reaches them, and nothing else of this
# machine's ssh is used or changed. Needs root, iproute2, util-linux and sshd; without, "up" says why and exits with 3.
set -euo pipefail
dir=$2
declare -A octet=([lsone]=1 [lstwo]=2)
tag=$(printf '%s' "$dir" | cksum | cut -c 1-5) # so that two runs on one machine do not meet
net=$((${tag#0} % 200 + 20))
skip() { echo "$*"; exit 3; }

down() {
  local name pid
  for name in lsone lstwo; do
    for pid in $(ip netns pids "ls$tag$name" 2>/dev/null); do kill -KILL "$pid" 2>/dev/null || true; done
    ip netns del "ls$tag$name" 2>/dev/null || true # its end of the link takes the other with it
  done
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
    printf 'Host *\n  User root\n  IdentityFile %s\n  IdentitiesOnly yes\n  UserKnownHostsFile %s\n' "$dir/key" "$dir/known" >"$dir/config"
    for name in lsone lstwo; do
      space=ls$tag$name link=ls$tag${octet[$name]} subnet=10.213.$((net + ${octet[$name]}))
      ip netns add "$space" 2>"$dir/why" || skip "no network namespace can be made: $(cat "$dir/why")"
      ip link add "$link" type veth peer name eth0 netns "$space" 2>"$dir/why" || skip "no veth pair can be made: $(cat "$dir/why")"
      ip addr add "$subnet.1/24" dev "$link"
      ip link set "$link" up
      ip -n "$space" addr add "$subnet.2/24" dev eth0
      ip -n "$space" link set eth0 up
      ip -n "$space" link set lo up
      ip -n "$space" route add default via "$subnet.1"
      ssh-keygen -q -t ed25519 -N '' -f "$dir/host.$name"
      printf '%s %s\n' "$subnet.2" "$(cut -d ' ' -f 1,2 "$dir/host.$name.pub")" >>"$dir/known"
      printf 'Host %s\n  HostName %s.2\n' "$name" "$subnet" >>"$dir/config"
      cat >"$dir/sshd.$name" <<EOF
ListenAddress $subnet.2
HostKey $dir/host.$name
AuthorizedKeysFile $dir/authorized
PidFile $dir/$name.pid
StrictModes no
UsePAM no
PermitRootLogin prohibit-password
MaxStartups 3
EOF
      ip netns exec "$space" unshare --uts sh -c 'hostname "$1" && exec "$2" -f "$3"' sh "$name" "$sshd" "$dir/sshd.$name" ||
        skip "sshd does not start in a namespace"
    done
    # the two reach each other through this machine
    [ "$(cat /proc/sys/net/ipv4/ip_forward)" = 1 ] || { echo 0 >"$dir/forward" && echo 1 >/proc/sys/net/ipv4/ip_forward; }
    ;;
  down)
    down
    [ ! -e "$dir/forward" ] || echo 0 >/proc/sys/net/ipv4/ip_forward
    ;;
esac
