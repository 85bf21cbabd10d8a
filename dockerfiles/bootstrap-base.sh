#!/bin/sh
# Makes a base image from a Debian mirror, without a container registry.
#
#   bootstrap-base.sh SUITE [IMAGE] [MIRROR]
#
# SUITE   a Debian suite; its Python is the base's: bullseye 3.9, bookworm 3.11, trixie 3.13
# IMAGE   the name it gets (default: reproducibility-harness-base:SUITE)
# MIRROR  where the packages come from (default: the mirror the apt client here uses, else
#         debootstrap's own default)
#
# Prints the image id (sha256:...), which is how a bases file refers to it. Needs root,
# debootstrap and a Docker client; the engine is the one DOCKER_HOST names.
set -eu

[ $# -ge 1 ] || { sed -n '2,/^set/s/^# \{0,1\}//p' "$0" >&2; exit 2; }
suite=$1
image=${2:-reproducibility-harness-base:$suite}

for tool in debootstrap docker; do
    command -v "$tool" >/dev/null ||
        { echo "bootstrap-base.sh: $tool is missing; install it (Debian: docker.io, debootstrap)" >&2
          exit 5; }
done

# `Label: Debian` leaves out the security archive, which debootstrap cannot start from.
apt_mirror() {
    command -v apt-get >/dev/null || return 0
    # shellcheck disable=SC2016  # $(SITE) is apt's own notation
    apt-get indextargets --format '$(REPO_URI)' 'Identifier: Packages' 'Label: Debian' 2>/dev/null |
        head -n 1
}
mirror=${3:-$(apt_mirror)}

# debootstrap downloads by itself and does not read apt's proxy.
if [ -z "${http_proxy:-}" ] && command -v apt-config >/dev/null; then
    eval "$(apt-config shell http_proxy Acquire::http::Proxy)"
    export http_proxy
fi

folder=$(mktemp -d "${TMPDIR:-/var/tmp}/bootstrap-base.XXXXXX")
trap 'rm -rf "$folder"' EXIT INT TERM
debootstrap --variant=minbase --include=ca-certificates,python3,python3-venv \
    "$suite" "$folder" ${mirror:+"$mirror"} >&2
# What is only true of the machine that made it, or differs each time, does not belong in a base.
rm -rf "$folder"/var/cache/apt/* "$folder"/var/lib/apt/lists/* "$folder"/var/log/*
rm -f "$folder/etc/resolv.conf" "$folder/etc/hostname" "$folder/etc/machine-id"
tar --sort=name --numeric-owner --one-file-system -C "$folder" -c . |
    docker import --change 'ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' \
        --message "debootstrap $suite" - "$image"
