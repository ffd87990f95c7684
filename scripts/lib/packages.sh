# For scripts/test --packages: the Debian packages, built, installed into a clean Debian and used
# there. The mirror is the one that this machine's apt has.

# Each needs what the one before has done.
package_suites=(build again root install program commands embedding documentation removal)

# Sets `mirror` and `suite` to what apt takes Debian's main archive from.
find_mirror() {
  read -r mirror suite < <(
    apt-get indextargets --format '$(REPO_URI) $(RELEASE)' 'Created-By: Packages' 2>/dev/null)
  [ -n "${suite:-}" ]
}

inside() {
  chroot "$root" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 \
    DEBIAN_FRONTEND=noninteractive "$@"
}

# Lintian has nothing to say but that there is no copyright file, that the program is linked
# statically and not position-independent, and that CPack writes scripts for ldconfig.
package_build() {
  scripts/package || return
  lintian --allow-root --fail-on error,warning --suppress-tags \
    embedded-library,hardening-no-pie,maintscript-calls-ldconfig,no-copyright-file \
    build-packages/*.deb
}

# The same sources in another folder make the same packages.
package_again() {
  local other=$logs/again file status=0
  mkdir "$other" &&
    git ls-files -z --cached --others --exclude-standard | xargs -0 cp --parents -t "$other" &&
    SOURCE_DATE_EPOCH=$(git log -1 --format=%ct) "$other/scripts/package" || return
  for file in build-packages/*.deb; do
    cmp "$file" "$other/$file" || status=1
  done
  return $status
}

package_root() {
  debootstrap --variant=minbase "$suite" "$root" "$mirror"
}

package_install() {
  mkdir "$root/packages" && cp build-packages/*.deb spec/packages/*.sh "$root/packages/" &&
    cp /etc/resolv.conf "$root/etc/" && inside apt-get -qq update &&
    inside sh -c 'apt-get -qq install --yes --no-install-recommends /packages/*.deb'
}

package_program() {
  inside sh /packages/program.sh
}

# What the program recommends is enough for a new project and its tests.
package_commands() {
  inside sh -c 'apt-get -qq install --yes --no-install-recommends $(dpkg-query \
    --show --showformat "\${Recommends}" rille | tr -d ,)' && inside sh /packages/commands.sh
}

package_embedding() {
  inside apt-get -qq install --yes --no-install-recommends g++ libc6-dev pkgconf cmake \
    ninja-build && inside sh /packages/embedding.sh
}

package_documentation() {
  local file files=(doc/rille/{README.md,CHANGELOG.md,docs/reference.md,examples/hello.lua}
    rille/types/rille.lua man/man1/rille.1.gz)
  for file in "${files[@]}"; do
    [ -s "$root/usr/share/$file" ] || { echo "missing: $file"; return 1; }
  done
}

# What the packages brought is gone, also their folders.
package_removal() {
  local names
  names=$(cd build-packages && printf '%s\n' *.deb | sed 's/_.*//')
  # shellcheck disable=SC2086
  inside apt-get -qq purge --yes $names || return
  ! find "$root" \( -path "$root/packages" -o -path "$root/proc" -o -path "$root/var/log" \) \
    -prune -o -iname '*rille*' -print | grep .
}

run_packages() {
  local mirror suite root=$logs/root name
  if [ "$(id -u)" != 0 ]; then
    echo "packages: skipped, since only root can install them into a Debian of their own"
    return
  fi
  if ! scripts/setup packages || ! find_mirror; then
    echo "packages: skipped, since there is no debootstrap, or apt knows no mirror"
    return
  fi
  for name in "${package_suites[@]}"; do
    check "packages $name" "package_$name"
    report "packages $name"
    [ "$failed" = 0 ] || return
  done
}
