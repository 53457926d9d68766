# shellcheck shell=bash
# Leaves LOCKSTEP_HOME, JAVA (the java binary) and MPJ_JAR (MPJ Express).
LOCKSTEP_HOME=$(cd -P "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
JAVA=$(command -v java) && JAVA=$(readlink -f "$JAVA")
MPJ_JAR=$HOME/.m2/repository/org/mpjexpress/mpj/0.44/mpj-0.44.jar
