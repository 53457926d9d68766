#!/usr/bin/env bash
# Makes what lets ranks and the launcher start faster, once for a build and a JDK: archives of class data, in classes in the
# cache. mpjrun.sh has it done after a build and after a first job, in the background; by hand it is for images and for
# clusters whose jobs find the cache read-only.
case ${1:-} in -h | --help) sed -n '2,/^[^#]/s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"; exit ;; esac
set -euo pipefail
if [ "${1:-}" = --background ]; then
  command -v setsid >/dev/null || exit 0
  for fd in /proc/self/fd/*; do # nobody is to wait for the end of what is still written
    fd=${fd##*/}
    [ "$fd" -le 2 ] || [ "$fd" = 255 ] || eval "exec $fd>&-" 2>/dev/null
  done
  export lockstep_in_background=1 # where nobody has asked for a build
  exec setsid -f nice -n 19 "${BASH_SOURCE[0]}" </dev/null >/dev/null 2>&1
fi
# shellcheck source=launch/setup.sh
. "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/setup.sh"

lockstep_name_class_data
[ -n "$lockstep_class_data" ] || lockstep_stop "there is no sha256sum (coreutils), by which class data has its name"
[ ! -e "$lockstep_class_data/whole" ] || exit 0
umask go-w
making=$lockstep_class_data.making
mkdir -p "$LOCKSTEP_CACHE/classes" 2>/dev/null ||
  lockstep_stop "$LOCKSTEP_CACHE/classes cannot be made: set LOCKSTEP_CACHE to a directory that can be written"
[ ! -e "$making" ] || lockstep_class_data_is_being_made || rm -rf "$making"
mkdir "$making" 2>/dev/null || lockstep_stop "$making is there: class data is being made, or could not be made within the last hour"

# checked by the JVM, and where it was when it was made: moving it takes time, and memory that ranks could share. These
# options are not every JDK's. A JVM that an archive does not fit would say so.
options='-XX:+VerifySharedSpaces -XX:+UnlockDiagnosticVMOptions -XX:ArchiveRelocationMode=0'
# shellcheck disable=SC2086
"$JAVA" $options -version >/dev/null 2>&1 || options=
printf '%s\n' "$options -Xlog:cds*=off" >"$making/options"

failed() {
  lockstep_stop "class data could not be made${1:-}: see $making/log"
}

unset LOCKSTEP_JAVA_OPTS JAVA_TOOL_OPTIONS JDK_JAVA_OPTIONS PYTORCH_LIBRARY_PATH "${!SLURM_@}"
lockstep_launcher_jvm
"${lockstep_jvm[0]}" -XX:DumpLoadedClassList="$making/launcher.list" \
  -Dlockstep.class.data.make="$making" "${lockstep_jvm[@]:1}" \
  dev.lockstep.launch.Mpjrun -q -np 2 -wdir "$LOCKSTEP_HOME" --device cpu --timeout 300 dev.lockstep.batch.Rehearsal >"$making/log" 2>&1 </dev/null ||
  failed
# and what is done where there is class data, which was not yet
"${lockstep_jvm[0]}" -XX:DumpLoadedClassList="$making/later.list" -Dlockstep.class.data="$making" \
  "${lockstep_jvm[@]:1}" dev.lockstep.launch.Mpjrun --dry-run -np 2 --device cpu selftest >>"$making/log" 2>&1 </dev/null ||
  failed
# newer JDKs number the classes of a list
awk '{ line = $0; sub(/ id: .*/, "") } FNR == NR { print line; seen[$0] = 1; next } !seen[$0]++' \
  "$making/launcher.list" "$making/later.list" >"$making/all.list"
# a whole archive, not one on top of the JDK's: picocli's classes are of an old format, which only those take. By the JDK's own
# collector, which is the one that keeps objects too.
"$JAVA" -Xmx256m "${lockstep_jvm[@]: -2}" -Xshare:dump -XX:SharedClassListFile="$making/all.list" \
  -XX:SharedArchiveFile="$making/launcher.jsa" '-Xlog:disable' '-Xlog:all=error' >>"$making/log" 2>&1 </dev/null ||
  failed
rm "$making"/*.list
for file in launcher.jsa ranks.jsa ranks-wide.jsa names; do
  [ -s "$making/$file" ] || failed ", there is no $file"
done
lockstep_class_data_state "$making" >"$making/whole"
sync "$making"/*
mv -T "$making" "$lockstep_class_data"
# those of former builds
find "$LOCKSTEP_CACHE"/classes -mindepth 1 -maxdepth 1 -printf '%T@ %p\0' | sort -zrn | tail -zn +5 | cut -zd' ' -f2- | xargs -0r rm -rf
