#!/usr/bin/env bash
# Makes one archive for machines that have no JDK, no Maven and no network: a Java runtime, Lockstep with its libraries
# and MPJ Express, UCX where it can be fetched, the launch scripts, the examples, docs/api. Unpacked, launch/mpjrun.sh in it works as in a clone.
#   launch/bundle.sh [--libtorch cpu|DIR] [FILE]      (default: target/lockstep-VERSION-linux-x86_64.tar.gz)
# Without --libtorch the archive holds no libtorch: the machine's own is named by PYTORCH_LIBRARY_PATH (see running.md). With
# DIR it holds the libraries in there, with PYTORCH_VERSION and PYTORCH_FLAVOR as they are set now.
case ${1:-} in -h | --help) sed -n '2,/^[^#]/s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"; exit ;; esac
set -euo pipefail
# shellcheck source=launch/setup.sh
. "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/setup.sh"

libtorch=none
if [ "${1:-}" = --libtorch ]; then
  libtorch=${2:-}
  [ "$libtorch" = cpu ] || [ -e "$libtorch/libtorch.so" ] ||
    lockstep_stop "--libtorch is cpu or a directory with libtorch.so, not ${libtorch:-nothing}"
  shift 2
fi
case ${1:-} in -*) lockstep_stop "unknown option $1: launch/bundle.sh [--libtorch cpu|DIR] [FILE]" ;; esac
[ -e "$LOCKSTEP_HOME/pom.xml" ] || lockstep_stop "this is a bundle already: make bundles in a clone"
jlink=${JAVA%java}jlink
jar_tool=${JAVA%java}jar
[ -x "$jlink" ] || lockstep_stop "$JAVA has no jlink beside it: install a whole JDK, or set JAVA_HOME to one"

version=$(sed -n 's|^  <version>\(.*\)</version>$|\1|p' "$LOCKSTEP_HOME/pom.xml" | head -n 1)
file=${1:-$LOCKSTEP_HOME/target/lockstep-$version-linux-x86_64.tar.gz}
[ -d "$(dirname "$file")" ] || lockstep_stop "there is no directory $(dirname "$file") for the archive"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
root=$work/lockstep-$version

mkdir -p "$root/target/lib" "$root/target/lib-cpu" "$root/lib"
cp -r "$LOCKSTEP_HOME/conf" "$LOCKSTEP_HOME/examples" "$LOCKSTEP_HOME/README.md" "$LOCKSTEP_HOME/LICENSE" "$root"
cp -r "$LOCKSTEP_HOME/launch" "$root/launch"
mkdir -p "$root/src/site" && cp -r "$LOCKSTEP_HOME/src/site/markdown" "$root/src/site" # where README.md has its links to
rm "$root/launch/bundle.sh" "$root/launch/test.sh"
cp "$(readlink -f "$MPJ_JAR")" "$root/lib/mpj.jar"
lockstep_maven -Pbundle org.cyclonedx:cyclonedx-maven-plugin:makeBom org.codehaus.mojo:license-maven-plugin:add-third-party
rm -rf "$LOCKSTEP_HOME/target/reports/apidocs" # pages of classes that are gone would stay
lockstep_maven javadoc:javadoc-no-fork
mkdir "$root/docs" && cp -r "$LOCKSTEP_HOME/target/reports/apidocs" "$root/docs/api"
cp "$LOCKSTEP_HOME/target/lockstep.cdx.json" "$LOCKSTEP_HOME/target/THIRD-PARTY.txt" "$root"
cp "$LOCKSTEP_HOME/target/lockstep.jar" "$root/target"
ucx=$LOCKSTEP_CACHE/ucx # what is fetched runs elsewhere too, of the system's own there may be more than one file
[ -e "$ucx/libnuma1.copyright" ] || lockstep_fetch_ucx
if [ -e "$ucx/libnuma1.copyright" ] && [ -z "$(lockstep_open_to_others "$LOCKSTEP_CACHE" "$ucx" "$ucx/lib" "$ucx"/lib/*)" ]; then
  mkdir "$root/lib/ucx"
  cp "$ucx"/lib/* "$ucx"/*.copyright "$root/lib/ucx"
  for library in "$ucx"/lib/*; do
    package=libucx0
    [[ $library != */libnuma* ]] || package=libnuma1
    printf '\nlib/ucx/%s\n    From the package %s\n    Licence: lib/ucx/%s.copyright\n' "${library##*/}" "$package" "$package"
  done >>"$root/THIRD-PARTY.txt"
else
  lockstep_say "UCX could not be fetched, so ranks of one host send their messages over TCP where there is none"
fi
cp "$LOCKSTEP_HOME"/target/lib/*.jar "$root/target/lib"
if [ "$libtorch" = cpu ]; then
  cp "$LOCKSTEP_HOME"/target/lib-cpu/*.jar "$root/target/lib-cpu"
elif [ "$libtorch" != none ]; then
  mkdir "$root/libtorch"
  cp -L "$libtorch"/*.so* "$root/libtorch"
  for name in PYTORCH_VERSION PYTORCH_FLAVOR; do
    [ -z "${!name:-}" ] || printf 'export %s=${%s:-%s}\n' "$name" "$name" "${!name}"
  done >"$root/libtorch/versions.sh"
fi

# Two of the libraries carry native code for every system there is, which would be a quarter of the archive, and of Lucene
# only the automata are needed.
trim() { # JAR FOLDER KEPT...: of a folder's folders only those are left
  local jar=$1 folder=$2 unpacked=$work/unpacked kept=()
  shift 2
  local name
  for name; do
    kept+=(! -name "$name")
  done
  mkdir "$unpacked"
  (cd "$unpacked" && "$jar_tool" xf "$jar" && find "$folder" -mindepth 1 -maxdepth 1 -type d "${kept[@]}" \
    -exec rm -r {} + && rm -f module-info.class && "$jar_tool" cfM "$jar" .) # it would name packages that are gone
  rm -r "$unpacked"
}
trim "$root"/target/lib/tokenizers-*.jar native/lib linux-x86_64
trim "$root"/target/lib/pytorch-jni-*.jar jnilib linux-x86_64
trim "$root"/target/lib/lucene-core-*.jar org/apache/lucene util internal search

# jdk.compiler runs jobs that are .java files; java.net.http and jdk.crypto.ec fetch models; logback needs java.xml and java.naming, DJL and MPJ jdk.unsupported; without jdk.management Lucene warns of a JVM that it does not know.
"$jlink" --add-modules java.base,java.logging,java.management,jdk.management,java.naming,java.net.http,java.xml,jdk.compiler,jdk.crypto.ec,jdk.net,jdk.unsupported,jdk.zipfs \
  --strip-debug --no-header-files --no-man-pages --compress=2 --exclude-files '**ct.sym' --output "$root/runtime"
# What every JDK brings for a fast start and jlink leaves out; what launch/class-data.sh makes is built on it.
"$root/runtime/bin/java" -XX:-UseCompressedOops -Xshare:dump >/dev/null
"$root/runtime/bin/java" -Xshare:dump >/dev/null
tar -C "$work" -czf "$file" "lockstep-$version"
printf '%s %s\n' "$(du -h "$file" | cut -f1)" "$file"
