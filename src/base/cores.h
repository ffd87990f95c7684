/* Cores: how many this process may really use. Any thread. */
#ifndef RL_BASE_CORES_H
#define RL_BASE_CORES_H

/* The number of cores in the process's CPU affinity, further bounded by the quota of its control
 * group and those above it (version 2 or 1), rounded up; at least 1. */
int rl_cores_usable(void);

/* The cores that control groups grant, a fraction perhaps; 0 when they set no bound. The files are
 * those of /proc/self: where control groups are mounted, and in which ones the process is. */
double rl_cores_granted(const char *mountinfo, const char *cgroup);

#endif
