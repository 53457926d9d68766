#!/usr/bin/env bash
# Tokens per second of Lockstep and of Jlama (com.github.tjake, from Maven Central) on CPU: the same model, prompts, number
# of new tokens and threads, greedy, in processes that take turns, so that whatever else the machine does hits all alike.
#   src/test/bench/jlama.sh [ROUNDS]      (default: 11; the first two are for warming up)
# Jlama needs JDK 20 or newer with the vector module: JLAMA_JAVA names its java. All run on that one.
set -euo pipefail
# shellcheck source=launch/setup.sh
. "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/../../../launch/setup.sh"
here=$LOCKSTEP_HOME/src/test/bench/jlama
rounds=${1:-11}
threads=${OMP_NUM_THREADS:-$(nproc)}
new_tokens=100
model=$LOCKSTEP_HOME/examples/models/kjv-6m
java=${JLAMA_JAVA:-/usr/lib/jvm/temurin-25-jdk-amd64/bin/java}
[ -x "$java" ] || lockstep_stop "there is no $java: set JLAMA_JAVA to the java of a JDK 20 or newer"
libs=$LOCKSTEP_HOME/target/bench-jlama
[ -d "$libs" ] || mvn -B -q -f "$here/pom.xml" dependency:copy-dependencies -DoutputDirectory="$libs"

export OMP_NUM_THREADS=$threads
lib=$LOCKSTEP_HOME/target
jlama="$java --add-modules jdk.incubator.vector --enable-native-access=ALL-UNNAMED -cp $libs/* $here/JlamaRate.java
  $model $new_tokens $threads"
lockstep="$java -Dlockstep.home=$LOCKSTEP_HOME -cp $lib/lockstep.jar:$lib/lib/*:$lib/lib-cpu/* $here/LockstepRate.java
  $model $new_tokens"
exec "$java" "$here/Compare.java" "$rounds" "$LOCKSTEP_HOME/examples/first-lines.jsonl" \
  "Lockstep, float32" "$lockstep" "Jlama, float32" "$jlama F32" "Jlama, its default types" "$jlama I8"
