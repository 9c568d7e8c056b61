//! How many processors a run has when nobody says: the processor mask, bounded by the quota of the cgroup and of each of its
//! ancestors.
//!
//! GO: runtime/cgroup.go, internal/runtime/cgroup; `GOMAXPROCS` in runtime/debug.go (`defaultGOMAXPROCS`, `adjustCgroupGOMAXPROCS`).

use std::{
    fs,
    path::{Path, PathBuf},
};

/// The default for GOMAXPROCS.
pub(crate) fn available(root: &Path) -> usize {
    let mask = processors_in_mask(root);
    adjust(mask, cgroup_quota(root))
}

/// As Go: the quota rounded up, at least 2, never more than the mask has.
fn adjust(mask: usize, quota: Option<f64>) -> usize {
    let Some(quota) = quota else {
        return mask.max(1);
    };
    // A quota is a small positive number.
    let quota = quota.ceil().clamp(2.0, 65_536.0) as usize;
    mask.min(quota).max(1)
}

fn processors_in_mask(root: &Path) -> usize {
    // SYSTEM: the status file says the same but is slow to make; a copy of the tree for tests has nothing else.
    if root == Path::new("/")
        && let Ok(mask) = rustix::thread::sched_getaffinity(None)
        && mask.count() > 0
    {
        return mask.count() as usize;
    }
    // Linux: "Cpus_allowed:\tff,ffffffff", of this thread.
    if let Ok(status) = fs::read_to_string(root.join("proc/thread-self/status"))
        && let Some(mask) = status
            .lines()
            .find_map(|line| line.strip_prefix("Cpus_allowed:"))
    {
        let bits: u32 = mask
            .chars()
            .filter_map(|digit| digit.to_digit(16))
            .map(u32::count_ones)
            .sum();
        if bits > 0 {
            return bits as usize;
        }
    }
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// The least quota of this process's cgroup and all its ancestors, in processors. `root` is `/`, or a copy of it for tests.
fn cgroup_quota(root: &Path) -> Option<f64> {
    let groups = fs::read_to_string(root.join("proc/self/cgroup")).ok()?;
    let mut least: Option<f64> = None;
    for line in groups.lines() {
        // "0::/user.slice" (version 2) or "4:cpu,cpuacct:/docker/1234" (version 1).
        let mut parts = line.splitn(3, ':');
        let (Some(_), Some(controllers), Some(path)) = (parts.next(), parts.next(), parts.next())
        else {
            continue;
        };
        let (mount, read): (PathBuf, fn(&Path) -> Option<f64>) = if controllers.is_empty() {
            (root.join("sys/fs/cgroup"), quota_of_version_2)
        } else if controllers.split(',').any(|controller| controller == "cpu") {
            let named = root.join("sys/fs/cgroup").join(controllers);
            let plain = root.join("sys/fs/cgroup/cpu");
            (
                if named.is_dir() { named } else { plain },
                quota_of_version_1,
            )
        } else {
            continue;
        };
        // In a container the path may be that of the host: then only the mount itself is there to be read.
        let path = Path::new(path.trim_start_matches('/'));
        for ancestor in path.ancestors() {
            if let Some(quota) = read(&mount.join(ancestor)) {
                least = Some(least.map_or(quota, |least| least.min(quota)));
            }
        }
    }
    least
}

fn quota_of_version_2(group: &Path) -> Option<f64> {
    let text = fs::read_to_string(group.join("cpu.max")).ok()?;
    let mut words = text.split_whitespace();
    ratio(words.next()?, words.next()?)
}

fn quota_of_version_1(group: &Path) -> Option<f64> {
    let quota = fs::read_to_string(group.join("cpu.cfs_quota_us")).ok()?;
    let period = fs::read_to_string(group.join("cpu.cfs_period_us")).ok()?;
    ratio(quota.trim(), period.trim())
}

/// `None` for "max" and "-1": no limit.
fn ratio(quota: &str, period: &str) -> Option<f64> {
    let quota: f64 = quota.parse().ok()?;
    let period: f64 = period.parse().ok()?;
    (quota > 0.0 && period > 0.0).then_some(quota / period)
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    fn tree(name: &str, files: &[(&str, &str)]) -> PathBuf {
        let root =
            std::env::temp_dir().join(format!("golite-cgroup-{}-{name}", std::process::id()));
        for (path, text) in files {
            let path = root.join(path);
            fs::create_dir_all(path.parent().expect("has a folder")).expect("a temporary folder");
            fs::write(path, text).expect("a temporary file");
        }
        root
    }

    #[test]
    fn the_least_quota_of_all_ancestors_counts() {
        let root = tree(
            "v2",
            &[
                ("proc/self/cgroup", "0::/a/b/c\n"),
                ("sys/fs/cgroup/a/cpu.max", "250000 100000\n"),
                ("sys/fs/cgroup/a/b/cpu.max", "max 100000\n"),
                ("sys/fs/cgroup/a/b/c/cpu.max", "400000 100000\n"),
            ],
        );
        assert_eq!(cgroup_quota(&root), Some(2.5));
        fs::remove_dir_all(root).expect("a temporary folder");
    }

    #[test]
    fn version_1_is_read_too() {
        let root = tree(
            "v1",
            &[
                ("proc/self/cgroup", "5:memory:/x\n4:cpu,cpuacct:/x\n"),
                ("sys/fs/cgroup/cpu,cpuacct/x/cpu.cfs_quota_us", "300000\n"),
                ("sys/fs/cgroup/cpu,cpuacct/x/cpu.cfs_period_us", "100000\n"),
                ("sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us", "-1\n"),
                ("sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us", "100000\n"),
            ],
        );
        assert_eq!(cgroup_quota(&root), Some(3.0));
        fs::remove_dir_all(root).expect("a temporary folder");
    }

    #[test]
    fn a_quota_is_rounded_up_and_never_below_two_nor_above_the_mask() {
        assert_eq!(adjust(8, None), 8);
        assert_eq!(adjust(8, Some(2.5)), 3);
        assert_eq!(adjust(8, Some(0.5)), 2);
        assert_eq!(adjust(1, Some(0.5)), 1);
        assert_eq!(adjust(2, Some(100.0)), 2);
    }
}
