/* Cores: affinity, and the quota of control groups.
 *
 * A process is in one group of each hierarchy. Version 2 has one hierarchy, version 1 one for each
 * set of controllers; the directory of a group is found by putting together
 *
 *     /proc/self/mountinfo   36 25 0:31 ROOT MOUNTPOINT rw,... - TYPE source OPTIONS
 *     /proc/self/cgroup      0::PATH   (version 2)      4:cpu,cpuacct:PATH   (version 1)
 *
 * as MOUNTPOINT followed by what PATH has beyond ROOT. A group is also bound by those above it, so
 * each directory up to MOUNTPOINT counts and the least quota wins. */
#include "base/cores.h"

#include <limits.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { LINE_SIZE = 3 * PATH_MAX };

/* Whether a list "cpu,cpuacct" has the controller "cpu". */
static bool has_cpu(const char *list) {
  for (const char *at = list; (at = strstr(at, "cpu")); at += 3) {
    bool begins = at == list || at[-1] == ',';
    if (begins && (at[3] == ',' || at[3] == '\0'))
      return true;
  }
  return false;
}

/* The process's path in the version 2 hierarchy, or in version 1's with the cpu controller. */
static bool find_path(const char *cgroup, bool unified, char path[PATH_MAX]) {
  FILE *file = fopen(cgroup, "re");
  char line[LINE_SIZE], controllers[256];
  bool found = false;
  while (file && !found && fgets(line, sizeof line, file)) {
    if (unified)
      found = sscanf(line, "0::%4095[^\n]", path) == 1;
    else
      found =
          sscanf(line, "%*d:%255[^:]:%4095[^\n]", controllers, path) == 2 && has_cpu(controllers);
  }
  if (file)
    fclose(file);
  return found;
}

/* Reads up to two numbers from a file of the directory; what is not there is left as it was. */
static void read_numbers(const char *directory, const char *name, double *first, double *second) {
  char path[2 * PATH_MAX + 32];
  snprintf(path, sizeof path, "%s/%s", directory, name);
  FILE *file = fopen(path, "re");
  if (!file)
    return;
  (void)!fscanf(file, "%lf %lf", first, second);
  fclose(file);
}

/* The cores that one group grants; 0 when it sets no bound ("max", or -1 in version 1). */
static double quota_of_group(const char *directory, bool unified) {
  double quota = 0, period = 0, none = 0;
  if (unified) {
    read_numbers(directory, "cpu.max", &quota, &period);
  } else {
    read_numbers(directory, "cpu.cfs_quota_us", &quota, &none);
    read_numbers(directory, "cpu.cfs_period_us", &period, &none);
  }
  return quota > 0 && period > 0 ? quota / period : 0;
}

/* The least of two bounds, where 0 is no bound. */
static double lesser(double a, double b) {
  if (a == 0 || b == 0)
    return a + b;
  return a < b ? a : b;
}

/* The least quota of the directory and those above it, down to the first `floor` bytes of it. */
static double quota_of_groups(char *directory, size_t floor, bool unified) {
  double least = quota_of_group(directory, unified);
  for (char *slash; (slash = strrchr(directory, '/')) && slash >= directory + floor;) {
    *slash = '\0';
    least = lesser(least, quota_of_group(directory, unified));
  }
  return least;
}

/* The quota along one mount of a hierarchy, 0 if it is none or sets no bound. */
static double quota_of_mount(char *line, const char *cgroup) {
  char root[PATH_MAX], mount[PATH_MAX], path[PATH_MAX], type[32], options[256];
  const char *tail = strstr(line, " - ");
  if (!tail || sscanf(tail, " - %31s %*s %255s", type, options) != 2 ||
      sscanf(line, "%*d %*d %*s %4095s %4095s", root, mount) != 2)
    return 0;
  bool unified = strcmp(type, "cgroup2") == 0;
  if (!unified && (strcmp(type, "cgroup") != 0 || !has_cpu(options)))
    return 0;
  if (!find_path(cgroup, unified, path))
    return 0;
  size_t above = strcmp(root, "/") == 0 ? 0 : strlen(root);
  const char *below = strncmp(path, root, above) == 0 ? path + above : "";
  char directory[2 * PATH_MAX];
  snprintf(directory, sizeof directory, "%s%s", mount, strcmp(below, "/") == 0 ? "" : below);
  return quota_of_groups(directory, strlen(mount), unified);
}

static int affinity(void) {
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) == 0)
    return CPU_COUNT(&set);
  return (int)sysconf(_SC_NPROCESSORS_ONLN); /* more cores than the set has room for */
}

double rl_cores_granted(const char *mountinfo, const char *cgroup) {
  FILE *file = fopen(mountinfo, "re");
  char line[LINE_SIZE];
  double least = 0;
  while (file && fgets(line, sizeof line, file))
    least = lesser(least, quota_of_mount(line, cgroup));
  if (file)
    fclose(file);
  return least;
}

int rl_cores_usable(void) {
  int cores = affinity();
  double granted = rl_cores_granted("/proc/self/mountinfo", "/proc/self/cgroup");
  if (granted > 0 && granted < cores) {
    int whole = (int)granted;
    cores = whole < granted ? whole + 1 : whole;
  }
  return cores < 1 ? 1 : cores;
}
