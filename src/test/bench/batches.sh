#!/usr/bin/env bash
# Continuous batches against static ones of the same size, side by side in one process. Run it by hand after a build:
#
#   src/test/bench/batches.sh [ROWS [BATCH-SIZE [REPEATS]]]   (160 16 3)
#
# Real prompts through examples/models/kjv-6m on CPU, 10 to 400 new tokens each, drawn from a fixed seed:
#   continuous  a row that ends makes room for the next at once
#   static      the next batch begins when all rows of this one have ended; a row that has ended computes no more
#   padded      as static, and all rows of a batch compute until the last has ended, as transformers' generate does
# Each repeat runs the three one after the other, the order turning. Prints a line for each run, and the medians. Only the
# tokens that rows asked for count. Ends with 1 where continuous does not reach 1.5 times padded.
set -euo pipefail
home=$(cd -P "$(dirname "${BASH_SOURCE[0]}")/../../.." && pwd)
# shellcheck source=launch/setup.sh
. "$home/launch/setup.sh"
echo "batches, $(date +%F), $(nproc) cores, $(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -1), load $(cut -d' ' -f1-3 /proc/loadavg)"
"$JAVA" -Dlockstep.home="$home" \
  -cp "$home/target/test-classes:$home/target/lockstep.jar:$home/target/lib/*:$home/target/lib-cpu/*" \
  dev.lockstep.fixtures.CompareBatches "$@"
