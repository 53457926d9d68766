# shellcheck shell=bash
# Finds what Lockstep needs, fetches or builds what is missing, and does nothing when nothing is. The other scripts
# source it; `bash launch/setup.sh` runs it by itself. Leaves these variables:
#   LOCKSTEP_HOME   the project        LOCKSTEP_CACHE   what was fetched (default ~/.cache/lockstep)
#   JAVA            the java binary    MPJ_JAR          MPJ Express's mpj.jar
#   UCX_DIR         the directory of libucp.so.0, empty where the system has it or nobody

# A closed stdin, stdout or stderr would be taken by the first file that a JVM opens, which a rank would then read or write.
[ -e /proc/self/fd/0 ] || exec 0</dev/null
[ -e /proc/self/fd/1 ] || exec 1>/dev/null
[ -e /proc/self/fd/2 ] || exec 2>/dev/null

# A JVM takes file names, arguments and variables in the locale's characters and loses what is in no others: for the
# launcher, its agents and the ranks these have to be UTF-8. The shell's own count of characters tells whether they are;
# but one name of a locale that is not installed, which the shell complains of, and a JVM takes them all for C.
lockstep_has_utf8() {
  local umlaut=$'\xc3\xbc' complaints
  [ ${#umlaut} = 1 ] || return 1
  complaints=$({
    names=(LANG "${!LC_@}")
    [ -z "${LC_ALL:-}" ] || names=(LC_ALL)
    for name in "${names[@]}"; do [ -z "${!name:-}" ] || LC_ALL=${!name}; done
  } 2>&1)
  [ -z "$complaints" ]
}
# Changes LC_CTYPE alone where that is enough. C.UTF-8 differs from C in nothing else.
lockstep_use_utf8() {
  local locale
  case ${LC_ALL:-} in
    '' | C | POSIX) ;;
    *) export LANG=$LC_ALL; unset LC_ALL ;;
  esac
  for locale in C.UTF-8 C.utf8 en_US.UTF-8; do
    [ -n "${LC_ALL:-}" ] || { export LC_CTYPE=$locale; lockstep_has_utf8 && return; }
    (LC_ALL=$locale; lockstep_has_utf8) && export LC_ALL=$locale && return
  done
}
lockstep_has_utf8 || lockstep_use_utf8 2>/dev/null || true

lockstep_say() { printf 'lockstep: %s\n' "$*" >&2; }
lockstep_stop() { lockstep_say "$*"; exit 2; }

