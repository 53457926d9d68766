#!/usr/bin/env bash
# One rank alone gives 3 GB: first as one array, which the root holds, then as items that the root sees one by one with
# a heap of 128 MB. Takes about a minute and 8 GB of memory; run it by hand: src/test/soak/large.sh
set -euo pipefail
home=$(cd "$(dirname "${BASH_SOURCE[0]}")/../../.." && pwd)
run() { # JVM-OPTIONS ARGUMENTS...
  local options=$1
  shift
  LOCKSTEP_JAVA_OPTS=$options "$home/launch/mpjrun.sh" -np 2 -cp "$home/target/test-classes" \
    dev.lockstep.fixtures.Streams "$@"
}
run "-Xmx6g -XX:MaxDirectMemorySize=256m" array 3000
run "-Xmx128m -XX:MaxDirectMemorySize=256m" each 3000
