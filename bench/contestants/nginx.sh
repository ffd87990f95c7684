#!/bin/sh
# Runs one Lua file in a request of an nginx of its own and prints the answer:
# nginx.sh FILE THREADS. It listens on a Unix socket in a folder that is removed at the end.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
home=$(mktemp -d)
server=
finish() {
  if [ -n "$server" ]; then kill "$server" 2>/dev/null || true; wait "$server" || true; fi
  rm -rf "$home"
}
trap finish EXIT
trap 'exit 1' INT TERM
sed -e "s|@HERE@|$here|g" -e "s|@FILE@|$1|g" -e "s|@THREADS@|$2|g" -e "s|@HOME@|$home|g" \
  "$here/nginx.conf.in" >"$home/nginx.conf"
timeout --foreground 120 nginx -p "$home" -e "$home/error.log" -c "$home/nginx.conf" 2>"$home/stderr" &
server=$!
tries=0
until [ -S "$home/socket" ]; do
  tries=$((tries + 1))
  if [ "$tries" -gt 100 ]; then head -5 "$home/stderr" "$home/error.log" >&2; exit 1; fi
  sleep 0.05
done
curl -sS --fail --max-time 110 --unix-socket "$home/socket" http://localhost/ ||
  { head -5 "$home/error.log" >&2; exit 1; }