LOCKSTEP_HOME=$(cd -P "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
[ -n "${LOCKSTEP_CACHE:-}${XDG_CACHE_HOME:-}${HOME:-}" ] ||
  lockstep_stop "HOME is not set: set it, or LOCKSTEP_CACHE, to a directory that can be written"
LOCKSTEP_CACHE=${LOCKSTEP_CACHE:-${XDG_CACHE_HOME:-${HOME:-}/.cache}/lockstep}

lockstep_find_java() {
  if [ -x "$LOCKSTEP_HOME/runtime/bin/java" ]; then # a bundle brings its own
    JAVA=$LOCKSTEP_HOME/runtime/bin/java
    return
  elif [ -n "${JAVA_HOME:-}" ]; then
    JAVA=$JAVA_HOME/bin/java
    [ -x "$JAVA" ] || lockstep_stop "JAVA_HOME is $JAVA_HOME, which has no bin/java: set it to a JDK 17 or newer"
  else
    JAVA=$(command -v java) || lockstep_stop "there is no java: install a JDK 17 or newer, or set JAVA_HOME to one"
    JAVA=$(readlink -f "$JAVA")
  fi
  local line version=
  # no other process for it: this is asked at every start
  while IFS= read -r line; do
    if [[ $line =~ ^JAVA_VERSION=\"([0-9]+) ]]; then version=${BASH_REMATCH[1]}; fi
  done 2>/dev/null <"${JAVA%/bin/java}/release" || true
  [ -n "$version" ] || version=$("$JAVA" -version 2>&1 | sed -n 's/.*version "\([0-9]*\).*/\1/p')
  [ "${version:-0}" -ge 17 ] || lockstep_stop "$JAVA is Java ${version:-of unknown version}: install a JDK 17 or newer, or set JAVA_HOME to one"
}

# A user's own MPJ Express first, then the system's package, then the one fetched earlier.
lockstep_find_mpj() {
  if [ -n "${MPJ_HOME:-}" ] && [ ! -e "$MPJ_HOME/lib/mpj.jar" ] && [ "$MPJ_HOME" != "$LOCKSTEP_HOME" ]; then
    lockstep_stop "MPJ_HOME is $MPJ_HOME, which has no lib/mpj.jar: set it to an unpacked MPJ Express, or unset it"
  fi
  for MPJ_JAR in "${MPJ_HOME:-/nowhere}/lib/mpj.jar" "$LOCKSTEP_HOME/lib/mpj.jar" /usr/share/java/mpj.jar \
      "$LOCKSTEP_CACHE/mpj/usr/share/java/mpj.jar"; do
    [ -e "$MPJ_JAR" ] && return 0
  done
  return 1
}

# What runs here is nobody else's to write; find prints the first thing that is.
lockstep_open_to_others() {
  find -L "$@" -maxdepth 0 \( -perm /022 -o ! -uid 0 ! -uid "$EUID" \) -print -quit || printf '%s' "${*: -1}"
}
lockstep_check_mpj() {
  case $MPJ_JAR in "$LOCKSTEP_CACHE"/*) ;; *) return 0 ;; esac
  local open
  open=$(lockstep_open_to_others "$LOCKSTEP_CACHE" "$LOCKSTEP_CACHE/mpj" "${MPJ_JAR%/*}" "$MPJ_JAR")
  [ -z "$open" ] ||
    lockstep_stop "$open belongs to another user or others may write it, so MPJ Express in there is not run: remove $LOCKSTEP_CACHE/mpj, and chmod go-w what stays, or set LOCKSTEP_CACHE to a directory of your own"
}

# UCX carries the ranks' messages inside a host; without it Lockstep's own TCP does. The system's own first, then a bundle's,
# which fetches nothing, then what was fetched earlier. That it could not be fetched is remembered for a day.
lockstep_find_ucx() {
  local fetched=$LOCKSTEP_CACHE/ucx/lib open
  UCX_DIR=
  lockstep_system_has libucp.so.0 && return
  if [ -e "$LOCKSTEP_HOME/lib/ucx/libucp.so.0" ]; then
    UCX_DIR=$LOCKSTEP_HOME/lib/ucx
    return
  fi
  if [ ! -e "$fetched/libucp.so.0" ]; then
    [ ! -e "$LOCKSTEP_HOME/pom.xml" ] || [ -n "$(find "$LOCKSTEP_CACHE/ucx.none" -mtime -1 2>/dev/null)" ]
    return
  fi
  open=$(lockstep_open_to_others "$LOCKSTEP_CACHE" "$LOCKSTEP_CACHE/ucx" "$fetched" "$fetched"/*)
  if [ -n "$open" ]; then
    lockstep_say "$open belongs to another user or others may write it, so UCX in there is not used: remove $LOCKSTEP_CACHE/ucx, and chmod go-w what stays"
  else
    UCX_DIR=$fetched
  fi
}
lockstep_system_has() {
  local directory
  for directory in /lib64 /usr/lib64 /lib /usr/lib /usr/local/lib "/lib/$HOSTTYPE-linux-gnu" "/usr/lib/$HOSTTYPE-linux-gnu"; do
    [ ! -e "$directory/$1" ] || return 0
  done
  PATH=$PATH:/sbin:/usr/sbin ldconfig -p 2>/dev/null | grep -qF "$1 "
}

# The sums of the distributions' builds of mpj.jar 0.44. apt has checked what it fetches against its archive's signature,
# so a build that is not listed here is only reported; a sum that is given has to be met.
LOCKSTEP_MPJ_SUMS=(
  b135d0ec9e08772be47eb20a37792df82b36d94ecd666202af423c7e884f9b64 # Debian 0.44+dfsg-4
)
lockstep_check_sum() {
  local jar=$LOCKSTEP_CACHE/mpj.new/usr/share/java/mpj.jar sum
  [ -e "$jar" ] || return 0
  sum=$(sha256sum <"$jar") && sum=${sum%% *}
  if [ -n "${LOCKSTEP_MPJ_SHA256:-}" ]; then
    [ "$sum" = "$LOCKSTEP_MPJ_SHA256" ] ||
      lockstep_stop "the mpj.jar that apt has fetched has the SHA-256 sum $sum, not $LOCKSTEP_MPJ_SHA256 (LOCKSTEP_MPJ_SHA256): it is not used"
  elif [[ " ${LOCKSTEP_MPJ_SUMS[*]} " != *" $sum "* ]]; then
    lockstep_say "the mpj.jar that apt has fetched and checked is a build not known here, with the SHA-256 sum $sum; LOCKSTEP_MPJ_SHA256=SUM takes that sum only"
  fi
}

# Built means: the jar is there and nothing that goes into it is newer. A bundle has no sources and is always built.
lockstep_is_built() {
  [ -e "$LOCKSTEP_HOME/pom.xml" ] || return 0
  [ -d "$LOCKSTEP_HOME/target/lib" ] && [ -d "$LOCKSTEP_HOME/target/lib-cpu" ] && [ -e "$LOCKSTEP_HOME/target/lockstep.jar" ] &&
    [ -z "$(find "$LOCKSTEP_HOME/pom.xml" "$LOCKSTEP_HOME/src/main" -newer "$LOCKSTEP_HOME/target/lockstep.jar" -print -quit)" ]
}

# Downloads packages into $LOCKSTEP_CACHE/apt/deb. apt runs on a copy of the system's configuration with state and cache
# directories of ours and without the system's hooks, so it needs no root and leaves the system as it is.
lockstep_apt() {
  local apt=$LOCKSTEP_CACHE/apt
  umask go-w
  mkdir -p "$apt/lists/partial" "$apt/cache/archives/partial" "$apt/deb" 2>/dev/null ||
    lockstep_stop "$apt cannot be made: $(lockstep_why "$LOCKSTEP_CACHE"): set LOCKSTEP_CACHE to a directory that can be written"
  {
    apt-config dump | grep -vE '^(APT::Update::|DPkg::|Dir::Etc::(parts|main) |Dir::State::lists|Dir::Cache)'
    printf '%s "%s";\n' Dir::Etc::parts /dev/null Dir::Etc::main /dev/null Dir::State::lists "$apt/lists" \
      Dir::Cache "$apt/cache" APT::Sandbox::User root
  } >"$apt/apt.conf"
  (
    cd "$apt/deb" && rm -f ./*.deb
    export APT_CONFIG=$apt/apt.conf
    { [ -e "$apt/updated" ] || apt-get -qq update; } && : >"$apt/updated" && apt-get -qq download "$@"
  ) >"$apt/log" 2>&1
}

# Debian's package, unpacked in our cache.
lockstep_fetch_mpj() {
  local why="install the package libmpj-java, or set MPJ_HOME to an unpacked MPJ Express (a directory with lib/mpj.jar)"
  local apt=$LOCKSTEP_CACHE/apt
  command -v apt-get >/dev/null && command -v dpkg-deb >/dev/null ||
    lockstep_stop "MPJ Express is not on this machine and there is no apt-get to fetch it: $why"
  lockstep_say "fetching MPJ Express (package libmpj-java, 0.4 MB) into $LOCKSTEP_CACHE/mpj"
  lockstep_apt libmpj-java || {
    if lockstep_lacks_network "$apt/log"; then
      lockstep_stop "MPJ Express is not on this machine, and the package archive that apt fetches it from cannot be reached: $why, or take a bundle that launch/bundle.sh makes where there is a network"
    fi
    lockstep_stop "apt could not fetch libmpj-java ($(tail -n 1 "$apt/log")): $why"
  }
  rm -rf "$LOCKSTEP_CACHE/mpj.new" && dpkg-deb -x "$apt"/deb/libmpj-java_*.deb "$LOCKSTEP_CACHE/mpj.new" ||
    lockstep_stop "libmpj-java cannot be unpacked: $(lockstep_why "$LOCKSTEP_CACHE")"
  lockstep_check_sum
  rm -rf "$LOCKSTEP_CACHE/mpj" && mv "$LOCKSTEP_CACHE/mpj.new" "$LOCKSTEP_CACHE/mpj"
  lockstep_find_mpj || lockstep_stop "the package libmpj-java came without usr/share/java/mpj.jar: $why"
}

# What UCX needs for memory alone; its module for InfiniBand stays out. Whatever goes wrong, jobs run without it.
lockstep_fetch_ucx() {
  local packages=(libucx0 libnuma1) new=$LOCKSTEP_CACHE/ucx.new
  rm -f "$LOCKSTEP_CACHE/ucx.none"
  (
    command -v apt-get >/dev/null && command -v dpkg-deb >/dev/null || exit
    lockstep_say "fetching UCX (package ${packages[*]}, 0.9 MB) into $LOCKSTEP_CACHE/ucx"
    lockstep_apt "${packages[@]}" || exit
    rm -rf "$new" && mkdir -p "$new/all" "$new/lib" || exit
    for package in "$LOCKSTEP_CACHE"/apt/deb/*.deb; do dpkg-deb -x "$package" "$new/all" || exit; done
    find "$new/all" \( -name 'libuc[mpst].so.0' -o -name libnuma.so.1 \) -exec cp -L {} "$new/lib" \;
    for package in "${packages[@]}"; do cp "$new/all/usr/share/doc/$package/copyright" "$new/$package.copyright" || exit; done
    [ -e "$new/lib/libucp.so.0" ] && rm -rf "$new/all" "$LOCKSTEP_CACHE/ucx" && mv "$new" "$LOCKSTEP_CACHE/ucx"
  ) || {
    rm -rf "$new"
    : >"$LOCKSTEP_CACHE/ucx.none"
  }
}

# Whether a log of apt's or Maven's says that nothing could be reached.
lockstep_lacks_network() {
  grep -qE 'Temporary failure|Could not (resolve|connect)|Unknown host|[Cc]onnection (refused|timed out)|Network is unreachable|No route to host|in offline mode|Connect(ion)? timed out' "$1"
}

# Why nothing can be written in a directory, in the system's words.
lockstep_why() {
  local said
  said=$({ mkdir -p "$1" && printf '%8192s' '' >"$1/try.$$"; } 2>&1) || true
  rm -f "$1/try.$$" 2>/dev/null
  said=${said##*: }
  printf '%s' "${said:-its disk may be full}"
}

lockstep_maven() {
  local log=$LOCKSTEP_HOME/target/setup.log
  JAVA_HOME=${JAVA%/bin/java} mvn -B -q -f "$LOCKSTEP_HOME/pom.xml" "$@" </dev/null >"$log" 2>&1 && return 0
  if lockstep_lacks_network "$log"; then
    lockstep_stop "the build needs libraries that Maven has not fetched yet, and the repository that it fetches them from cannot be reached ($log has its words): build where there is a network, or take a bundle that launch/bundle.sh makes there"
  fi
  sed -e 's/\x1b\[[0-9;]*m//g' "$log" | grep -m 5 -E 'ERROR' >&2
  lockstep_stop "the build failed: the whole log is $log"
}

# Maven Central does not have MPJ Express, so it goes into the local repository, where every build and IDE finds it.
lockstep_build() {
  command -v mvn >/dev/null || lockstep_stop "there is no mvn: install Apache Maven 3.6.3 or newer"
  [ -x "${JAVA}c" ] || lockstep_stop "$JAVA has no javac beside it: install a JDK, or set JAVA_HOME to one"
  lockstep_say "building (the first time this fetches about 200 MB of libraries)"
  local begun=$SECONDS
  mkdir -p "$LOCKSTEP_HOME/target" 2>/dev/null && touch "$LOCKSTEP_HOME/target/setup.log" 2>/dev/null ||
    lockstep_stop "Lockstep cannot be built, because $LOCKSTEP_HOME/target cannot be written: $(lockstep_why "$LOCKSTEP_HOME/target"): clone it to where you may write, or take a bundle that launch/bundle.sh makes there"
  lockstep_maven org.apache.maven.plugins:maven-install-plugin:3.1.4:install-file -Dfile="$(readlink -f "$MPJ_JAR")" \
    -DgroupId=org.mpjexpress -DartifactId=mpj -Dversion=0.44 -Dpackaging=jar -DgeneratePom=true
  rm -rf "$LOCKSTEP_HOME/target/lib" # a library that is no longer used would stay
  lockstep_maven package -Dmaven.test.skip=true -DskipAnalysis
  touch "$LOCKSTEP_HOME/target/not-analysed" # Maven compiles nothing again for other options: launch/test.sh sees to it
  touch "$LOCKSTEP_HOME/target/lockstep.jar"
  lockstep_say "built in $((SECONDS - begun)) s"
  "$LOCKSTEP_HOME/launch/class-data.sh" --background
}

# a bundle may bring its own libtorch too
if [ -d "$LOCKSTEP_HOME/libtorch" ] && [ -z "${PYTORCH_LIBRARY_PATH:-}" ]; then
  export PYTORCH_LIBRARY_PATH=$LOCKSTEP_HOME/libtorch
  # shellcheck disable=SC1091
  . "$LOCKSTEP_HOME/libtorch/versions.sh"
fi
# The JVM of the launcher and of its agents, in lockstep_jvm; the flags are for a fast start of a small program.
lockstep_launcher_jvm() {
  # DJL unpacks its native libraries there; beside what else was fetched, unless the user has a place for them
  export DJL_CACHE_DIR=${DJL_CACHE_DIR:-$LOCKSTEP_CACHE/djl}
  local picocli=("$LOCKSTEP_HOME"/target/lib/picocli-*.jar)
  lockstep_jvm=("$JAVA" -XX:TieredStopAtLevel=1 -XX:+UseSerialGC -XX:-UsePerfData -Xshare:auto -Xmx256m
    -Dfile.encoding=UTF-8 -Dsun.stdout.encoding=UTF-8 -Dsun.stderr.encoding=UTF-8 -Dlockstep.home="$LOCKSTEP_HOME"
    -Dlockstep.mpj.jar="$MPJ_JAR" -Dlockstep.ucx="$UCX_DIR" -cp "$LOCKSTEP_HOME/target/lockstep.jar:${picocli[0]}")
}

# Class data: what JVMs have once read, checked and linked, for those that come after. One directory for each build, JDK and
# place, made whole by launch/class-data.sh; the JVMs look again whether it is theirs.
lockstep_name_class_data() {
  local files key=
  files=$(find -L "${JAVA%/bin/java}"/lib/server/libjvm.so "$LOCKSTEP_HOME"/target/lockstep.jar \
    "$LOCKSTEP_HOME"/target/lib/*.jar "$MPJ_JAR" -maxdepth 0 -printf '%p %s %T@\n' 2>/dev/null) || files=
  [ -z "$files" ] || key=$(printf '%s\n' "$LOCKSTEP_HOME" "$JAVA" "$files" | sha256sum 2>/dev/null) || key=
  lockstep_class_data=${key:+$LOCKSTEP_CACHE/classes/${key:0:16}}
}
# What is in there is run: it has to be whole, and nobody else's to write.
lockstep_class_data_state() {
  find -L "$LOCKSTEP_CACHE" "$LOCKSTEP_CACHE/classes" "$1" "$1"/launcher.jsa "$1"/ranks.jsa "$1"/ranks-wide.jsa "$1"/{names,options} \
    -maxdepth 0 \( \( -perm /022 -o ! -uid 0 ! -uid "$EUID" \) -printf 'open ' -o -type f -printf '%f %s ' \) 2>/dev/null || true
}
# What was begun and is not there after an hour has failed, and may fail again.
lockstep_class_data_is_being_made() {
  [ -e "$lockstep_class_data.making" ] && [ -n "$(find "$lockstep_class_data.making" -maxdepth 0 -mmin -60 2>/dev/null)" ]
}
# For lockstep_jvm, and the ranks of its job.
lockstep_use_class_data() {
  lockstep_name_class_data
  local whole= options
  if [ -z "$lockstep_class_data" ]; then
    return 0
  elif [ -e "$lockstep_class_data/whole" ]; then
    IFS= read -r whole <"$lockstep_class_data/whole" || true
    [ -n "$whole" ] && [ "$whole" = "$(lockstep_class_data_state "$lockstep_class_data")" ] || return 0
    read -ra options <"$lockstep_class_data/options"
    lockstep_jvm=("$JAVA" "${options[@]}" -XX:SharedArchiveFile="$lockstep_class_data/launcher.jsa"
      -Dlockstep.class.data="$lockstep_class_data" "${lockstep_jvm[@]:1}")
  elif [ -z "${SLURM_JOB_ID:-}" ] && { [ -w "$LOCKSTEP_CACHE" ] || [ ! -e "$LOCKSTEP_CACHE" ]; } && ! lockstep_class_data_is_being_made; then
    # not in a Slurm job, which ends what is left behind
    lockstep_jvm=("$JAVA" -Dlockstep.class.data.script="$LOCKSTEP_HOME/launch/class-data.sh" "${lockstep_jvm[@]:1}")
  fi
}

# Whoever comes second waits, and then finds everything done. The lock's file says who has it.
lockstep_lock() {
  local status=0
  if ! command -v flock >/dev/null; then
    lockstep_say "there is no flock (util-linux) here: do not start two jobs before this is done"
    return
  fi
  flock -w 5 -E 75 9 2>/dev/null || status=$?
  if [ "$status" = 75 ]; then
    local holder=
    IFS= read -r holder 2>/dev/null <"$LOCKSTEP_CACHE/setup.lock" || true
    lockstep_say "waiting for another start, ${holder:-not known which}, that fetches or builds what is missing and holds $LOCKSTEP_CACHE/setup.lock"
    status=0
    flock 9 2>/dev/null || status=$?
  fi
  if [ "$status" != 0 ]; then
    lockstep_say "$LOCKSTEP_CACHE/setup.lock cannot be locked, as on some network file systems: do not start two jobs before this is done"
  else
    printf 'process %s on %s\n' "$$" "$(</proc/sys/kernel/hostname)" >"$LOCKSTEP_CACHE/setup.lock" 2>/dev/null || true
  fi
}

lockstep_find_java
lockstep_has_all() { lockstep_find_mpj && lockstep_is_built; }
if ! lockstep_has_all || ! lockstep_find_ucx; then
  [ -z "${lockstep_in_background:-}" ] || exit 0
  if (umask go-w && mkdir -p "$LOCKSTEP_CACHE") 2>/dev/null && { : >>"$LOCKSTEP_CACHE/setup.lock"; } 2>/dev/null; then
    (
      lockstep_lock
      lockstep_find_mpj || lockstep_fetch_mpj
      lockstep_find_ucx || lockstep_fetch_ucx
      rm -rf "$LOCKSTEP_CACHE/apt"
      lockstep_is_built || lockstep_build
    ) 9>>"$LOCKSTEP_CACHE/setup.lock" || exit $?
    lockstep_find_mpj
    lockstep_find_ucx || true
  else
    lockstep_has_all || # only UCX is missing otherwise
      lockstep_stop "$LOCKSTEP_CACHE cannot be written: $(lockstep_why "$LOCKSTEP_CACHE"): set LOCKSTEP_CACHE to a directory that can be"
  fi
fi
lockstep_check_mpj
