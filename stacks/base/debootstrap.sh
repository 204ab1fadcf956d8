#!/usr/bin/env bash
# Makes the Python base image for the stacks' Dockerfiles from Debian packages,
# for a machine that reaches Debian's packages but no image registry. Where
# python:3.11-slim can be pulled, nothing needs this.
# Usage: debootstrap.sh [IMAGE]      (needs root, debootstrap and a Docker engine)
set -euo pipefail

image=${1:-stackbench-base:bookworm}
if docker image inspect "$image" >/dev/null 2>&1; then
  echo "base image $image is already here"
  exit 0
fi
for tool in debootstrap docker tar; do
  command -v "$tool" >/dev/null || { echo "make $image: $tool is missing"; echo "install it: apt-get install docker.io debootstrap"; exit 1; } >&2
done
# The host's own mirror: the one that is known to answer from here.
mirror=$(sed -n 's/^URIs: *//p' /etc/apt/sources.list.d/*.sources 2>/dev/null | head -n 1)
[ -n "$mirror" ] || mirror=$(awk '/^deb /{print $2; exit}' /etc/apt/sources.list)

root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
debootstrap --variant=minbase --include=ca-certificates,python3,python3-venv bookworm "$root" "$mirror" >"$root.log" 2>&1 || {
  tail -n 5 "$root.log" >&2
  exit 1
}
rm -f "$root.log"
# pip carries its own list of authorities; behind a proxy only the host's list is right.
certs=/etc/ssl/certs/ca-certificates.crt
cp "$certs" "$root$certs"
tar -C "$root" -c . | docker import --change "ENV PIP_CERT=$certs" - "$image" >/dev/null
echo "base image $image made"
